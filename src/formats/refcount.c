/* What the reference count of a mail tells about its copies. */

#include "lib.h"
#include "module-dir.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mail-storage-service.h"
#include "mailbox-list-private.h"
#include "maildir-storage.h"
#include "maildir-settings.h"
#include "compat/dovecot.h"
#include "account/user.h"
#include "core/deletion.h"
#include "formats/format.h"
#include "formats/mdbox-global-map.h"
#include "formats/refcount.h"

#include <sys/stat.h>

struct refcount_user {
	union mail_user_module_context module_ctx;
	/* whether in the account every copy of a mail of this storage is a
	   link */
	const struct mail_storage *links_storage;
	bool links;
	/* the counts may be old */
	bool links_stale;
};

#define REFCOUNT_USER_CONTEXT(obj) \
	MODULE_CONTEXT(obj, lazy_expunge_refcount_module)

static MODULE_CONTEXT_DEFINE_INIT(lazy_expunge_refcount_module,
				  &mail_user_module_register);

static struct refcount_user *refcount_user_get(struct mail_user *user)
{
	struct refcount_user *ruser = REFCOUNT_USER_CONTEXT(user);

	if (ruser == NULL) {
		ruser = p_new(user->pool, struct refcount_user, 1);
		MODULE_CONTEXT_SET(user, lazy_expunge_refcount_module, ruser);
	}
	return ruser;
}

/* TRUE if a copy between mails of the two storages is a link. */
static bool copies_are_links(struct mail_storage *storage1,
			     struct mailbox_list *list1,
			     struct mail_storage *storage2,
			     struct mailbox_list *list2)
{
	const char *path1, *path2;
	struct stat st1, st2;

	if (strcmp(storage1->name, storage2->name) != 0)
		return FALSE;
	if (lazy_expunge_storage_format(storage1) == LAZY_EXPUNGE_FORMAT_MDBOX)
		return storage1 == storage2;
	if (list1 == list2)
		return TRUE;
	return mailbox_list_get_root_path(list1, MAILBOX_LIST_PATH_TYPE_MAILBOX,
					  &path1) &&
		mailbox_list_get_root_path(list2,
				MAILBOX_LIST_PATH_TYPE_MAILBOX, &path2) &&
		stat(path1, &st1) == 0 && stat(path2, &st2) == 0 &&
		CMP_DEV_T(st1.st_dev, st2.st_dev);
}

static bool storage_links(struct mail_storage *storage,
			  struct mailbox_list *list)
{
	switch (lazy_expunge_storage_format(storage)) {
	case LAZY_EXPUNGE_FORMAT_MDBOX:
		return TRUE;
	case LAZY_EXPUNGE_FORMAT_SDBOX:
		/* the alternative storage is another file system */
		return !lazy_expunge_compat_list_has_alt(list);
	case LAZY_EXPUNGE_FORMAT_MAILDIR:
		return ((struct maildir_storage *)storage)->set->
			maildir_copy_with_hardlinks;
	case LAZY_EXPUNGE_FORMAT_VIRTUAL:
	case LAZY_EXPUNGE_FORMAT_FAIL:
	case LAZY_EXPUNGE_FORMAT_OTHER:
		break;
	}
	return FALSE;
}

static bool account_links(struct lazy_expunge_user *luser, struct mailbox *box)
{
	struct mail_namespace *ns;
	struct mail_storage *storage;

	if (!storage_links(box->storage, box->list) ||
	    box->disable_reflink_copy_to ||
	    module_dir_find(mail_storage_service_modules, "mail_crypt") != NULL)
		return FALSE;
	for (ns = luser->user->namespaces; ns != NULL; ns = ns->next) {
		if (ns->type != MAIL_NAMESPACE_TYPE_PRIVATE ||
		    ns->alias_for != NULL)
			continue;
		storage = mail_namespace_get_default_storage(ns);
		if (storage == NULL)
			return FALSE;
		if (lazy_expunge_storage_format(storage) ==
		    LAZY_EXPUNGE_FORMAT_VIRTUAL)
			continue;
		if (!copies_are_links(box->storage, box->list, storage,
				      ns->list))
			return FALSE;
	}
	return TRUE;
}

void lazy_expunge_refcount_refresh(struct lazy_expunge_user *luser,
				   struct mailbox *box)
{
	struct refcount_user *ruser = refcount_user_get(luser->user);

	/* mdbox counts in its map, of which this process may have an old
	   state, while the others' counts are those of the files */
	ruser->links_stale =
		lazy_expunge_box_format(box) == LAZY_EXPUNGE_FORMAT_MDBOX &&
		lazy_expunge_mdbox_map_refresh(box->storage) < 0;
}

static bool mail_is_single(struct lazy_expunge_user *luser, struct mail *mail)
{
	struct refcount_user *ruser = refcount_user_get(luser->user);
	struct mailbox *box = mail->box;
	const char *value;

	if (ruser->links_storage != box->storage) {
		ruser->links_storage = box->storage;
		T_BEGIN {
			ruser->links = account_links(luser, box);
		} T_END;
	}
	return ruser->links && !ruser->links_stale &&
		mail_get_special(mail, MAIL_FETCH_REFCOUNT, &value) == 0 &&
		strcmp(value, "1") == 0;
}

bool lazy_expunge_refcount_is_single(struct lazy_expunge_user *luser,
				     struct lazy_expunge_deletion *deletion)
{
	if (deletion->only_copy == LAZY_EXPUNGE_ONLY_COPY_UNKNOWN) {
		deletion->only_copy = mail_is_single(luser, deletion->mail) ?
			LAZY_EXPUNGE_ONLY_COPY_YES : LAZY_EXPUNGE_ONLY_COPY_NO;
	}
	return deletion->only_copy == LAZY_EXPUNGE_ONLY_COPY_YES;
}
