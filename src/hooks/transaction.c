/* Transactions: the destination is committed first, then the source; when
   anything fails, both are rolled back and the source's error says why. */

#include "lib.h"
#include "array.h"
#include "mail-storage-private.h"
#include "events/events.h"
#include "instances/look.h"
#include "formats/live.h"
#include "account/lock.h"
#include "instances/pending.h"
#include "formats/refcount.h"
#include "formats/sdbox-files.h"
#include "formats/mdbox-mark.h"
#include "keep/origin.h"
#include "hooks/context.h"

#define ERROR_CANNOT_KEEP \
	"Deleted mail cannot be kept at the moment, so it was not deleted"
#define ERROR_CANNOT_MOVE \
	"Mail could not be copied, so it was not moved"

static struct lazy_expunge_transaction *
transaction_get(struct mailbox_transaction_context *t)
{
	struct lazy_expunge_transaction *lt = LAZY_EXPUNGE_CONTEXT(t);

	if (lt != NULL)
		return lt;
	lt = i_new(struct lazy_expunge_transaction, 1);
	lt->t = t;
	lt->lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(t->box);
	lt->events = lazy_expunge_events_init(t->box);
	i_array_init(&lt->kept_uids, 16);
	i_array_init(&lt->linked_uids, 16);
	MODULE_CONTEXT_SET(t, lazy_expunge_storage_module, lt);
	return lt;
}

/* The transaction ended, and may have been one side of a move. */
static void transaction_end_move(struct lazy_expunge_transaction *lt,
				 bool committed)
{
	if (lt->move_src != NULL) {
		if (!committed) {
			lazy_expunge_transaction_fail(lt->move_src->t,
				MAIL_ERROR_UNAVAILABLE, ERROR_CANNOT_MOVE);
		}
		lt->move_src->move_dest = NULL;
		lt->move_src = NULL;
	}
	if (lt->move_dest != NULL) {
		lt->move_dest->move_src = NULL;
		lt->move_dest = NULL;
	}
}

static void transaction_free(struct lazy_expunge_transaction *lt,
			     struct mailbox_transaction_context *t,
			     bool committed)
{
	struct lazy_expunge_user *luser = lt->lbox->luser;

	lazy_expunge_events_deinit(&lt->events, committed);
	lazy_expunge_pending_remove(luser->pending, t);
	lazy_expunge_live_deinit(&lt->live);
	if (lt->locked) {
		lazy_expunge_instances_close(luser->instances);
		lazy_expunge_lock_put(luser);
	}
	array_free(&lt->kept_uids);
	array_free(&lt->linked_uids);
	pool_unref(&lt->pool);
	i_free(lt->error_text);
	i_free(lt);
}

void lazy_expunge_transaction_fail(struct mailbox_transaction_context *t,
				   enum mail_error code, const char *text)
{
	struct lazy_expunge_transaction *lt = transaction_get(t);

	if (lt->failed)
		return;
	lt->failed = TRUE;
	lt->error_code = code;
	lt->error_text = i_strdup(text);
}

static void transaction_lock(struct lazy_expunge_transaction *lt)
{
	struct lazy_expunge_user *luser = lt->lbox->luser;
	const char *error;
	int ret;

	if (lt->lock_tried)
		return;
	lt->lock_tried = TRUE;
	ret = lt->t->box->deleting ?
		lazy_expunge_lock_get_listed(luser, &error) :
		lazy_expunge_lock_get(luser, LAZY_EXPUNGE_LOCK_TIMEOUT_SECS,
				      &error);
	if (ret > 0) {
		lt->locked = TRUE;
		if (lazy_expunge_mailbox_settings(lt->t->box)->
		    only_last_instance) {
			lazy_expunge_refcount_refresh(luser, lt->t->box);
		}
		return;
	}
	/* Without the lock nothing may be believed of other instances, and
	   so everything is kept: never a loss, at worst a duplicate. */
	e_debug(lt->t->box->event, "lazy_expunge: Account not locked, all "
		"deleted mail is kept: %s", error);
}

