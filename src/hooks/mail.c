/* Mail hooks: the expunge of one mail. Gathers the facts, asks the policy, acts
   on its verdict. */

#include "lib.h"
#include "compat/dovecot.h"
#include "core/deletion.h"
#include "core/transactions.h"
#include "events/events.h"
#include "instances/look.h"
#include "hold/holds.h"
#include "core/policy.h"
#include "account/storage-box.h"
#include "account/storages.h"
#include "hooks/context.h"
#include "hooks/deletion-hooks.h"
#include "hooks/held.h"
#include "hooks/kept.h"
#include "hooks/hooks.h"
#include "hooks/move.h"
#include "hooks/own-name.h"
#include "hooks/transaction.h"

static enum lazy_expunge_moving
facts_moving(struct mail *mail, struct lazy_expunge_transaction *lt)
{
	if (!lazy_expunge_move_has(mail))
		return LAZY_EXPUNGE_NOT_MOVING;
	/* The new instance is committed before this one goes. Who deletes the
	   new one in between must not count on this. */
	if (lt->facts.settings_failed || !lt->facts.only_last_instance ||
	    lazy_expunge_transaction_lock(lt))
		return LAZY_EXPUNGE_MOVED;
	return LAZY_EXPUNGE_MOVED_UNLOCKED;
}

/* What is live and only looks like the storage does not go as if it were kept. */
static bool storage_is_live(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	const char *error;

	if (!lbox->live_checked) T_BEGIN {
		lbox->live_checked = TRUE;
		if (lazy_expunge_storage_box_is_live(lbox->storage, box,
						     &error))
			lbox->live_error = p_strdup(box->pool, error);
	} T_END;
	return lbox->live_error != NULL;
}

static void facts_gather(struct mail *mail, struct lazy_expunge_transaction *lt,
			 struct lazy_expunge_facts *facts_r)
{
	struct mail_private *pmail = (struct mail_private *)mail;

	*facts_r = lt->facts;
	facts_r->by_retention = pmail->autoexpunged;
	facts_r->moving = facts_moving(mail, lt);
	if (!facts_r->in_storage)
		return;
	if (storage_is_live(mail->box)) {
		facts_r->settings_failed = TRUE;
		return;
	}
	facts_r->moving_unkept = facts_r->moving != LAZY_EXPUNGE_NOT_MOVING &&
		lazy_expunge_held_move_is_unkept(lazy_expunge_move_dest(mail));
	facts_r->held = (facts_r->moving_unkept ||
			 facts_r->moving == LAZY_EXPUNGE_NOT_MOVING) &&
		lazy_expunge_held_has(mail);
}

/* Why the mail leaves the storage for good, NULL if it does not. */
static const char *
expired_cause(struct mail *mail, const struct lazy_expunge_facts *facts)
{
	const char *why = mail->transaction->reason;

	if (null_strcmp(why, LAZY_EXPUNGE_TRANSACTION_RESTORE) == 0)
		return NULL;
	if (null_strcmp(why, LAZY_EXPUNGE_TRANSACTION_CAP) == 0)
		return "cap";
	if (null_strcmp(why, LAZY_EXPUNGE_TRANSACTION_ERASE) == 0)
		return "erase";
	if (null_strcmp(why, LAZY_EXPUNGE_TRANSACTION_ROOM) == 0)
		return "room";
	if (null_strcmp(why, LAZY_EXPUNGE_TRANSACTION_SUPERSEDE) == 0)
		return "superseded";
	if (null_strcmp(why, LAZY_EXPUNGE_TRANSACTION_CHECK) == 0)
		return "check";
	if (facts->by_retention)
		return facts->by_admin ? "maintain" : "autoexpunge";
	if (facts->dsync)
		return "dsync";
	return facts->by_admin ? "doveadm" : "user";
}

/* What is to be said of a mail that passes when that is committed. */
static void mail_tell_passed(const struct lazy_expunge_deletion *deletion,
			     struct lazy_expunge_events *events,
			     const struct lazy_expunge_facts *facts)
{
	struct mail *mail = deletion->mail;
	const char *cause;

	switch (deletion->reason) {
	case LAZY_EXPUNGE_REASON_MOVED:
	case LAZY_EXPUNGE_REASON_GONE:
		break;
	case LAZY_EXPUNGE_REASON_STORAGE:
		cause = expired_cause(mail, facts);
		if (cause != NULL) T_BEGIN {
			lazy_expunge_events_expired(events, mail,
				lazy_expunge_mailbox_vname(mail->box),
				lazy_expunge_mailbox_origin(mail), cause);
		} T_END;
		break;
	default:
		lazy_expunge_events_passed(events, mail, deletion->reason);
		break;
	}
}

