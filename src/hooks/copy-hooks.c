/* Copies: out of the storage, into it, and as the first half of a move. */

#include "lib.h"
#include "mail-namespace.h"
#include "compat/dovecot.h"
#include "core/transactions.h"
#include "events/events.h"
#include "formats/maildir-link.h"
#include "account/storages.h"
#include "keep/origin.h"
#include "hooks/context.h"
#include "hooks/deletion-hooks.h"
#include "hooks/kept.h"
#include "hooks/move.h"
#include "hooks/protect.h"
#include "hooks/trail-hooks.h"
#include "hooks/transaction.h"
#include "hooks/copy-hooks.h"

/* The plugin's own copies have their origin already. */
static bool mailbox_takes_origins(const struct lazy_expunge_mailbox *lbox)
{
	return lbox->storage != NULL && !lbox->internal;
}

/* REPLACE saves a mail and expunges the one that it is for, which would fail only
   when the new one is there. */
static bool is_replace_refused(struct mail_save_context *ctx)
{
	struct mail *replaced = lazy_expunge_compat_save_get_replaced(ctx);

	return replaced != NULL &&
		lazy_expunge_protect_replace(ctx->transaction->box,
					     replaced) < 0;
}

int lazy_expunge_save_begin(struct mail_save_context *ctx,
			    struct istream *input)
{
	struct mailbox *box = ctx->transaction->box;
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	struct lazy_expunge_kept_numbers numbers;
	int ret;

	/* a copy that is done by saving was let through by copy() */
	if (!ctx->copying_or_moving &&
	    (lazy_expunge_protect_add(box) < 0 || is_replace_refused(ctx)))
		return -1;
	if (ctx->copying_or_moving || !mailbox_takes_origins(lbox))
		return lbox->module_ctx.super.save_begin(ctx, input);
	lazy_expunge_kept_save_begin(ctx, &numbers);
	ret = lbox->module_ctx.super.save_begin(ctx, input);
	if (ret == 0)
		lazy_expunge_kept_saved(ctx, &numbers);
	return ret;
}

/* A mail was taken out of the storage, by whom and how it ever was; a restore
   tells of its mails itself. */
static void mailbox_copied_out(struct mailbox_transaction_context *t,
			       struct mail *mail, bool moving)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(t->box);

	if (lbox->luser->user->dsyncing ||
	    null_strcmp(t->reason, LAZY_EXPUNGE_TRANSACTION_RESTORE) == 0)
		return;
	lazy_expunge_events_restored(lazy_expunge_transaction_get(t)->events, mail,
		lazy_expunge_mailbox_vname(mail->box),
		mailbox_get_vname(t->box), lazy_expunge_mailbox_origin(mail),
		moving ? "move" : "copy");
	if (moving) {
		lazy_expunge_deletion_left(lazy_expunge_transaction_get(t),
					   mail);
	}
}

/* doveadm goes on after a mail that does not fit and commits the rest, in which
   that mail still is: the quota plugin looks when the copy is made. Dovecot does
   not survive it. */
static void copy_out_failed(struct mailbox_transaction_context *t)
{
	enum mail_error code;
	const char *text = mailbox_get_last_error(t->box, &code);

	if (code == MAIL_ERROR_NOQUOTA || code == MAIL_ERROR_LIMIT)
		lazy_expunge_transaction_fail(t, code, text);
}

/* The quota plugin lets each move pass, for what goes away makes room for what
   comes. What goes away from a storage that does not count makes none, so it is
   told of a copy, which must fit. */
static int copy_out(struct mail_save_context *ctx, struct mail *mail)
{
	struct lazy_expunge_mailbox *lbox =
		LAZY_EXPUNGE_CONTEXT_REQUIRE(ctx->transaction->box);
	struct lazy_expunge_mailbox *lsrc =
		LAZY_EXPUNGE_CONTEXT_REQUIRE(mail->box);
	bool moving = ctx->moving;
	bool must_fit = moving && lsrc->storage->quota_ignore &&
		!lbox->luser->user->dsyncing;
	int ret;

	lazy_expunge_origin_strip(ctx);
	/* the user may have tried to delete it there */
	if (!lbox->luser->user->dsyncing)
		ctx->data.flags &= ENUM_NEGATE(MAIL_DELETED);
	if (must_fit)
		lazy_expunge_compat_save_set_moving(ctx, mail, FALSE);
	ret = lbox->module_ctx.super.copy(ctx, mail);
	if (must_fit)
		lazy_expunge_compat_save_set_moving(ctx, mail, TRUE);
	if (ret < 0)
		copy_out_failed(ctx->transaction);
	else T_BEGIN {
		lazy_expunge_maildir_mark_left(ctx);
		mailbox_copied_out(ctx->transaction, mail, moving);
	} T_END;
	return ret;
}