bool lazy_expunge_transaction_lock(struct mail *mail)
{
	struct lazy_expunge_transaction *lt =
		transaction_get(mail->transaction);

	transaction_lock(lt);
	return lt->locked || !lazy_expunge_lock_is_possible(lt->lbox->luser);
}

/* The mailbox was deleted by another session, which has kept its mails, or
   renamed, which looks the same from here. The expunge must not be committed,
   nor leave a second instance in the storage. Should the deletion be given up,
   the mails are still there. */
static bool transaction_fail_if_deleted(struct lazy_expunge_transaction *lt)
{
	struct mailbox *box = lt->t->box;
	enum mail_error code;
	const char *text;

	if (!mail_index_is_deleted(box->index) || box->marked_deleted)
		return FALSE;
	mailbox_set_deleted(box);
	text = mailbox_get_last_error(box, &code);
	lazy_expunge_transaction_fail(lt->t, code, text);
	return TRUE;
}

bool lazy_expunge_transaction_is_gone(struct mail *mail)
{
	struct lazy_expunge_transaction *lt =
		transaction_get(mail->transaction);
	const char *error;

	transaction_lock(lt);
	if (!lt->live_tried) {
		lt->live_tried = TRUE;
		lt->live = lazy_expunge_live_init(mail->box, &error);
		if (lt->live == NULL) {
			e_debug(mail->box->event, "lazy_expunge: Latest state "
				"of the mailbox is unknown: %s", error);
		}
	}
	if (transaction_fail_if_deleted(lt))
		return TRUE;
	/* what cannot be told is taken as there: it is kept */
	return lt->live != NULL && !lazy_expunge_live_has(lt->live, mail->uid);
}

static int transaction_open_dest(struct lazy_expunge_transaction *lt,
				 struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_mailbox *lbox = lt->lbox;
	struct mailbox *box = lt->t->box;
	const struct lazy_expunge_settings *set =
		lazy_expunge_mailbox_settings(box);
	struct lazy_expunge_storage *storage;

	if (lt->dest_trans != NULL)
		return 0;
	if (lbox->dest != NULL && !lazy_expunge_destination_is_valid(lbox->dest))
		lazy_expunge_destination_close(&lbox->dest);
	if (lbox->dest == NULL) {
		storage = lazy_expunge_user_storage_find(lbox->luser,
							 set->storage);
		if (storage == NULL) {
			error_r->code = MAIL_ERROR_UNAVAILABLE;
			error_r->text = t_strdup_printf(
				"lazy_expunge_mailbox = %s is not known for "
				"this user", set->storage);
			return -1;
		}
		lbox->dest = lazy_expunge_destination_open(lbox->luser, storage,
							   box, error_r);
		if (lbox->dest == NULL)
			return -1;
	}
	lt->dest_trans = lazy_expunge_destination_begin(lbox->dest);
	return 0;
}

static void transaction_fail_keep(struct lazy_expunge_transaction *lt,
				  const struct lazy_expunge_error *error)
{
	enum mail_error code = error->code;

	/* the client learns that it may try again, or that it is out of
	   space; the cause is for the log */
	if (code != MAIL_ERROR_NOQUOTA)
		code = MAIL_ERROR_UNAVAILABLE;
	lazy_expunge_transaction_fail(lt->t, code, ERROR_CANNOT_KEEP);
}

/* Mails that may have been in the storage already, from before they were copied
   out of it: only the newest instance stays. */
static void transaction_supersede(struct lazy_expunge_transaction *lt)
{
	const char *guid;

	if (!array_is_created(&lt->kept_guids))
		return;
	array_foreach_elem(&lt->kept_guids, guid) T_BEGIN {
		lazy_expunge_instances_supersede(lt->lbox->luser, guid);
	} T_END;
}