/* lt is NULL for the mail of a virtual mailbox. */
static void mail_pass(struct lazy_expunge_deletion *deletion,
		      struct lazy_expunge_transaction *lt,
		      const struct lazy_expunge_facts *facts)
{
	struct mail *mail = deletion->mail;
	struct mail_private *pmail = (struct mail_private *)mail;
	struct lazy_expunge_mail *lmail =
		LAZY_EXPUNGE_MAIL_CONTEXT_REQUIRE(pmail);

	switch (deletion->reason) {
	case LAZY_EXPUNGE_REASON_VIRTUAL:
		lazy_expunge_move_enter(mail);
		lmail->module_ctx.super.expunge(mail);
		lazy_expunge_move_leave(mail);
		lazy_expunge_move_end(mail);
		return;
	case LAZY_EXPUNGE_REASON_MOVED:
		lazy_expunge_move_wait(mail);
		lazy_expunge_transaction_pass(lt, mail->uid);
		break;
	case LAZY_EXPUNGE_REASON_OTHER_INSTANCE:
		lazy_expunge_transaction_pass(lt, mail->uid);
		lazy_expunge_deletion_passed(lt, deletion);
		break;
	default:
		break;
	}
	mail_tell_passed(deletion, lt->events, facts);
	lmail->module_ctx.super.expunge(mail);
}

/* The mail stays, and the commit will fail. */
static void mail_refuse(const struct lazy_expunge_deletion *deletion,
			const struct lazy_expunge_transaction *lt)
{
	struct mail *mail = deletion->mail;
	const char *error;

	if (deletion->reason == LAZY_EXPUNGE_REASON_PROTECTED) {
		lazy_expunge_event_protected(mail,
			lazy_expunge_mailbox_vname(mail->box));
		lazy_expunge_transaction_fail(mail->transaction,
			MAIL_ERROR_PERM, "Mail in the expunge storage can be "
			"moved out, but not deleted");
		return;
	}
	if (deletion->reason == LAZY_EXPUNGE_REASON_HELD) {
		lazy_expunge_held_refuse(mail);
		return;
	}
	error = lt->lbox->luser->set.error != NULL ?
		lt->lbox->luser->set.error :
		lt->set->error != NULL ? lt->set->error : lt->lbox->live_error;
	lazy_expunge_event_refused(mail->box, mail, 1, "settings", error);
	lazy_expunge_transaction_fail(mail->transaction,
		MAIL_ERROR_UNAVAILABLE, "Mail cannot be deleted: the server's "
		"lazy_expunge settings are in error");
}

/* Returns TRUE if the mail is expunged all the same. Else it stays, and the
   commit will fail. */
static bool mail_is_lost(const struct lazy_expunge_deletion *deletion,
			 struct lazy_expunge_transaction *lt,
			 const struct lazy_expunge_error *error)
{
	struct mail *mail = deletion->mail;

	if (lt->deleted)
		return FALSE;
	if (error->code != MAIL_ERROR_EXPUNGED &&
	    lt->set->on_failure == LAZY_EXPUNGE_ON_FAILURE_EXPUNGE) {
		lazy_expunge_event_lost(mail, error->text);
		return TRUE;
	}
	lazy_expunge_event_refused(mail->box, mail, 1, "storage", error->text);
	lazy_expunge_transaction_fail_keep(lt, error);
	return FALSE;
}

static void mail_keep(struct lazy_expunge_deletion *deletion,
		      struct lazy_expunge_transaction *lt)
{
	struct mail *mail = deletion->mail;
	struct mail_private *pmail = (struct mail_private *)mail;
	struct lazy_expunge_mail *lmail =
		LAZY_EXPUNGE_MAIL_CONTEXT_REQUIRE(pmail);
	struct lazy_expunge_error error;
	int ret;

	if (lt->failed)
		return;
	ret = lazy_expunge_transaction_keep(lt, deletion, &error);
	if (ret < 0 && !mail_is_lost(deletion, lt, &error))
		return;
	if (ret == 0) {
		lazy_expunge_events_kept(lt->events, mail,
			lt->lbox->dest_vname, deletion->origin != NULL ?
			deletion->origin : lt->lbox->owner_vname,
			deletion->reason);
	}
	lmail->module_ctx.super.expunge(mail);
}

static enum lazy_expunge_instance
mail_look(struct lazy_expunge_transaction *lt,
	  struct lazy_expunge_deletion *deletion)
{
	static const char *const found_by[] = {
		[LAZY_EXPUNGE_LOOKED_NOT] = "none",
		[LAZY_EXPUNGE_LOOKED_REFCOUNT] = "refcount",
		[LAZY_EXPUNGE_LOOKED_READING] = "reading",
	};
	struct lazy_expunge_looked looked;
	enum lazy_expunge_instance instance;

