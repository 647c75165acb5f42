/* Restore in batches: each is committed in the target first and then in the
   storage. */

#include "lib.h"
#include "array.h"
#include "time-util.h"
#include "mail-storage-private.h"
#include "account/lock.h"
#include "account/passed.h"
#include "account/storages.h"
#include "core/transactions.h"
#include "events/events.h"
#include "formats/live.h"
#include "formats/sdbox-files.h"
#include "restore/intent.h"
#include "restore/undo-log.h"
#include "restore/wanted.h"
#include "inventory/select.h"
#include "restore/run.h"
#include "restore/batch-mail.h"
#include "restore/batch.h"

/* Mails of one batch: so much is done again after a kill, and so long deletes
   wait. It is larger where mails go quickly. */
#define RESTORE_BATCH_MIN 500U
#define RESTORE_BATCH_MAX 2000U
#define RESTORE_BATCH_QUICK_USECS (250 * 1000)
/* of a batch that failed, parts of no more are done mail by mail */
#define RESTORE_FEW 4

static bool restore_is_killed(struct lazy_expunge_restore *restore)
{
	return restore->params->is_killed != NULL &&
		restore->params->is_killed();
}

static void batch_set_error(struct lazy_expunge_restore_batch *batch)
{
	struct lazy_expunge_restore *restore = batch->restore;

	lazy_expunge_error_set_box(&restore->error, batch->failed,
				   batch->failed_box);
	restore->error.text = p_strdup(restore->select->pool,
				       restore->error.text);
}

/* Nothing of the batch happens. */
static void batch_rollback(struct lazy_expunge_restore_batch *batch)
{
	if (batch->dest_trans != NULL)
		mailbox_transaction_rollback(&batch->dest_trans);
	mailbox_transaction_rollback(&batch->src_trans);
	lazy_expunge_restore_guids_finish(batch->restore->guids, FALSE);
	lazy_expunge_undo_log_finish(batch->restore->undo_log, NULL);
}

/* Commit the target, then the storage, from which mails are. Returns 0 also if the storage could not
   be cleared: the rest may fare better. */
static int batch_commit(struct lazy_expunge_restore_batch *batch)
{
	struct lazy_expunge_restore *restore = batch->restore;
	const unsigned int count = batch->restored + batch->skipped;
	struct mail_transaction_commit_changes changes;
	int ret = 0;

	i_zero(&changes);
	if (batch->dest_trans != NULL)
		ret = lazy_expunge_saved_commit(&batch->dest_trans, &changes);
	if (ret == 0)
		lazy_expunge_undo_log_finish(restore->undo_log, &changes);
	pool_unref(&changes.pool);
	if (ret < 0) {
		batch->failed = "Cannot save to";
		batch->failed_box = restore->target;
		batch_set_error(batch);
		batch_rollback(batch);
		return -1;
	}
	lazy_expunge_restore_guids_finish(restore->guids, TRUE);
	restore->row->restored += batch->restored;
	restore->row->copied += batch->copied;
	restore->row->skipped += batch->skipped;
	if (!restore->params->plan) {
		lazy_expunge_passed_set_back(restore->select->luser->user,
					     &restore->batch_back);
	}
	if (restore->copies) {
		/* nothing is to be cleared: caches what was read */
		(void)mailbox_transaction_commit(&batch->src_trans);
	} else if (mailbox_transaction_commit(&batch->src_trans) < 0 ||
		   mailbox_sync(batch->box, 0) < 0) {
		/* The mails are in both places. The next time they are found
		   in the target. */
		lazy_expunge_restore_row_fail_box(restore, count,
			"Restored, but cannot clear", batch->box);
	}
	return 0;
}