static void transaction_remember_guid(struct lazy_expunge_transaction *lt,
				      struct mail *mail)
{
	const char *guid;

	if (!lt->locked ||
	    !lazy_expunge_mailbox_settings(mail->box)->only_last_instance ||
	    lazy_expunge_refcount_was_single(lt->lbox->luser) ||
	    mail_get_special(mail, MAIL_FETCH_GUID, &guid) < 0)
		return;
	if (lt->pool == NULL) {
		lt->pool = pool_alloconly_create("lazy_expunge guids", 1024);
		p_array_init(&lt->kept_guids, lt->pool, 16);
	}
	guid = p_strdup(lt->pool, guid);
	array_push_back(&lt->kept_guids, &guid);
}

int lazy_expunge_transaction_keep(struct mail *mail,
				  enum lazy_expunge_reason reason)
{
	struct lazy_expunge_transaction *lt =
		transaction_get(mail->transaction);
	const struct lazy_expunge_settings *set =
		lazy_expunge_mailbox_settings(mail->box);
	struct lazy_expunge_error error;
	bool refreshed;
	int ret = -1;

	if (lt->failed)
		return -1;
	i_zero(&error);
	if (transaction_open_dest(lt, &error) == 0) {
		ret = lazy_expunge_destination_copy(lt->dest_trans, mail,
						    &error);
	}
	if (ret > 0)
		seq_range_array_add(&lt->linked_uids, mail->uid);
	if (ret >= 0) {
		seq_range_array_add(&lt->kept_uids, mail->uid);
		transaction_remember_guid(lt, mail);
		lazy_expunge_pending_add(&lt->lbox->luser->pending, lt->t,
					 mail->uid);
		lazy_expunge_events_kept(lt->events, mail,
			lazy_expunge_mailbox_vname(
				lazy_expunge_destination_get_box(lt->lbox->dest)),
			lazy_expunge_origin_vname(mail->box), reason);
		return 0;
	}
	if (error.code == MAIL_ERROR_EXPUNGED) {
		/* The index has it and its file is gone: also when the mailbox
		   was renamed meanwhile, and the file with it. */
		refreshed = mail_index_refresh(mail->box->index) == 0;
		if (transaction_fail_if_deleted(lt))
			return -1;
		if (refreshed)
			return 1;
	} else if (set->on_failure == LAZY_EXPUNGE_ON_FAILURE_EXPUNGE) {
		lazy_expunge_event_lost(mail, error.text);
		return 1;
	}
	lazy_expunge_event_refused(mail->box, mail, 1, "storage", error.text);
	transaction_fail_keep(lt, &error);
	return -1;
}

struct lazy_expunge_events *
lazy_expunge_transaction_events(struct mailbox_transaction_context *t)
{
	return transaction_get(t)->events;
}

void lazy_expunge_transaction_pass(struct mail *mail)
{
	struct lazy_expunge_transaction *lt =
		transaction_get(mail->transaction);

	lazy_expunge_pending_add(&lt->lbox->luser->pending, lt->t, mail->uid);
}

void lazy_expunge_transaction_move_copied(struct lazy_expunge_mail *lmail,
					  struct mailbox_transaction_context *t)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(t->box);

	lmail->move_dest = lbox->is_virtual ? NULL : transaction_get(t);
}

void lazy_expunge_transaction_move_expunged(
	struct mail *mail, struct lazy_expunge_transaction *dest)
{
	struct lazy_expunge_transaction *src =
		transaction_get(mail->transaction);

	/* Dovecot's MOVE within a mailbox and doveadm move commit the expunges
	   also when the copies could not be committed. */
	if (dest == NULL || src->move_dest == dest)
		return;
	transaction_end_move(src, FALSE);
	if (dest->move_src != NULL)
		dest->move_src->move_dest = NULL;
	dest->move_src = src;
	src->move_dest = dest;
}

