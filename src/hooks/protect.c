/* Protection: refuses what would blur or empty the storage. */

#include "lib.h"
#include "array.h"
#include "mail-namespace.h"
#include "compat/dovecot.h"
#include "account/storage-identity.h"
#include "hooks/context.h"
#include "account/storages.h"
#include "hooks/held.h"
#include "hooks/protect.h"

static int fail_protected(struct mailbox *box, const char *text)
{
	mail_storage_set_error(box->storage, MAIL_ERROR_PERM, text);
	return -1;
}

int lazy_expunge_protect_add(struct mailbox *box)
{
	if (!lazy_expunge_mailbox_is_protected(box))
		return 0;
	return fail_protected(box, "Mail cannot be added to the expunge "
			      "storage: it keeps what is deleted elsewhere");
}

int lazy_expunge_protect_create(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);

	/* Its mailboxes are named after those that mail comes from. The one
	   mailbox of mailbox mode may be made by anybody. */
	if (!lazy_expunge_mailbox_is_protected(box) ||
	    !lazy_expunge_storage_is_many(lbox->storage) ||
	    mailbox_is_autocreated(box))
		return 0;
	return fail_protected(box, "Mailboxes cannot be created in the "
			      "expunge storage");
}

/* "doveadm mailbox delete -r" names the mailbox above the storage. Its own mail is
   kept in the storage, which would go with it. */
static bool storage_would_go_with_parent(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	struct lazy_expunge_storage *storage = lbox->storage;

	return storage != NULL && !lazy_expunge_storage_is_many(storage) &&
		lbox->luser->by_admin && !lbox->luser->user->dsyncing &&
		strchr(storage->name,
		       mail_namespace_get_sep(box->list->ns)) != NULL &&
		box->opened &&
		mailbox_sync(box, MAILBOX_SYNC_FLAG_FULL_READ) == 0 &&
		mail_index_view_get_messages_count(box->view) > 0;
}

int lazy_expunge_protect_delete(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);

	if (lazy_expunge_mailbox_is_protected(box)) {
		return fail_protected(box, "The expunge storage cannot be "
				      "deleted");
	}
	if (lbox->storage != NULL &&
	    lazy_expunge_held_storage(box, "deleted") < 0)
		return -1;
	if (storage_would_go_with_parent(box)) {
		mail_storage_set_error(box->storage, MAIL_ERROR_INUSE,
			"The expunge storage has mail and lies below another "
			"mailbox: remove its mail first (doveadm expunge)");
		return -1;
	}
	return 0;
}

/* TRUE if the storage's mailbox lies below the mailbox. */
static bool mailbox_is_parent_of_storage(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	struct lazy_expunge_storage *st;

	array_foreach_elem(lazy_expunge_user_storages(lbox->luser), st) {
		if (lazy_expunge_storage_is_below(lbox->luser, st,
						  box->list->ns, box->vname))
			return TRUE;
	}
	return FALSE;
}

/* TRUE within Dovecot's own renaming of a mailbox whose name is not normalized:
   nobody else can name the source so. */
static bool rename_is_normalizing(struct mailbox *src)
{
	bool normalizing;

	T_BEGIN {
		normalizing = strcmp(src->vname,
			lazy_expunge_compat_name_normalize(src->list,
							   src->vname)) != 0;
	} T_END;
	return normalizing;
}

int lazy_expunge_protect_rename(struct mailbox *src, struct mailbox *dest)
{
	struct lazy_expunge_mailbox *lsrc = LAZY_EXPUNGE_CONTEXT_REQUIRE(src);
	struct lazy_expunge_mailbox *ldest = LAZY_EXPUNGE_CONTEXT(dest);
	struct lazy_expunge_user *luser = lsrc->luser;
	struct lazy_expunge_storage *dest_storage =
		ldest == NULL ? NULL : ldest->storage;

	if (rename_is_normalizing(src) || lsrc->internal)
		return 0;
	if ((lsrc->storage != NULL || mailbox_is_parent_of_storage(src)) &&
	    lazy_expunge_held_storage(src, "renamed") < 0)
		return -1;
	if (luser->by_admin || luser->user->dsyncing)
		return 0;
	/* with namespace mode, what is in the storage is known by its name:
	   never let a rename blur that */
	if (lsrc->storage != NULL &&
	    (lsrc->storage->ns_mode || luser->set.protect)) {
		return fail_protected(src, "The expunge storage "
			"cannot be renamed: move its mail instead");
	}
	if (dest_storage != NULL &&
	    (dest_storage->ns_mode || luser->set.protect)) {
		return fail_protected(src, "A mailbox cannot be "
			"renamed into the expunge storage: delete it, "
			"and its mail will be kept there");
	}
	if (luser->set.protect && mailbox_is_parent_of_storage(src)) {
		return fail_protected(src, "A mailbox that contains "
			"the expunge storage cannot be renamed");
	}
	return 0;
}
