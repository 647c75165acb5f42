/* See the header. */

#include "lib.h"
#include "array.h"
#include "mail-index-alloc-cache.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mailbox-list-iter.h"
#include "compat/dovecot.h"
#include "account/storage-list.h"
#include "account/storages.h"
#include "formats/format.h"
#include "formats/mail-room.h"
#include "retention/due.h"
#include "settings/mailbox-blocks.h"
#include "retention/first-room.h"

#include <unistd.h>

static bool needs_save_dates(struct mail_namespace *ns, const char *vname,
			     struct mailbox *box)
{
	struct lazy_expunge_retention set;

	if (lazy_expunge_box_format(box) == LAZY_EXPUNGE_FORMAT_MDBOX)
		return FALSE;
	lazy_expunge_keep_time_get(ns, vname, &set);
	return set.autoexpunge > 0;
}

/* Returns TRUE if the file is gone. */
static bool unlink_cache_of(struct mailbox *box)
{
	const char *dir;

	return mailbox_get_path_to(box, MAILBOX_LIST_PATH_TYPE_INDEX_CACHE,
				   &dir) > 0 &&
		unlink(t_strconcat(dir, "/"MAIL_INDEX_PREFIX".cache",
				   NULL)) == 0;
}

static bool unlink_cache(struct lazy_expunge_user *luser,
			 struct mail_namespace *ns, const char *vname)
{
	struct mailbox *box;
	bool gone;

	if (lazy_expunge_storage_match(luser, ns, vname) != NULL)
		return FALSE;
	box = lazy_expunge_mailbox_alloc(luser, ns, vname, 0);
	gone = !needs_save_dates(ns, vname, box) && unlink_cache_of(box);
	mailbox_free(&box);
	return gone;
}

struct first_room {
	struct lazy_expunge_user *luser;
	struct mailbox *box;
	uint64_t bytes;
	bool force, gone;
};

/* Returns TRUE if there is room enough. */
static bool unlink_caches(struct first_room *first, struct mail_namespace *ns)
{
	struct mailbox_list_iterate_context *iter;
	const struct mailbox_info *info;
	bool enough = FALSE;

	iter = mailbox_list_iter_init(ns->list, "*",
		MAILBOX_LIST_ITER_NO_AUTO_BOXES |
		MAILBOX_LIST_ITER_SKIP_ALIASES |
		MAILBOX_LIST_ITER_RETURN_NO_FLAGS);
	while (!enough &&
	       (info = mailbox_list_iter_next(iter)) != NULL) T_BEGIN {
		enough = (!first->force || first->gone) &&
			lazy_expunge_disk_has(first->box, first->bytes);
		if (!enough && unlink_cache(first->luser, ns, info->vname))
			first->gone = TRUE;
	} T_END;
	(void)mailbox_list_iter_deinit(&iter);
	return enough;
}

bool lazy_expunge_first_room(struct lazy_expunge_user *luser,
			     struct mailbox *box, uint64_t bytes, bool force)
{
	struct first_room first = {
		.luser = luser,
		.box = box,
		.bytes = bytes,
		.force = force,
	};
	struct mail_namespace *ns;
	bool enough = FALSE;

	for (ns = luser->user->namespaces; ns != NULL && !enough;
	     ns = ns->next) {
		if (ns->type == MAIL_NAMESPACE_TYPE_PRIVATE &&
		    ns->alias_for == NULL)
			enough = unlink_caches(&first, ns);
	}
	return first.gone;
}

struct first_room_storages {
	struct lazy_expunge_user *luser;
	/* only where the disk is full, and there by all means */
	bool to_open;
	bool gone;
};

static int unlink_cache_of_storage(struct mail_namespace *ns, const char *vname,
				   void *context)
{
	struct first_room_storages *ctx = context;
	struct mailbox *box;
	bool has_no_dates;

	box = lazy_expunge_mailbox_alloc(ctx->luser, ns, vname,
					 LAZY_EXPUNGE_COMPAT_FLAG_RAW_NAME);
	/* other formats have the save dates of a storage in its cache */
	has_no_dates = lazy_expunge_box_format(box) == LAZY_EXPUNGE_FORMAT_MDBOX;
	if (ctx->to_open ?
	    !lazy_expunge_disk_has(box, LAZY_EXPUNGE_ROOM_TO_WRITE) :
	    has_no_dates) {
		if ((has_no_dates && unlink_cache_of(box)) ||
		    (ctx->to_open &&
		     lazy_expunge_first_room(ctx->luser, box, 1, TRUE)))
			ctx->gone = TRUE;
	}
	mailbox_free(&box);
	return 0;
}

static bool
unlink_caches_of_storages(struct lazy_expunge_user *luser, bool to_open)
{
	struct first_room_storages ctx = {
		.luser = luser,
		.to_open = to_open,
	};
	struct lazy_expunge_storage *storage;
	const char *error;
	enum mail_error code;

	/* Dovecot keeps indexes that were closed open, and their caches */
	mail_index_alloc_cache_destroy_unrefed();
	array_foreach_elem(lazy_expunge_user_storages(luser), storage) {
		/* what fails here failed before */
		if (storage->ns != NULL && storage->error == NULL) {
			(void)lazy_expunge_storage_list(luser, storage,
				unlink_cache_of_storage, &ctx, &error, &code);
		}
	}
	return ctx.gone;
}

bool lazy_expunge_first_room_of_storages(struct lazy_expunge_user *luser)
{
	return unlink_caches_of_storages(luser, FALSE);
}

bool lazy_expunge_first_room_to_open(struct lazy_expunge_user *luser)
{
	return unlink_caches_of_storages(luser, TRUE);
}
