/* Protection: refuses what would blur or empty the storage. */

#include "lib.h"
#include "array.h"
#include "mail-namespace.h"
#include "compat/dovecot.h"
#include "account/acl.h"
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

static bool is_own(const struct mail_namespace *ns)
{
	return ns->type != MAIL_NAMESPACE_TYPE_SHARED ||
		(ns->owner != NULL &&
		 strcmp(ns->owner->username, ns->user->username) == 0);
}

int lazy_expunge_protect_look(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);

	if (lbox->storage == NULL || lbox->internal || box->opened ||
	    (box->flags & MAILBOX_FLAG_IGNORE_ACLS) != 0 ||
	    is_own(mailbox_get_namespace(box)) ||
	    !(lbox->storage->hidden || lbox->storage->protect) ||
	    lbox->luser->by_admin || lbox->luser->user->dsyncing ||
	    lazy_expunge_acl_names_user(box))
		return 0;
	mail_storage_set_error(box->storage, MAIL_ERROR_NOTFOUND,
		t_strdup_printf("Mailbox doesn't exist: %s",
				lazy_expunge_mailbox_vname(box)));
	return -1;
}

int lazy_expunge_protect_move(struct mailbox *box, struct mail *mail,
			      bool same_account)
{
	const struct lazy_expunge_mailbox *lbox =
		LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	struct lazy_expunge_transaction *lt;

	if (!same_account && lazy_expunge_mailbox_is_protected(mail->box)) {
		return fail_protected(box, "Mail in the expunge storage can "
				      "only be moved within its account");
	}
	/* where a virtual mailbox has it in the end is not known */
	if ((same_account && !lazy_expunge_held_move_is_unkept(
				lbox->is_virtual ? NULL : box)) ||
	    !lazy_expunge_held_has(mail))
		return 0;
	lt = lazy_expunge_transaction_get(mail->transaction);
	lazy_expunge_held_refuse(mail);
	/* dsync goes on */
	return lt->error_text == NULL ? 0 :
		fail_protected(box, lt->error_text);
}

int lazy_expunge_protect_replace(struct mailbox *box, struct mail *mail)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT(mail->box);

	if (lbox == NULL || lbox->storage == NULL)
		return 0;
	if (lazy_expunge_mailbox_is_protected(mail->box) ||
	    lazy_expunge_held_has(mail)) {
		return fail_protected(box, "Mail in the expunge storage cannot "
				      "be replaced");
	}
	return 0;
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

	if (lazy_expunge_protect_look(box) < 0)
		return -1;
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

	if (lazy_expunge_protect_look(box) < 0)
		return -1;
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

/* TRUE if the mailbox of a storage, or of one that is protected, lies below the
   mailbox. */
static bool
mailbox_is_parent_of_storage(struct mailbox *box, bool of_protected)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	struct lazy_expunge_storage *st;

	array_foreach_elem(lazy_expunge_user_storages(lbox->luser), st) {
		if ((st->protect || !of_protected) &&
		    lazy_expunge_storage_is_below(lbox->luser, st,
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
	if ((lsrc->storage != NULL || mailbox_is_parent_of_storage(src, FALSE)) &&
	    lazy_expunge_held_storage(src, "renamed") < 0)
		return -1;
	if (luser->by_admin || luser->user->dsyncing)
		return 0;
	if (lazy_expunge_protect_look(src) < 0)
		return -1;
	/* with namespace mode, what is in the storage is known by its name:
	   never let a rename blur that */
	if (lsrc->storage != NULL &&
	    (lsrc->storage->ns_mode || lsrc->storage->protect)) {
		return fail_protected(src, "The expunge storage "
			"cannot be renamed: move its mail instead");
	}
	if (dest_storage != NULL &&
	    (dest_storage->ns_mode || dest_storage->protect)) {
		return fail_protected(src, "A mailbox cannot be "
			"renamed into the expunge storage: delete it, "
			"and its mail will be kept there");
	}
	if (mailbox_is_parent_of_storage(src, TRUE)) {
		return fail_protected(src, "A mailbox that contains "
			"the expunge storage cannot be renamed");
	}
	return 0;
}
