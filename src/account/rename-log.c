/* Renamed mailboxes: a file to which each rename is appended. When it has grown
   to its limit, the older half goes. */

#include "lib.h"
#include "array.h"
#include "istream.h"
#include "str.h"
#include "mail-user.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mailbox-list-private.h"
#include "mailbox-list-iter.h"
#include "compat/dovecot.h"
#include "account/append.h"
#include "account/user.h"
#include "account/storage-names.h"
#include "account/files.h"
#include "account/rename-log.h"

#include <fcntl.h>

#define RENAMED_LOCK_FNAME LAZY_EXPUNGE_RENAMED_FNAME".lock"
/* Some ten thousand renames. */
#define RENAMED_MAX_SIZE (1024 * 1024)
/* Mailboxes of one rename that are remembered, itself included. */
#define RENAMED_MAX_MAILBOXES 2000
#define RENAMED_MAX_LINE 8192

struct lazy_expunge_renamed {
	pool_t pool;
	/* whose mailboxes they are */
	struct mail_user *user;
	ARRAY_TYPE(lazy_expunge_rename) renames;
};

/* The name as the owner knows it. */
static const char *owner_name(struct mail_namespace *ns, const char *vname)
{
	return ns->type != MAIL_NAMESPACE_TYPE_SHARED ? vname :
		lazy_expunge_name_without_prefix(ns, vname);
}

static void renamed_add(struct lazy_expunge_renamed *renamed,
			struct mailbox_list *src_list, const char *src_vname,
			struct mailbox_list *dest_list, const char *dest_vname)
{
	struct lazy_expunge_rename *rename;
	struct mailbox_metadata metadata;
	struct mailbox *box;

	/* an object of its own: the one that is renamed need not be open. By its
	   name as it is: this may be the renaming that normalizes it. */
	box = mailbox_alloc(src_list, src_vname, MAILBOX_FLAG_IGNORE_ACLS |
			    LAZY_EXPUNGE_COMPAT_FLAG_RAW_NAME);
	if (mailbox_get_metadata(box, MAILBOX_METADATA_GUID, &metadata) == 0) {
		rename = array_append_space(&renamed->renames);
		guid_128_copy(rename->guid, metadata.guid);
		rename->old_name = p_strdup(renamed->pool,
					    owner_name(src_list->ns, src_vname));
		rename->new_name = p_strdup(renamed->pool,
					    owner_name(dest_list->ns,
						       dest_vname));
	} else if (mailbox_get_last_mail_error(box) != MAIL_ERROR_NOTFOUND) {
		e_warning(box->event, "lazy_expunge: The rename cannot be "
			  "remembered: %s",
			  mailbox_get_last_internal_error(box, NULL));
	}
	mailbox_free(&box);
}

/* The child's name below its parent's new name. */
static const char *
child_new_vname(struct mailbox *src, struct mailbox *dest, const char *child)
{
	const char src_sep = mail_namespace_get_sep(src->list->ns);
	const char dest_sep = mail_namespace_get_sep(dest->list->ns);
	char *below = t_strdup_noconst(child + strlen(src->vname));

	for (char *p = below; *p != '\0'; p++) {
		if (*p == src_sep)
			*p = dest_sep;
	}
	return t_strconcat(dest->vname, below, NULL);
}

static void renamed_add_children(struct lazy_expunge_renamed *renamed,
				 struct mailbox *src, struct mailbox *dest)
{
	const enum mailbox_list_iter_flags flags =
		MAILBOX_LIST_ITER_NO_AUTO_BOXES |
		MAILBOX_LIST_ITER_SKIP_ALIASES |
		MAILBOX_LIST_ITER_RETURN_NO_FLAGS |
		LAZY_EXPUNGE_COMPAT_ITER_NO_RENAMING;
	const char sep = mail_namespace_get_sep(src->list->ns);
	struct mailbox_list_iterate_context *iter;
	const struct mailbox_info *info;
	size_t len = strlen(src->vname);

