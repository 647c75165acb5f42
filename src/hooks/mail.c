/* Mail hooks: the expunge of one mail. Gathers the facts, asks the policy, acts
   on its verdict. */

#include "lib.h"
#include "mail-namespace.h"
#include "compat/dovecot.h"
#include "core/transactions.h"
#include "events/events.h"
#include "instances/look.h"
#include "core/exclude.h"
#include "keep/origin.h"
#include "core/policy.h"
#include "settings/excluded.h"
#include "hooks/context.h"

struct lazy_expunge_mail_module lazy_expunge_mail_module =
	MODULE_CONTEXT_INIT(&mail_module_register);

static bool mailbox_is_excluded(struct mailbox *box,
				const struct lazy_expunge_settings *set)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);

	if (!lbox->excluded_checked) {
		lbox->excluded = lazy_expunge_settings_exclude_box(set, box);
		lbox->excluded_checked = TRUE;
	}
	return lbox->excluded;
}

static void facts_gather(struct mail *mail, struct lazy_expunge_facts *facts_r)
{
	struct mail_private *pmail = (struct mail_private *)mail;
	struct lazy_expunge_mail *lmail =
		LAZY_EXPUNGE_MAIL_CONTEXT_REQUIRE(pmail);
	struct lazy_expunge_mailbox *lbox =
		LAZY_EXPUNGE_CONTEXT_REQUIRE(mail->box);
	struct lazy_expunge_user *luser = lbox->luser;
	const struct lazy_expunge_settings *set;

	i_zero(facts_r);
	facts_r->is_virtual = lbox->is_virtual;
	facts_r->moving = lmail->moving || luser->moving > 0;
	facts_r->dsync = luser->user->dsyncing;
	facts_r->by_admin = luser->by_admin || lbox->internal;
	facts_r->by_retention = pmail->autoexpunged;
	if (facts_r->is_virtual)
		return;
	set = lazy_expunge_mailbox_settings(mail->box);
	facts_r->settings_failed = luser->set.error != NULL ||
		set->error != NULL;
	if (facts_r->settings_failed)
		return;
	facts_r->in_storage = lbox->storage != NULL;
	if (facts_r->moving && set->only_last_instance) {
		/* The new instance is committed before this one goes. Who
		   deletes the new one in between must not count on this. */
		facts_r->moving_unlocked =
			!lazy_expunge_transaction_lock(mail) &&
			!facts_r->in_storage;
	}
	if (facts_r->moving && !facts_r->moving_unlocked)
		return;
	facts_r->protect = luser->set.protect;
	facts_r->enabled = *set->storage != '\0';
	facts_r->excluded = mailbox_is_excluded(mail->box, set);
	facts_r->foreign = !set->shared &&
		mail->box->list->ns->type != MAIL_NAMESPACE_TYPE_PRIVATE;
	facts_r->only_last_instance = set->only_last_instance;
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

static void mail_expire(struct mail *mail,
			const struct lazy_expunge_facts *facts)
{
	const char *cause = expired_cause(mail, facts);

	if (cause == NULL)
		return;
	T_BEGIN {
		lazy_expunge_events_expired(
			lazy_expunge_transaction_events(mail->transaction),
			mail, lazy_expunge_mailbox_vname(mail->box),
			lazy_expunge_mailbox_origin(mail), cause);
	} T_END;
}

static void mail_pass(struct mail *mail, enum lazy_expunge_reason reason,
		      const struct lazy_expunge_facts *facts)
{
	struct mail_private *pmail = (struct mail_private *)mail;
	struct lazy_expunge_mail *lmail =
		LAZY_EXPUNGE_MAIL_CONTEXT_REQUIRE(pmail);
	struct lazy_expunge_mailbox *lbox =
		LAZY_EXPUNGE_CONTEXT_REQUIRE(mail->box);

	switch (reason) {
	case LAZY_EXPUNGE_REASON_VIRTUAL:
		/* the backend mail is expunged within */
		if (lmail->moving) {
			lbox->luser->moving++;
			lbox->luser->move_dest = lmail->move_dest;
		}
		lmail->module_ctx.super.expunge(mail);
		if (lmail->moving)
			lbox->luser->moving--;
		break;
	case LAZY_EXPUNGE_REASON_MOVED:
		lazy_expunge_transaction_pass(mail);
		lazy_expunge_transaction_move_expunged(mail,
			lmail->moving ? lmail->move_dest :
			lbox->luser->move_dest);
		lmail->module_ctx.super.expunge(mail);
		break;
	case LAZY_EXPUNGE_REASON_OTHER_INSTANCE:
		lazy_expunge_transaction_pass(mail);
		lazy_expunge_events_passed(
			lazy_expunge_transaction_events(mail->transaction),
			mail, reason);
		lmail->module_ctx.super.expunge(mail);
		break;
	case LAZY_EXPUNGE_REASON_STORAGE:
		mail_expire(mail, facts);
		lmail->module_ctx.super.expunge(mail);
		break;
	case LAZY_EXPUNGE_REASON_GONE:
		lmail->module_ctx.super.expunge(mail);
		break;
	default:
		lazy_expunge_events_passed(
			lazy_expunge_transaction_events(mail->transaction),
			mail, reason);
		lmail->module_ctx.super.expunge(mail);
		break;
	}
}

static void mail_refuse(struct mail *mail, enum lazy_expunge_reason reason)
{
	struct lazy_expunge_mailbox *lbox =
		LAZY_EXPUNGE_CONTEXT_REQUIRE(mail->box);
	const struct lazy_expunge_settings *set;
	const char *error;

	if (reason == LAZY_EXPUNGE_REASON_PROTECTED) {
		lazy_expunge_event_protected(mail,
			lazy_expunge_mailbox_vname(mail->box));
		lazy_expunge_transaction_fail(mail->transaction,
			MAIL_ERROR_PERM, "Mail in the expunge storage can be "
			"moved out, but not deleted");
		return;
	}
	set = lazy_expunge_mailbox_settings(mail->box);
	error = lbox->luser->set.error != NULL ?
		lbox->luser->set.error : set->error;
	lazy_expunge_event_refused(mail->box, mail, 1, "settings", error);
	lazy_expunge_transaction_fail(mail->transaction,
		MAIL_ERROR_UNAVAILABLE, "Mail cannot be deleted: the server's "
		"lazy_expunge settings are in error");
}

static void mail_keep(struct mail *mail, enum lazy_expunge_reason reason)
{
	struct mail_private *pmail = (struct mail_private *)mail;
	struct lazy_expunge_mail *lmail =
		LAZY_EXPUNGE_MAIL_CONTEXT_REQUIRE(pmail);

	/* on failure the mail stays, and the commit will fail */
	if (lazy_expunge_transaction_keep(mail, reason) >= 0)
		lmail->module_ctx.super.expunge(mail);
}

static void lazy_mail_expunge(struct mail *mail)
{
	struct lazy_expunge_mailbox *lbox =
		LAZY_EXPUNGE_CONTEXT_REQUIRE(mail->box);
	struct lazy_expunge_facts facts;
	enum lazy_expunge_verdict verdict;
	enum lazy_expunge_reason reason;
	struct mail_private *pmail = (struct mail_private *)mail;
	struct lazy_expunge_mail *lmail =
		LAZY_EXPUNGE_MAIL_CONTEXT_REQUIRE(pmail);

	facts_gather(mail, &facts);
	verdict = lazy_expunge_policy_decide(&facts, &reason);
	if (verdict == LAZY_EXPUNGE_LOOK || verdict == LAZY_EXPUNGE_KEEP) {
		/* now it matters what other sessions do: lock, and ask anew
		   with what is known under the lock */
		facts.gone = lazy_expunge_transaction_is_gone(mail);
		verdict = lazy_expunge_policy_decide(&facts, &reason);
	}
	if (verdict == LAZY_EXPUNGE_LOOK) {
		facts.instance = lazy_expunge_instances_look(lbox->luser, mail);
		verdict = lazy_expunge_policy_decide(&facts, &reason);
	}
	switch (verdict) {
	case LAZY_EXPUNGE_PASS:
		mail_pass(mail, reason, &facts);
		break;
	case LAZY_EXPUNGE_KEEP:
		mail_keep(mail, reason);
		break;
	case LAZY_EXPUNGE_REFUSE:
		mail_refuse(mail, reason);
		break;
	case LAZY_EXPUNGE_LOOK:
		i_unreached();
	}
	lmail->moving = FALSE;
}

/* A user of a protected storage may flag mail, but not take off its origin. */
static void lazy_mail_update_keywords(struct mail *mail,
				      enum modify_type modify_type,
				      struct mail_keywords *keywords)
{
	struct mail_private *pmail = (struct mail_private *)mail;
	struct lazy_expunge_mail *lmail =
		LAZY_EXPUNGE_MAIL_CONTEXT_REQUIRE(pmail);
	struct mail_keywords *filtered;

	if (!lazy_expunge_mailbox_is_protected(mail->box)) {
		lmail->module_ctx.super.update_keywords(mail, modify_type,
							keywords);
		return;
	}
	filtered = lazy_expunge_origin_keywords_filter(mail->box, keywords,
			modify_type == MODIFY_REPLACE ? mail : NULL);
	if (filtered == NULL && modify_type == MODIFY_REPLACE)
		filtered = mail_index_keywords_create(mail->box->index, NULL);
	if (filtered != NULL) {
		lmail->module_ctx.super.update_keywords(mail, modify_type,
							filtered);
		mailbox_keywords_unref(&filtered);
	}
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
	if (lbox->storage != NULL)
		v->update_keywords = lazy_mail_update_keywords;
	MODULE_CONTEXT_SET(pmail, lazy_expunge_mail_module, lmail);
}
