/* Restore in batches: each is committed in the target first and then in the
   storage. */

#include "lib.h"
#include "array.h"
#include "mail-storage-private.h"
#include "account/lock.h"
#include "account/passed.h"
#include "account/storages.h"
#include "core/transactions.h"
#include "events/events.h"
#include "keep/origin.h"
#include "formats/live.h"
#include "formats/sdbox-files.h"
#include "restore/intent.h"
#include "restore/plan-quota.h"
#include "restore/undo-log.h"
#include "restore/wanted.h"
#include "inventory/select.h"
#include "restore/run.h"
#include "restore/batch.h"

/* Mails of one batch: so much is done again after a kill. */
#define RESTORE_BATCH_SIZE 500

/* Transactions of one batch: all its mails are of one mailbox. */
struct restore_batch {
	struct lazy_expunge_restore *restore;
	struct mailbox *box;
	struct lazy_expunge_storage *storage;
	struct mailbox_transaction_context *src_trans, *dest_trans;
	struct mail *mail;
	/* what the target has; NULL with plan, and if that cannot be told */
	struct lazy_expunge_live *live;
	/* the one that it is on */
	const struct lazy_expunge_select_mail *smail;
	/* NULL with plan */
	struct lazy_expunge_events *events;
	unsigned int restored, copied, skipped;
	/* what could not be done; the whole batch is undone then */
	const char *failed;
	struct mailbox *failed_box;
};

static bool restore_is_killed(struct lazy_expunge_restore *restore)
{
	return restore->params->is_killed != NULL &&
		restore->params->is_killed();
}

/* Whether the target has the mail, or gets it with this batch. The GUIDs were
   read before the account was locked: a delete that was under way then may
   have put just this mail into the storage. What was copied by this run was
   there after that. */
static bool batch_target_has(struct restore_batch *batch, const char *guid)
{
	struct lazy_expunge_restore *restore = batch->restore;
	uint32_t uid = lazy_expunge_restore_guids_uid(restore->guids, guid);

	/* the mails of a virtual mailbox go without its index */
	if (uid != 0 && !restore->params->plan &&
	    (batch->live == NULL || restore->target->virtual_vfuncs != NULL ||
	     !lazy_expunge_live_has(batch->live, uid)))
		lazy_expunge_restore_guids_gone(restore->guids, guid);
	return lazy_expunge_restore_guids_has(restore->guids, guid);
}

static void batch_tell(struct restore_batch *batch, const char *cause)
{
	struct lazy_expunge_restore_row *row = batch->restore->row;

	if (batch->events == NULL)
		return;
	lazy_expunge_events_restored(batch->events, batch->mail,
				     mailbox_get_vname(batch->box),
				     row->target,
				     *row->origin == '\0' ? NULL : row->origin,
				     cause);
}

/* FALSE if the mailbox was made anew since the copy was found in it, and has another
   mail there. */
static bool batch_mail_is_it(struct restore_batch *batch, const char *guid)
{
	const struct lazy_expunge_passed *passed = batch->smail->passed;
	guid_128_t guid_128;

	if (passed == NULL)
		return TRUE;
	mail_generate_guid_128_hash(guid, guid_128);
	return guid_128_equals(guid_128, passed->guid);
}

/* A user may have tried to delete it in the storage. */
static enum mail_flags restored_flags(struct restore_batch *batch)
{
	const struct lazy_expunge_passed *passed = batch->smail->passed;

	return (passed != NULL ? passed->flags : mail_get_flags(batch->mail)) &
		ENUM_NEGATE(MAIL_RECENT | MAIL_DELETED);
}

/* NULL if there are none. */
static struct mail_keywords *restored_keywords(struct restore_batch *batch)
{
	const struct lazy_expunge_passed *passed = batch->smail->passed;
	struct mailbox *target = batch->restore->target;

	if (passed == NULL) {
		return lazy_expunge_origin_keywords_create(target, batch->mail,
							   NULL);
	}
	return *passed->keywords == NULL ? NULL :
		mail_index_keywords_create(target->index, passed->keywords);
}