	iter = mailbox_list_iter_init(src->list,
		t_strdup_printf("%s%c*", src->vname, sep), flags);
	while ((info = mailbox_list_iter_next(iter)) != NULL &&
	       array_count(&renamed->renames) < RENAMED_MAX_MAILBOXES) T_BEGIN {
		/* the name may have wildcards in it */
		if (strncmp(info->vname, src->vname, len) == 0 &&
		    info->vname[len] == sep) {
			renamed_add(renamed, src->list, info->vname, dest->list,
				    child_new_vname(src, dest, info->vname));
		}
	} T_END;
	/* Dovecot lists them, too, and says what fails */
	(void)mailbox_list_iter_deinit(&iter);
}

struct lazy_expunge_renamed *
lazy_expunge_renamed_begin(struct mailbox *src, struct mailbox *dest)
{
	struct mail_namespace *ns = src->list->ns;
	struct lazy_expunge_renamed *renamed;
	pool_t pool;

	/* public mailboxes have no owner whom one could ask */
	if (ns->owner == NULL || dest->list->ns->owner != ns->owner ||
	    src->virtual_vfuncs != NULL)
		return NULL;
	pool = pool_alloconly_create("lazy_expunge renamed", 1024);
	renamed = p_new(pool, struct lazy_expunge_renamed, 1);
	renamed->pool = pool;
	renamed->user = ns->owner;
	p_array_init(&renamed->renames, pool, 4);
	T_BEGIN {
		renamed_add(renamed, src->list, src->vname, dest->list,
			    dest->vname);
		/* those of INBOX stay where they are */
		if (!src->inbox_any)
			renamed_add_children(renamed, src, dest);
	} T_END;
	return renamed;
}

void lazy_expunge_renamed_finish(struct lazy_expunge_renamed **_renamed,
				 bool success, time_t now)
{
	struct lazy_expunge_renamed *renamed = *_renamed;
	struct lazy_expunge_rename *rename;
	const char *error;

	if (renamed == NULL)
		return;
	*_renamed = NULL;
	if (success && array_count(&renamed->renames) > 0) T_BEGIN {
		string_t *text = t_str_new(256);

		array_foreach_modifiable(&renamed->renames, rename) {
			rename->time = now;
			lazy_expunge_rename_append(text, rename);
		}
		lazy_expunge_place_adopt(renamed->user,
					 LAZY_EXPUNGE_RENAMED_FNAME);
		if (lazy_expunge_append(renamed->user,
					LAZY_EXPUNGE_RENAMED_FNAME,
					RENAMED_LOCK_FNAME, RENAMED_MAX_SIZE,
					text, &error) <= 0) {
			e_warning(renamed->user->event, "lazy_expunge: The "
				  "rename cannot be remembered: %s", error);
		}
	} T_END;
	pool_unref(&renamed->pool);
}

void lazy_expunge_renamed_read(struct mail_user *user, pool_t pool,
			       ARRAY_TYPE(lazy_expunge_rename) *renames)
{
	struct lazy_expunge_rename rename;
	struct istream *input;
	const char *path, *line, *error;
	int fd, ret;

	path = lazy_expunge_place_path(user, LAZY_EXPUNGE_RENAMED_FNAME);
	if (path == NULL)
		return;
	lazy_expunge_place_adopt(user, LAZY_EXPUNGE_RENAMED_FNAME);
	ret = lazy_expunge_place_open(path, O_RDONLY, &fd, &error);
	if (ret <= 0) {
		if (ret < 0) {
			e_warning(user->event, "lazy_expunge: Renames are not "
				  "known: %s", error);
		}
		return;
	}
	input = i_stream_create_fd_autoclose(&fd, RENAMED_MAX_LINE);
	while ((line = i_stream_read_next_line(input)) != NULL) {
		if (lazy_expunge_rename_parse(line, pool, &rename))
			array_push_back(renames, &rename);
	}
	if (input->stream_errno != 0) {
		e_warning(user->event, "lazy_expunge: read(%s) failed: %s",
			  path, i_stream_get_error(input));
	}
	i_stream_destroy(&input);
}

bool lazy_expunge_mailbox_has_guid(struct mailbox *box, const guid_128_t guid)
{
	struct mailbox_metadata metadata;

	return mailbox_get_metadata(box, MAILBOX_METADATA_GUID,
				    &metadata) == 0 &&
		guid_128_equals(metadata.guid, guid);
}