	instance = lazy_expunge_instances_look(lt->lbox->luser, deletion,
					       &looked);
	struct lazy_expunge_events_look look = {
		.verdict = instance == LAZY_EXPUNGE_INSTANCE_OTHER ?
			LAZY_EXPUNGE_REASON_OTHER_INSTANCE :
			LAZY_EXPUNGE_REASON_LAST_INSTANCE,
		.found_by = found_by[looked.method],
		.mails_read = looked.mails_read,
		.mailboxes_opened = looked.mailboxes_opened,
		.remembered = looked.remembered,
		.cut_short = looked.cut_short,
	};
	T_BEGIN {
		lazy_expunge_events_looked(lt->events, deletion->mail,
					   looked.event, &look);
	} T_END;
	event_unref(&looked.event);
	return instance;
}

/* Erase takes mail from where it lives, too, but not if a hold covers it: then it
   would be held as soon as it is deleted. */
static void mail_erase(struct mail *mail)
{
	struct lazy_expunge_mail *lmail =
		LAZY_EXPUNGE_MAIL_CONTEXT_REQUIRE((struct mail_private *)mail);

	if (lazy_expunge_held_has(mail)) {
		lazy_expunge_held_refuse(mail);
		return;
	}
	lazy_expunge_events_passed(
		lazy_expunge_transaction_get(mail->transaction)->events, mail,
		LAZY_EXPUNGE_REASON_ERASE);
	lmail->module_ctx.super.expunge(mail);
}

static void lazy_mail_expunge(struct mail *mail)
{
	struct lazy_expunge_mailbox *lbox =
		LAZY_EXPUNGE_CONTEXT_REQUIRE(mail->box);
	struct mail_private *pmail = (struct mail_private *)mail;
	struct lazy_expunge_mail *lmail =
		LAZY_EXPUNGE_MAIL_CONTEXT_REQUIRE(pmail);
	struct lazy_expunge_deletion deletion = { .mail = mail };
	struct lazy_expunge_transaction *lt = NULL;
	struct lazy_expunge_facts facts;
	enum lazy_expunge_verdict verdict;

	/* restore -U has kept it */
	if (null_strcmp(mail->transaction->reason,
			LAZY_EXPUNGE_TRANSACTION_UNDO) == 0) {
		lmail->module_ctx.super.expunge(mail);
		return;
	}
	if (null_strcmp(mail->transaction->reason,
			LAZY_EXPUNGE_TRANSACTION_ERASE) == 0 &&
	    lbox->storage == NULL) {
		mail_erase(mail);
		return;
	}
	i_zero(&facts);
	facts.is_virtual = lbox->is_virtual;
	if (!lbox->is_virtual) {
		lt = lazy_expunge_transaction_get_expunging(mail->transaction);
		facts_gather(mail, lt, &facts);
	}
	verdict = lazy_expunge_policy_decide(&facts, &deletion.reason);
	if (verdict == LAZY_EXPUNGE_LOOK || verdict == LAZY_EXPUNGE_KEEP) {
		/* now it matters what other sessions do: lock, and ask anew
		   with what is known under the lock */
		lazy_expunge_transaction_lock_and_refresh(lt);
		facts.gone = lazy_expunge_transaction_is_gone(lt, mail->uid);
		verdict = lazy_expunge_policy_decide(&facts, &deletion.reason);
	}
	if (verdict == LAZY_EXPUNGE_LOOK) {
		facts.instance = mail_look(lt, &deletion);
		/* nobody else has to ask for holds */
		facts.account_held =
			facts.instance == LAZY_EXPUNGE_INSTANCE_OTHER &&
			lazy_expunge_holds_get(lbox->luser) != NULL;
		verdict = lazy_expunge_policy_decide(&facts, &deletion.reason);
	}
	switch (verdict) {
	case LAZY_EXPUNGE_PASS:
		mail_pass(&deletion, lt, &facts);
		break;
	case LAZY_EXPUNGE_KEEP:
		mail_keep(&deletion, lt);
		break;
	case LAZY_EXPUNGE_REFUSE:
		mail_refuse(&deletion, lt);
		break;
	case LAZY_EXPUNGE_LOOK:
		i_unreached();
	}
	if (facts.moving != LAZY_EXPUNGE_NOT_MOVING)
		lazy_expunge_move_end(mail);
}

void lazy_expunge_mail_allocated(struct mail *mail)
{
	struct mail_private *pmail = (struct mail_private *)mail;
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT(mail->box);
	struct mail_vfuncs *v = pmail->vlast;
	struct lazy_expunge_mail *lmail;

	if (lbox == NULL)
		return;
	lmail = p_new(pmail->pool, struct lazy_expunge_mail, 1);
	lmail->module_ctx.super = *v;
	pmail->vlast = &lmail->module_ctx.super;
	v->expunge = lazy_mail_expunge;
	if (lbox->storage != NULL && !lbox->destination)
		lazy_expunge_kept_mail_allocated(v);
	if (lbox->legal_vname != NULL)
		lazy_expunge_own_name_mail_allocated(v);
	MODULE_CONTEXT_SET(pmail, lazy_expunge_mail_module, lmail);
}
