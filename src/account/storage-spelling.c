/* Spellings of a storage's name: found by a look at all names, or in what is
   remembered of renames. */

#include "lib.h"
#include "array.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mailbox-list-iter.h"
#include "compat/dovecot.h"
#include "core/text.h"
#include "account/rename-log.h"
#include "account/storages.h"
#include "account/storage-spelling.h"

static bool name_is_ascii(const char *name)
{
	for (; *name != '\0'; name++) {
		if ((unsigned char)*name >= 0x80)
			return FALSE;
	}
	return TRUE;
}

/* Below the prefix, as the layout can hold it. */
static const char *opened_name(struct mail_namespace *ns, const char *vname)
{
	return lazy_expunge_storage_legal_name(ns->list,
			lazy_expunge_name_without_prefix(ns, vname));
}

/* TRUE if the name is not normalized, and is vname (as it is opened) if it is. */
static bool name_is_spelling_of(struct mail_namespace *ns, const char *name,
				const char *vname)
{
	const char *normalized =
		lazy_expunge_compat_name_normalize(ns->list, name);

	return strcmp(name, normalized) != 0 &&
		strcmp(opened_name(ns, normalized),
		       opened_name(ns, vname)) == 0;
}

/* NULL if no name of the list is normalized to this one. */
static const char *spelling_listed(struct mail_namespace *ns, const char *vname)
{
	const enum mailbox_list_iter_flags flags = MAILBOX_LIST_ITER_RAW_LIST |
		MAILBOX_LIST_ITER_NO_AUTO_BOXES |
		MAILBOX_LIST_ITER_SKIP_ALIASES |
		MAILBOX_LIST_ITER_RETURN_NO_FLAGS |
		LAZY_EXPUNGE_COMPAT_ITER_NO_RENAMING;
	struct mailbox_list_iterate_context *iter;
	const struct mailbox_info *info;
	const char *found = NULL;

	iter = mailbox_list_iter_init(ns->list, "*", flags);
	while (found == NULL && (info = mailbox_list_iter_next(iter)) != NULL) {
		if (name_is_spelling_of(ns, info->vname, vname))
			found = t_strdup(info->vname);
	}
	(void)mailbox_list_iter_deinit(&iter);
	return found;
}

static bool mailbox_has_guid(struct lazy_expunge_user *luser,
			     struct mail_namespace *ns, const char *vname,
			     const guid_128_t guid)
{
	struct mailbox *box;
	bool has_guid;

	box = lazy_expunge_mailbox_alloc(luser, ns, vname, 0);
	has_guid = lazy_expunge_mailbox_has_guid(box, guid);
	mailbox_free(&box);
	return has_guid;
}

/* NULL if none is remembered that had this name and is there by another
   spelling of it. */
static const char *spelling_renamed(struct lazy_expunge_user *luser,
				    struct mail_namespace *ns,
				    const char *vname)
{
	ARRAY_TYPE(lazy_expunge_rename) renames;
	const struct lazy_expunge_rename *rename;
	const char *found = NULL;
	pool_t pool;

	pool = pool_alloconly_create("lazy_expunge spellings", 1024);
	p_array_init(&renames, pool, 16);
	lazy_expunge_renamed_read(luser->user, pool, &renames);
	array_foreach(&renames, rename) {
		if (strcmp(opened_name(ns, rename->old_name),
			   opened_name(ns, vname)) == 0 &&
		    lazy_expunge_text_is_same_name(
				opened_name(ns, rename->new_name),
				opened_name(ns, vname)) &&
		    mailbox_has_guid(luser, ns, rename->new_name, rename->guid))
			found = t_strdup(rename->new_name);
	}
	pool_unref(&pool);
	return found;
}

static int spelling_rename(struct lazy_expunge_user *luser,
			   struct mail_namespace *ns, const char *old_vname,
			   const char *vname)
{
	struct mailbox *src, *dest;
	int ret = 1;

	src = lazy_expunge_mailbox_alloc(luser, ns, old_vname,
					 LAZY_EXPUNGE_COMPAT_FLAG_RAW_NAME);
	dest = lazy_expunge_mailbox_alloc(luser, ns, vname,
					  LAZY_EXPUNGE_COMPAT_FLAG_RAW_NAME);
	if (mailbox_rename(src, dest) < 0) {
		e_error(src->event, "lazy_expunge: Cannot rename the expunge "
			"storage to the name that is configured, %s: %s",
			vname, mailbox_get_last_internal_error(src, NULL));
		ret = -1;
	}
	mailbox_free(&src);
	mailbox_free(&dest);
	return ret;
}

int lazy_expunge_spelling_mend(struct lazy_expunge_user *luser,
			       struct mail_namespace *ns, const char *vname)
{
	const char *found;
	int ret = 0;

	if (name_is_ascii(vname) || ns->type == MAIL_NAMESPACE_TYPE_SHARED)
		return 0;
	T_BEGIN {
		found = lazy_expunge_compat_names_are_normalized(ns->list) ?
			spelling_listed(ns, vname) :
			spelling_renamed(luser, ns, vname);
		if (found != NULL)
			ret = spelling_rename(luser, ns, found, vname);
	} T_END;
	return ret;
}

void lazy_expunge_spelling_mend_storages(struct lazy_expunge_user *luser)
{
	struct lazy_expunge_storage *storage;
	struct mailbox *box;
	enum mailbox_existence existence;
	const char *vname;

	array_foreach_elem(lazy_expunge_user_storages(luser), storage) {
		if (storage->ns == NULL ||
		    lazy_expunge_storage_is_many(storage) ||
		    name_is_ascii(storage->name))
			continue;
		T_BEGIN {
			vname = lazy_expunge_storage_legal_vname(storage);
			box = lazy_expunge_mailbox_alloc(luser, storage->ns,
							 vname, 0);
			if (mailbox_exists(box, FALSE, &existence) == 0 &&
			    existence == MAILBOX_EXISTENCE_NONE) {
				(void)lazy_expunge_spelling_mend(luser,
							storage->ns, vname);
			}
			mailbox_free(&box);
		} T_END;
	}
}