/* A copy of it is in the target with the commit, or was before. */
static void batch_set_back(struct restore_batch *batch)
{
	if (batch->smail->passed != NULL) {
		array_push_back(&batch->restore->batch_back,
				batch->smail->passed);
	}
}

/* The target has the mail: nothing else stays to be restored. */
static void batch_clear(struct restore_batch *batch)
{
	struct lazy_expunge_restore *restore = batch->restore;

	lazy_expunge_undo_log_cleared(restore->undo_log,
				      batch->smail->deletion);
	batch_set_back(batch);
	if (!restore->params->plan && batch->smail->passed == NULL)
		mail_expunge(batch->mail);
}

/* It is in the target with the commit. */
static void batch_count(struct restore_batch *batch)
{
	if (batch->smail->passed != NULL)
		batch->copied++;
	else
		batch->restored++;
}

/* Copy, and mark what is in the storage to be cleared. */
static int batch_copy(struct restore_batch *batch,
		      struct mail_save_context *ctx)
{
	if (batch->smail->passed != NULL)
		return mailbox_copy(&ctx, batch->mail);
	/* A move within the quota costs nothing; out of a storage that does
	   not count, it must fit. */
	if (!batch->storage->quota_ignore)
		return mailbox_move(&ctx, batch->mail);
	if (mailbox_copy(&ctx, batch->mail) < 0)
		return -1;
	mail_expunge(batch->mail);
	return 0;
}

static int batch_move(struct restore_batch *batch, const char *guid)
{
	struct lazy_expunge_restore *restore = batch->restore;
	struct mail_save_context *ctx;
	struct mail_keywords *keywords;

	batch_tell(batch, batch->smail->passed != NULL ? "copy" : "restore");
	keywords = restored_keywords(batch);
	ctx = mailbox_save_alloc(batch->dest_trans);
	mailbox_save_set_flags(ctx, restored_flags(batch), keywords);
	if (keywords != NULL)
		mailbox_keywords_unref(&keywords);
	if (batch_copy(batch, ctx) < 0) {
		batch->failed = "Cannot copy to";
		batch->failed_box = restore->target;
		return -1;
	}
	lazy_expunge_restore_guids_copy(restore->guids, guid);
	lazy_expunge_undo_log_add(restore->undo_log, restore->select,
				  batch->smail, batch->mail,
				  restore->row->target);
	batch_count(batch);
	batch_set_back(batch);
	return 0;
}

/* An interrupted restore left the mail in the target, perhaps without its
   flags. */
static int batch_complete(struct restore_batch *batch, const char *guid)
{
	struct mailbox *target = batch->restore->target;
	struct mailbox_transaction_context *t;
	struct mail_keywords *keywords;
	struct mail *mail;
	uint32_t uid = lazy_expunge_restore_guids_uid(batch->restore->guids,
						      guid);
	int ret = 0;

	keywords = restored_keywords(batch);
	if (keywords == NULL)
		keywords = mail_index_keywords_create(target->index, NULL);
	t = mailbox_transaction_begin(target, 0,
				      LAZY_EXPUNGE_TRANSACTION_RESTORE);
	mail = mail_alloc(t, 0, NULL);
	if (mail_set_uid(mail, uid)) {
		mail_update_flags(mail, MODIFY_REPLACE,
				  restored_flags(batch));
		mail_update_keywords(mail, MODIFY_REPLACE, keywords);
	}
	mailbox_keywords_unref(&keywords);
	mail_free(&mail);
	ret = mailbox_transaction_commit(&t);
	if (ret < 0) {
		batch->failed = "Cannot complete a mail in";
		batch->failed_box = target;
	}
	return ret;
}