/* What is kept goes away elsewhere: no more space is used. */
static int copy_kept(struct mail_save_context *ctx, struct mail *mail)
{
	struct lazy_expunge_mailbox *lbox =
		LAZY_EXPUNGE_CONTEXT_REQUIRE(ctx->transaction->box);
	int ret;

	lazy_expunge_compat_save_set_moving(ctx, mail, TRUE);
	ret = lbox->module_ctx.super.copy(ctx, mail);
	lazy_expunge_compat_save_set_moving(ctx, mail, FALSE);
	return ret;
}

static int copy_within(struct mail_save_context *ctx, struct mail *mail)
{
	struct lazy_expunge_mailbox *lbox =
		LAZY_EXPUNGE_CONTEXT_REQUIRE(ctx->transaction->box);
	struct lazy_expunge_mailbox *lsrc = LAZY_EXPUNGE_CONTEXT(mail->box);
	struct lazy_expunge_kept_numbers numbers;
	int ret;

	if (lsrc != NULL && mailbox_takes_origins(lsrc))
		lazy_expunge_kept_copy_begin(ctx, mail);
	if (lbox->storage == NULL && lsrc != NULL && lsrc->storage != NULL)
		return copy_out(ctx, mail);
	if (mailbox_takes_origins(lbox)) {
		lazy_expunge_kept_save_begin(ctx, &numbers);
		ret = lbox->module_ctx.super.copy(ctx, mail);
		if (ret == 0)
			lazy_expunge_kept_saved(ctx, &numbers);
		return ret;
	}
	return lbox->internal ? copy_kept(ctx, mail) :
		lbox->module_ctx.super.copy(ctx, mail);
}

/* TRUE if both mailboxes are of the same account. */
static bool is_same_account(struct mailbox *src, struct mailbox *dest)
{
	struct mail_namespace *src_ns = mailbox_get_namespace(src);
	struct mail_namespace *dest_ns = mailbox_get_namespace(dest);

	if (src_ns->type == MAIL_NAMESPACE_TYPE_PUBLIC ||
	    dest_ns->type == MAIL_NAMESPACE_TYPE_PUBLIC)
		return src_ns == dest_ns;
	return src_ns->owner == dest_ns->owner;
}

/* Another session may be taking the same mail out of the storage: each has
   seen it there, and both would have copied it before one expunges it. So the
   account is locked until the mail is expunged. TRUE if it went meanwhile.
   restore has locked it and looked into the target. */
static bool mail_was_taken(struct mail *mail)
{
	struct lazy_expunge_mailbox *lsrc =
		LAZY_EXPUNGE_CONTEXT_REQUIRE(mail->box);
	struct lazy_expunge_transaction *lt;

	if (lsrc->storage == NULL ||
	    null_strcmp(mail->transaction->reason,
			LAZY_EXPUNGE_TRANSACTION_RESTORE) == 0)
		return FALSE;
	lt = lazy_expunge_transaction_get(mail->transaction);
	lazy_expunge_transaction_lock_and_refresh(lt);
	return !lt->deleted && lazy_expunge_transaction_is_gone(lt, mail->uid);
}

int lazy_expunge_copy(struct mail_save_context *ctx, struct mail *mail)
{
	struct mailbox_transaction_context *t = ctx->transaction;
	struct mailbox *box = t->box;
	/* the mail of a virtual mailbox, if it came through one */
	struct mail *src_mail = ctx->copy_src_mail != NULL ?
		ctx->copy_src_mail : mail;
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	struct lazy_expunge_mailbox *lsrc = LAZY_EXPUNGE_CONTEXT(mail->box);
	bool same;
	int ret = 0;

	/* the plugin's own has nothing of what follows to be asked */
	if (lbox->destination)
		return copy_kept(ctx, mail);
	if (lazy_expunge_mailbox_is_protected(box)) {
		mailbox_save_cancel(&ctx);
		return lazy_expunge_protect_add(box);
	}
	if (LAZY_EXPUNGE_CONTEXT(src_mail->box) == NULL)
		return copy_within(ctx, mail);
	same = is_same_account(mail->box, box);
	if (ctx->moving && lsrc != NULL && lsrc->storage != NULL)
		ret = lazy_expunge_protect_move(box, mail, same);
	if (ret == 0 && ctx->moving && same) {
		if (mail_was_taken(src_mail)) {
			mail_set_expunged(mail);
			mailbox_save_cancel(&ctx);
			return -1;
		}
		lazy_expunge_move_begin(src_mail, ctx->transaction);
	}
	if (ret < 0)
		mailbox_save_cancel(&ctx);
	else
		ret = copy_within(ctx, mail);
	if (ret < 0)
		lazy_expunge_move_end(src_mail);
	else if (is_same_account(mail->box, box))
		lazy_expunge_trail_copied(t, mail);
	return ret;
}