/* Record what is going to be copied. */
static void batch_announce(struct lazy_expunge_restore_batch *batch,
			   const struct lazy_expunge_select_mail *mails,
			   unsigned int count)
{
	struct lazy_expunge_restore *restore = batch->restore;
	struct lazy_expunge_wanted *wanted;
	const char *guid;

	lazy_expunge_restore_intent_clear(restore->intent);
	lazy_expunge_restore_intent_visit(restore->intent,
					  restore->row->target);
	for (unsigned int i = 0; i < count; i++) T_BEGIN {
		if (lazy_expunge_restore_batch_guid(batch, &mails[i], &guid,
						    &wanted) > 0 &&
		    !lazy_expunge_restore_batch_has(batch, wanted))
			lazy_expunge_restore_intent_add(restore->intent, guid,
							restore->row->target);
	} T_END;
	T_BEGIN {
		lazy_expunge_restore_intent_write(restore->intent);
	} T_END;
}

/* mails: of one mailbox and one origin. Returns 0 if done, -1 if nothing was:
   a transaction in which a copy failed cannot be committed. */
static int restore_batch(struct lazy_expunge_restore *restore,
			 const struct lazy_expunge_select_box *sbox,
			 const struct lazy_expunge_select_mail *mails,
			 unsigned int count)
{
	struct lazy_expunge_restore_batch batch = {
		.restore = restore,
		.box = sbox->box,
		.storage = sbox->storage,
	};
	const char *error;
	bool expunged = FALSE;
	int ret = 0;

	i_zero(&restore->error);
	restore->commit_failed = FALSE;
	array_clear(&restore->batch_back);
	batch.src_trans = mailbox_transaction_begin(batch.box, 0,
					LAZY_EXPUNGE_TRANSACTION_RESTORE);
	batch.mail = mail_alloc(batch.src_trans, MAIL_FETCH_GUID, NULL);
	if (!restore->params->plan) {
		batch.dest_trans = mailbox_transaction_begin(restore->target,
					MAILBOX_TRANSACTION_FLAG_EXTERNAL,
					LAZY_EXPUNGE_TRANSACTION_RESTORE);
		batch.events = lazy_expunge_events_init(batch.box);
		batch.live = lazy_expunge_live_init(restore->target, &error);
		if (batch.live == NULL) {
			e_debug(batch.box->event, "lazy_expunge: Latest state "
				"of the target is unknown: %s", error);
		}
		batch_announce(&batch, mails, count);
	}
	for (unsigned int i = 0; i < count && ret == 0; i++) T_BEGIN {
		if (mail_set_uid(batch.mail, mails[i].uid)) {
			batch.smail = &mails[i];
			ret = lazy_expunge_restore_batch_mail(&batch);
			expunged = batch.mail->expunged;
		}
	} T_END;
	if (ret < 0 && !expunged)
		batch_set_error(&batch);
	mail_free(&batch.mail);
	if (ret < 0) {
		batch_rollback(&batch);
	} else if (batch_commit(&batch) < 0) {
		restore->commit_failed = TRUE;
		ret = -1;
	}
	lazy_expunge_live_deinit(&batch.live);
	lazy_expunge_events_deinit(&batch.events, ret == 0);
	return ret;
}

/* A mail whose batch failed. What fits is restored, and what an earlier kill
   has left in the way is completed. */
static void restore_single(struct lazy_expunge_restore *restore,
			   const struct lazy_expunge_select_box *sbox,
			   const struct lazy_expunge_select_mail *mail)
{
	struct lazy_expunge_error error;
	int ret;

	ret = restore_batch(restore, sbox, mail, 1);
	if (ret < 0 && restore->commit_failed && !restore->params->plan) {
		lazy_expunge_restore_intent_keep(restore->intent);
		if (mailbox_sync(restore->target,
				 MAILBOX_SYNC_FLAG_FULL_READ) == 0 &&
		    lazy_expunge_restore_guids_read(restore->guids,
						    restore->target,
						    &error) == 0)
			ret = restore_batch(restore, sbox, mail, 1);
	}
	if (ret < 0 && restore->error.text != NULL)
		lazy_expunge_restore_row_fail(restore, 1, &restore->error);
}

/* One mail may be what a batch failed for: its halves are tried then, until it is
   alone. */