static int transaction_commit_dest(struct lazy_expunge_transaction *lt)
{
	struct mailbox *box = lt->t->box;
	struct lazy_expunge_error error;
	bool lossy;

	if (lt->dest_trans == NULL)
		return 0;
	lossy = lazy_expunge_mailbox_settings(box)->on_failure ==
		LAZY_EXPUNGE_ON_FAILURE_EXPUNGE;
	if (lazy_expunge_destination_commit(&lt->dest_trans, lossy,
					    &error) == 0)
		return 0;

	if (lossy) {
		seq_range_array_remove_seq_range(&lt->kept_uids,
						 &lt->linked_uids);
		lazy_expunge_events_drop_kept(lt->events, &lt->kept_uids);
		lazy_expunge_event_lost_uids(box, &lt->kept_uids, error.text);
		return 0;
	}
	lazy_expunge_event_refused(box, NULL,
				   seq_range_count(&lt->kept_uids), "storage",
				   error.text);
	transaction_fail_keep(lt, &error);
	return -1;
}

/* The backend transactions of a virtual mailbox fail without their error
   reaching it. */
static int virtual_transaction_commit(
	struct mailbox_transaction_context *t,
	struct mail_transaction_commit_changes *changes_r)
{
	struct mailbox *box = t->box;
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	struct lazy_expunge_user *luser = lbox->luser;

	i_free(luser->last_error);
	if (lbox->module_ctx.super.transaction_commit(t, changes_r) == 0)
		return 0;
	if (luser->last_error != NULL) {
		mail_storage_set_error(box->storage, luser->last_error_code,
				       luser->last_error);
	}
	return -1;
}

int lazy_expunge_transaction_commit(
	struct mailbox_transaction_context *t,
	struct mail_transaction_commit_changes *changes_r)
{
	struct mailbox *box = t->box;
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	struct lazy_expunge_transaction *lt = LAZY_EXPUNGE_CONTEXT(t);
	bool marked;
	int ret;

	if (lbox->is_virtual)
		return virtual_transaction_commit(t, changes_r);
	if (lt == NULL)
		return lbox->module_ctx.super.transaction_commit(t, changes_r);

	if (lt->move_dest != NULL) {
		lazy_expunge_transaction_fail(t, MAIL_ERROR_UNAVAILABLE,
					      ERROR_CANNOT_MOVE);
	}
	if (lt->failed)
		lazy_expunge_destination_rollback(&lt->dest_trans);
	if (!lt->failed && transaction_commit_dest(lt) == 0) {
		marked = lt->move_src != NULL &&
			lazy_expunge_unclean_begin(box);
		ret = lbox->module_ctx.super.transaction_commit(t, changes_r);
		if (marked)
			lazy_expunge_unclean_end(box);
		if (ret == 0)
			transaction_supersede(lt);
		transaction_end_move(lt, ret == 0 && (lt->move_src == NULL ||
			lazy_expunge_saved_are_there(box, changes_r)));
	} else {
		lbox->module_ctx.super.transaction_rollback(t);
		mail_storage_set_error(box->storage, lt->error_code,
				       lt->error_text);
		lazy_expunge_user_set_error(lbox->luser, lt->error_code,
					    lt->error_text);
		transaction_end_move(lt, FALSE);
		ret = -1;
	}
	transaction_free(lt, t, ret == 0);
	return ret;
}

void lazy_expunge_transaction_rollback(struct mailbox_transaction_context *t)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(t->box);
	struct lazy_expunge_transaction *lt = LAZY_EXPUNGE_CONTEXT(t);

	if (lt != NULL)
		lazy_expunge_destination_rollback(&lt->dest_trans);
	lbox->module_ctx.super.transaction_rollback(t);
	if (lt == NULL)
		return;
	transaction_end_move(lt, FALSE);
	transaction_free(lt, t, FALSE);
}
