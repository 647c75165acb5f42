/* What goes to a Trash by a copy, which is the first half of each move: the
   mailbox before it is written down with the commit, and asked for when the mail
   is deleted there. */

#include "lib.h"
#include "mail-storage-private.h"
#include "account/storages.h"
#include "account/trail.h"
#include "keep/origin.h"
#include "hooks/context.h"
#include "hooks/trail-hooks.h"

const char *lazy_expunge_trail_before(struct lazy_expunge_transaction *lt,
				      uint32_t uid)
{
	struct mail_user *owner = lt->lbox->owner;

	if (!lt->trail_read) {
		lt->trail_read = TRUE;
		T_BEGIN {
			lazy_expunge_trail_refresh(owner);
		} T_END;
	}
	return lazy_expunge_trail_origin(owner, lt->lbox->owner_vname,
		mail_index_get_header(lt->t->box->view)->uid_validity, uid);
}

/* Where a mail that goes to a Trash was; NULL = not known. Data stack, or as
   long as the mail's transaction. */
static const char *
trail_source(struct mailbox *trash, struct mail *mail)
{
	struct lazy_expunge_mailbox *lsrc =
		LAZY_EXPUNGE_CONTEXT_REQUIRE(mail->box);
	const char *origin;

	if (lsrc->storage != NULL)
		return lazy_expunge_mailbox_origin(mail);
	if (!lazy_expunge_mailbox_is_trash(mail->box))
		return lazy_expunge_origin_vname(mail->box);
	origin = lazy_expunge_trail_before(
			lazy_expunge_transaction_get(mail->transaction),
			mail->uid);
	/* from one to the other: there is nothing better */
	return origin == NULL && strcmp(mail->box->vname, trash->vname) != 0 ?
		lazy_expunge_origin_vname(mail->box) : origin;
}

void lazy_expunge_trail_copied(struct mailbox_transaction_context *t,
			       struct mail *mail)
{
	struct lazy_expunge_mailbox *lsrc = LAZY_EXPUNGE_CONTEXT(mail->box);
	struct lazy_expunge_transaction *lt;

	if (lsrc == NULL || lsrc->is_virtual || lsrc->luser->user->dsyncing ||
	    !lazy_expunge_mailbox_is_trash(t->box))
		return;
	lt = lazy_expunge_transaction_get(t);
	T_BEGIN {
		lazy_expunge_trail_steps_add(&lt->trail_steps,
					     trail_source(t->box, mail));
	} T_END;
}

void lazy_expunge_trail_committed(
	struct lazy_expunge_transaction *lt,
	const struct mail_transaction_commit_changes *changes)
{
	if (lt->trail_steps == NULL)
		return;
	lazy_expunge_trail_steps_write(lt->trail_steps, lt->lbox->owner,
				       lt->lbox->owner_vname, changes);
}