static void restore_parts(struct lazy_expunge_restore *restore,
			  const struct lazy_expunge_select_box *sbox,
			  const struct lazy_expunge_select_mail *mails,
			  unsigned int count)
{
	const unsigned int half = count / 2;

	if (restore_batch(restore, sbox, mails, count) == 0)
		return;
	if (count <= RESTORE_FEW || restore->commit_failed) {
		for (unsigned int i = 0; i < count; i++)
			restore_single(restore, sbox, &mails[i]);
		return;
	}
	restore_parts(restore, sbox, mails, half);
	restore_parts(restore, sbox, mails + half, count - half);
}

/* As a delete is, a commit to mdbox is marked by who holds the account's lock,
   so that what is left of one that is killed gets counted anew. */
static int restore_lock_account(struct lazy_expunge_restore *restore,
				struct lazy_expunge_error *error_r)
{
	const char *error;
	int ret;

	if (restore->params->plan)
		return 0;
	ret = lazy_expunge_lock_get(restore->select->luser,
				    LAZY_EXPUNGE_LOCK_TIMEOUT_SECS, &error);
	if (ret > 0)
		return 0;
	error_r->code = ret == 0 ? MAIL_ERROR_INUSE : MAIL_ERROR_TEMP;
	error_r->text = t_strdup_printf("Cannot lock the account: %s", error);
	return -1;
}

static void restore_unlock_account(struct lazy_expunge_restore *restore)
{
	if (!restore->params->plan)
		lazy_expunge_lock_put(restore->select->luser);
}

/* Have the mailbox open: of the live ones only this. Returns 1 if it is, 0 if it is
   gone, -1 and the error. */
static int restore_open_box(struct lazy_expunge_restore *restore,
			    unsigned int idx, struct lazy_expunge_error *error_r)
{
	const struct lazy_expunge_select_box *sbox =
		array_idx(&restore->select->boxes, idx);

	if (sbox->box != NULL)
		return 1;
	lazy_expunge_select_live_close(restore->select);
	return lazy_expunge_select_box_open(restore->select, idx, error_r);
}

/* mails: of one mailbox. Returns -1 if the account cannot be locked. */
static int restore_run(struct lazy_expunge_restore *restore,
		       const struct lazy_expunge_select_mail *mails,
		       unsigned int count, struct lazy_expunge_error *error_r)
{
	const struct lazy_expunge_select_box *sbox;
	int ret = restore_open_box(restore, mails->box, error_r);

	if (ret <= 0) {
		if (ret < 0)
			lazy_expunge_restore_row_fail(restore, count, error_r);
		return 0;
	}
	if (restore_lock_account(restore, error_r) < 0)
		return -1;
	sbox = array_idx(&restore->select->boxes, mails->box);
	restore_parts(restore, sbox, mails, count);
	restore_unlock_account(restore);
	return 0;
}

/* How many of the mails are of the mailbox of the first, and no more than max. */
static unsigned int
batch_count_mails(const struct lazy_expunge_select_mail *mails,
		  unsigned int count, unsigned int max)
{
	unsigned int size = 1;

	while (size < I_MIN(count, max) && mails[size].box == mails->box)
		size++;
	return size;
}

void lazy_expunge_restore_batches(struct lazy_expunge_restore *restore,
				  const struct lazy_expunge_select_mail *mails,
				  unsigned int count)
{
	struct lazy_expunge_error error;
	unsigned int size, max = RESTORE_BATCH_MIN;
	uint64_t since;

	while (count > 0) {
		if (restore_is_killed(restore)) {
			error.code = MAIL_ERROR_TEMP;
			error.text = "Killed";
			lazy_expunge_restore_row_fail(restore, count, &error);
			break;
		}
		size = batch_count_mails(mails, count, max);
		since = i_microseconds();
		if (restore_run(restore, mails, size, &error) < 0) {
			lazy_expunge_restore_row_fail(restore, count, &error);
			break;
		}
		max = i_microseconds() - since > RESTORE_BATCH_QUICK_USECS ?
			RESTORE_BATCH_MIN : I_MIN(max * 2, RESTORE_BATCH_MAX);
		mails += size;
		count -= size;
	}
	lazy_expunge_select_live_close(restore->select);
}