static int batch_mail(struct restore_batch *batch)
{
	struct lazy_expunge_restore *restore = batch->restore;
	struct lazy_expunge_error error;
	const char *guid;
	bool present;

	if (mail_get_special(batch->mail, MAIL_FETCH_GUID, &guid) < 0) {
		batch->failed = "Cannot read";
		batch->failed_box = batch->box;
		return -1;
	}
	if (!batch_mail_is_it(batch, guid))
		return 0;
	present = batch_target_has(batch, guid);
	if (present && restore->intent != NULL &&
	    lazy_expunge_restore_guids_uid(restore->guids, guid) != 0 &&
	    lazy_expunge_restore_intent_has(restore->intent, guid,
					    restore->row->target)) {
		if (batch_complete(batch, guid) < 0)
			return -1;
		batch_tell(batch, batch->smail->passed != NULL ?
			   "copy" : "restore");
		batch_clear(batch);
		batch_count(batch);
		return 0;
	}
	if (present) {
		if (batch->smail->passed == NULL)
			batch_tell(batch, "present");
		batch_clear(batch);
		batch->skipped++;
		return 0;
	}
	if (!restore->params->plan)
		return batch_move(batch, guid);
	if ((batch->smail->passed != NULL || batch->storage->quota_ignore) &&
	    lazy_expunge_restore_quota_try(restore->quota, batch->mail,
					   &error) < 0) {
		/* what fits is restored, and nothing is rolled back here */
		lazy_expunge_restore_row_fail(restore, 1, &error);
		return 0;
	}
	lazy_expunge_restore_guids_copy(restore->guids, guid);
	batch_count(batch);
	return 0;
}

static void batch_set_error(struct restore_batch *batch)
{
	struct lazy_expunge_restore *restore = batch->restore;

	lazy_expunge_error_set_box(&restore->error, batch->failed,
				   batch->failed_box);
	restore->error.text = p_strdup(restore->select->pool,
				       restore->error.text);
}

/* Nothing of the batch happens. */
static void batch_rollback(struct restore_batch *batch)
{
	if (batch->dest_trans != NULL)
		mailbox_transaction_rollback(&batch->dest_trans);
	mailbox_transaction_rollback(&batch->src_trans);
	lazy_expunge_restore_guids_finish(batch->restore->guids, FALSE);
	lazy_expunge_undo_log_finish(batch->restore->undo_log, NULL);
}

/* Commit the target, then the storage, from which mails are. Returns 0 also if the storage could not
   be cleared: the rest may fare better. */
static int batch_commit(struct restore_batch *batch)
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
static void batch_announce(struct restore_batch *batch,
			   const struct lazy_expunge_select_mail *mails,
			   unsigned int count)
{
	struct lazy_expunge_restore *restore = batch->restore;
	const char *guid;

	lazy_expunge_restore_intent_clear(restore->intent);
	for (unsigned int i = 0; i < count; i++) T_BEGIN {
		if (mail_set_uid(batch->mail, mails[i].uid) &&
		    mail_get_special(batch->mail, MAIL_FETCH_GUID,
				     &guid) == 0 &&
		    !batch_target_has(batch, guid))
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
	struct restore_batch batch = {
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
			ret = batch_mail(&batch);
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
	if (restore_batch(restore, sbox, mails, count) < 0) {
		for (unsigned int i = 0; i < count; i++)
			restore_single(restore, sbox, &mails[i]);
	}
	restore_unlock_account(restore);
	return 0;
}

void lazy_expunge_restore_batches(struct lazy_expunge_restore *restore,
				  const struct lazy_expunge_select_mail *mails,
				  unsigned int count)
{
	struct lazy_expunge_error error;
	unsigned int size;

	while (count > 0) {
		if (restore_is_killed(restore)) {
			error.code = MAIL_ERROR_TEMP;
			error.text = "Killed";
			lazy_expunge_restore_row_fail(restore, count, &error);
			break;
		}
		size = 1;
		while (size < I_MIN(count, RESTORE_BATCH_SIZE) &&
		       mails[size].box == mails->box)
			size++;
		if (restore_run(restore, mails, size, &error) < 0) {
			lazy_expunge_restore_row_fail(restore, count, &error);
			break;
		}
		mails += size;
		count -= size;
	}
	lazy_expunge_select_live_close(restore->select);
}
