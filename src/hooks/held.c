/* Holds at the hooks. */

#include "lib.h"
#include "ioloop.h"
#include "mail-storage-private.h"
#include "core/transactions.h"
#include "events/events.h"
#include "hold/cover.h"
#include "hold/expire.h"
#include "hold/holds.h"
#include "keep/origin.h"
#include "hooks/autoexpunge.h"
#include "hooks/context.h"
#include "hooks/held.h"

/* Holds on what is in the mailbox, NULL if none is in force: those of whose mail it
   is, who need not be whose session it is. */
static struct lazy_expunge_holds *held_holds(struct mailbox *box)
{
	return lazy_expunge_holds_get(
		lazy_expunge_user_get(lazy_expunge_origin_owner(box)));
}

/* What is known of holds on the storage, NULL if none is in force. */
static struct lazy_expunge_cover *
held_cover(struct lazy_expunge_transaction *lt)
{
	struct lazy_expunge_holds *holds;

	if (lt->lbox->cover != NULL)
		return lt->lbox->cover;
	if (lt->cover == NULL) {
		holds = held_holds(lt->t->box);
		if (holds != NULL)
			lt->cover = lazy_expunge_cover_init(holds, lt->t->box);
	}
	return lt->cover;
}

bool lazy_expunge_held_has(struct mail *mail)
{
	const char *why = mail->transaction->reason;
	struct lazy_expunge_cover *cover;

	if (null_strcmp(why, LAZY_EXPUNGE_TRANSACTION_RESTORE) == 0 ||
	    null_strcmp(why, LAZY_EXPUNGE_TRANSACTION_CHECK) == 0)
		return FALSE;
	cover = held_cover(lazy_expunge_transaction_get(mail->transaction));
	return cover != NULL && lazy_expunge_cover_find(cover, mail) != NULL;
}

static void held_refuse(struct mail *mail)
{
	struct lazy_expunge_transaction *lt =
		lazy_expunge_transaction_get(mail->transaction);
	struct lazy_expunge_user *luser = lt->lbox->luser;
	struct lazy_expunge_cover *cover = held_cover(lt);
	const char *name = lazy_expunge_cover_find(cover, mail);
	const char *what = lazy_expunge_cover_describe(cover, name);

	lazy_expunge_event_held(mail, lazy_expunge_mailbox_vname(mail->box),
				name, what, luser->user->dsyncing &&
				!lt->held_said);
	lt->held_said = TRUE;
	/* the other side would try it for ever, and all else with it */
	if (luser->user->dsyncing)
		return;
	/* it is not for the user to know */
	lazy_expunge_transaction_fail(mail->transaction, MAIL_ERROR_PERM,
		!luser->by_admin ? "Mail in the expunge storage cannot be "
		"deleted" : t_strdup_printf("Mail in the expunge storage is "
			"held and cannot be deleted: %s", what));
}

void lazy_expunge_held_refuse(struct mail *mail)
{
	T_BEGIN {
		held_refuse(mail);
	} T_END;
}

bool lazy_expunge_held_move_is_unkept(struct mailbox *dest)
{
	struct lazy_expunge_mailbox *ldest;
	const struct lazy_expunge_settings *set;

	if (dest == NULL)
		return TRUE;
	ldest = LAZY_EXPUNGE_CONTEXT_REQUIRE(dest);
	if (ldest->storage != NULL)
		return FALSE;
	set = lazy_expunge_mailbox_settings(dest);
	return set->error != NULL || *set->storage == '\0' ||
		lazy_expunge_mailbox_is_excluded(dest);
}

int lazy_expunge_held_storage(struct mailbox *box, const char *what)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	struct lazy_expunge_holds *holds = held_holds(box);
	const char *cause;

	if (holds == NULL)
		return 0;
	/* it is not for the user to know */
	cause = !lbox->luser->by_admin ? "The expunge storage" :
		t_strdup_printf("Mail is held (%s): the expunge storage",
				holds->error != NULL ? holds->error :
				lazy_expunge_holds_names(holds));
	mail_storage_set_error(box->storage, MAIL_ERROR_PERM,
		t_strdup_printf("%s cannot be %s", cause, what));
	return -1;
}

bool lazy_expunge_held_is_asked(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);

	/* the flags that autoexpunge opens it with; quota asks, too */
	return !lbox->internal && lbox->cover == NULL &&
		(box->flags & MAILBOX_FLAG_IGNORE_ACLS) != 0 &&
		(box->flags & MAILBOX_FLAG_READONLY) == 0 &&
		lazy_expunge_is_within_autoexpunge() &&
		held_holds(box) != NULL;
}

int lazy_expunge_held_expire(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	struct lazy_expunge_holds *holds = held_holds(box);
	int ret;

	if (holds == NULL || holds->everything != NULL)
		return 0;
	lbox->cover = lazy_expunge_cover_init(holds, box);
	T_BEGIN {
		ret = lazy_expunge_hold_expire(box,
			lazy_expunge_mailbox_vname(box), lbox->cover,
			ioloop_time);
	} T_END;
	lazy_expunge_cover_deinit(&lbox->cover);
	return ret;
}
