/* Restore: moves selected mails to their targets, origin by origin, in batches
   that are each committed in the target first and then in the storage. */

#include "lib.h"
#include "array.h"
#include "file-lock.h"
#include "mail-user.h"
#include "mail-storage-private.h"
#include "lazy-expunge-origin.h"
#include "lazy-expunge-restore-intent.h"
#include "lazy-expunge-saved.h"
#include "lazy-expunge-restore-target.h"
#include "lazy-expunge-restore.h"

/* Mails of one batch: so much is done again after a kill. */
#define RESTORE_BATCH_SIZE 500
#define RESTORE_LOCK_FNAME "dovecot.lazy-expunge-restore.lock"
#define RESTORE_LOCK_TIMEOUT_SECS 60

struct restore {
	struct lazy_expunge_select *select;
	const struct lazy_expunge_restore_params *params;
	struct lazy_expunge_restore_row *row;

	struct mailbox *target;
	struct lazy_expunge_restore_guids *guids;
	/* NULL with plan */
	struct lazy_expunge_restore_intent *intent;

	/* why the last batch failed; NULL text: its mail is gone */
	struct lazy_expunge_error error;
	/* it was the commit: the target may have the mail all the same */
	bool commit_failed;
};

/* Transactions of one batch: all its mails are of one mailbox. */
struct restore_batch {
	struct restore *restore;
	struct mailbox *box;
	struct mailbox_transaction_context *src_trans, *dest_trans;
	struct mail *mail;
	unsigned int restored, skipped;
	/* what could not be done; the whole batch is undone then */
	const char *failed;
	struct mailbox *failed_box;
};

static bool restore_is_killed(struct restore *restore)
{
	return restore->params->is_killed != NULL &&
		restore->params->is_killed();
}

/* The first error of an origin is the one that is said. */
static void row_fail(struct restore *restore, unsigned int count,
		     const struct lazy_expunge_error *error)
{
	struct lazy_expunge_restore_row *row = restore->row;

	row->failed += count;
	if (row->error.text != NULL)
		return;
	row->error.code = error->code;
	row->error.text = p_strdup(restore->select->pool, error->text);
}

static void row_fail_box(struct restore *restore, unsigned int count,
			 const char *what, struct mailbox *box)
{
	struct lazy_expunge_error error;

	lazy_expunge_error_set_box(&error, what, box);
	row_fail(restore, count, &error);
}

/* Copy, and mark what is in the storage to be cleared. */
static int batch_copy(struct restore_batch *batch,
		      struct mail_save_context *ctx)
{
	/* A move within the quota costs nothing; out of a storage that does
	   not count, it must fit. */
	if (!batch->restore->select->luser->set.quota_ignore)
		return mailbox_move(&ctx, batch->mail);
	if (mailbox_copy(&ctx, batch->mail) < 0)
		return -1;
	mail_expunge(batch->mail);
	return 0;
}

static int batch_move(struct restore_batch *batch, const char *guid)
{
	struct restore *restore = batch->restore;
	struct mail_save_context *ctx;
	struct mail_keywords *keywords;

	keywords = lazy_expunge_origin_keywords_create(restore->target,
						       batch->mail, NULL);
	ctx = mailbox_save_alloc(batch->dest_trans);
	mailbox_save_set_flags(ctx, mail_get_flags(batch->mail) & ~MAIL_RECENT,
			       keywords);
	if (keywords != NULL)
		mailbox_keywords_unref(&keywords);
	if (batch_copy(batch, ctx) < 0) {
		batch->failed = "Cannot copy to";
		batch->failed_box = restore->target;
		return -1;
	}
	lazy_expunge_restore_guids_copy(restore->guids, guid);
	batch->restored++;
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

	keywords = lazy_expunge_origin_keywords_create(target, batch->mail,
						       NULL);
	if (keywords == NULL)
		keywords = mail_index_keywords_create(target->index, NULL);
	t = mailbox_transaction_begin(target, 0, "lazy_expunge restore");
	mail = mail_alloc(t, 0, NULL);
	if (mail_set_uid(mail, uid)) {
		mail_update_flags(mail, MODIFY_REPLACE,
				  mail_get_flags(batch->mail) & ~MAIL_RECENT);
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
	struct restore *restore = batch->restore;
	const char *guid;

	if (mail_get_special(batch->mail, MAIL_FETCH_GUID, &guid) < 0) {
		batch->failed = "Cannot read";
		batch->failed_box = batch->box;
		return -1;
	}
	if (restore->intent != NULL &&
	    lazy_expunge_restore_guids_uid(restore->guids, guid) != 0 &&
	    lazy_expunge_restore_intent_has(restore->intent, guid)) {
		if (batch_complete(batch, guid) < 0)
			return -1;
		mail_expunge(batch->mail);
		batch->restored++;
		return 0;
	}
	if (lazy_expunge_restore_guids_has(restore->guids, guid)) {
		if (!restore->params->plan)
			mail_expunge(batch->mail);
		batch->skipped++;
		return 0;
	}
	if (!restore->params->plan)
		return batch_move(batch, guid);
	lazy_expunge_restore_guids_copy(restore->guids, guid);
	batch->restored++;
	return 0;
}

static void batch_set_error(struct restore_batch *batch)
{
	struct restore *restore = batch->restore;

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
}

/* Commit the target, then the storage. Returns 0 also if the storage could not
   be cleared: the rest may fare better. */
static int batch_commit(struct restore_batch *batch)
{
	struct restore *restore = batch->restore;
	unsigned int count = batch->restored + batch->skipped;

	if (batch->dest_trans != NULL &&
	    lazy_expunge_saved_commit(&batch->dest_trans) < 0) {
		batch->failed = "Cannot save to";
		batch->failed_box = restore->target;
		batch_set_error(batch);
		batch_rollback(batch);
		return -1;
	}
	lazy_expunge_restore_guids_finish(restore->guids, TRUE);
	restore->row->restored += batch->restored;
	restore->row->skipped += batch->skipped;
	if (mailbox_transaction_commit(&batch->src_trans) < 0 ||
	    mailbox_sync(batch->box, 0) < 0) {
		/* The mails are in both places. The next time they are found
		   in the target. */
		row_fail_box(restore, count, "Restored, but cannot clear",
			     batch->box);
	}
	return 0;
}

/* Record what is going to be copied. */
static void batch_announce(struct restore_batch *batch,
			   const struct lazy_expunge_select_mail *mails,
			   unsigned int count)
{
	struct restore *restore = batch->restore;
	const char *guid;

	lazy_expunge_restore_intent_clear(restore->intent);
	for (unsigned int i = 0; i < count; i++) T_BEGIN {
		if (mail_set_uid(batch->mail, mails[i].uid) &&
		    mail_get_special(batch->mail, MAIL_FETCH_GUID, &guid) == 0 &&
		    !lazy_expunge_restore_guids_has(restore->guids, guid))
			lazy_expunge_restore_intent_add(restore->intent, guid);
	} T_END;
	T_BEGIN {
		lazy_expunge_restore_intent_write(restore->intent);
	} T_END;
}

/* mails: of one mailbox and one origin. Returns 0 if done, -1 if nothing was:
   a transaction in which a copy failed cannot be committed. */
static int restore_batch(struct restore *restore, struct mailbox *box,
			 const struct lazy_expunge_select_mail *mails,
			 unsigned int count)
{
	struct restore_batch batch = {
		.restore = restore,
		.box = box,
	};
	bool expunged = FALSE;
	int ret = 0;

	i_zero(&restore->error);
	restore->commit_failed = FALSE;
	batch.src_trans = mailbox_transaction_begin(box, 0,
						    "lazy_expunge restore");
	batch.mail = mail_alloc(batch.src_trans, MAIL_FETCH_GUID, NULL);
	if (!restore->params->plan) {
		batch.dest_trans = mailbox_transaction_begin(restore->target,
					MAILBOX_TRANSACTION_FLAG_EXTERNAL,
					"lazy_expunge restore");
	}
	if (!restore->params->plan)
		batch_announce(&batch, mails, count);
	for (unsigned int i = 0; i < count && ret == 0; i++) T_BEGIN {
		if (mail_set_uid(batch.mail, mails[i].uid)) {
			ret = batch_mail(&batch);
			expunged = batch.mail->expunged;
		}
	} T_END;
	if (ret < 0 && !expunged)
		batch_set_error(&batch);
	mail_free(&batch.mail);
	if (ret < 0) {
		batch_rollback(&batch);
		return -1;
	}
	if (batch_commit(&batch) < 0) {
		restore->commit_failed = TRUE;
		return -1;
	}
	return 0;
}

/* A mail whose batch failed. What fits is restored, and what an earlier kill
   has left in the way is completed. */
static void restore_single(struct restore *restore, struct mailbox *box,
			   const struct lazy_expunge_select_mail *mail)
{
	struct lazy_expunge_error error;
	int ret;

	ret = restore_batch(restore, box, mail, 1);
	if (ret < 0 && restore->commit_failed && !restore->params->plan) {
		lazy_expunge_restore_intent_keep(restore->intent);
		if (mailbox_sync(restore->target,
				 MAILBOX_SYNC_FLAG_FULL_READ) == 0 &&
		    lazy_expunge_restore_guids_read(restore->guids,
						    restore->target,
						    &error) == 0)
			ret = restore_batch(restore, box, mail, 1);
	}
	if (ret < 0 && restore->error.text != NULL)
		row_fail(restore, 1, &restore->error);
}

/* Which of the mails does the target have? */
static int restore_read_guids(struct restore *restore,
			      const struct lazy_expunge_select_mail *mails,
			      unsigned int count,
			      struct lazy_expunge_error *error_r)
{
	const struct lazy_expunge_select_box *sbox;
	struct mailbox_transaction_context *t = NULL;
	struct mail *mail = NULL;
	const char *guid;

	for (unsigned int i = 0; i < count; i++) T_BEGIN {
		sbox = array_idx(&restore->select->boxes, mails[i].box);
		if (t == NULL || t->box != sbox->box) {
			if (mail != NULL) {
				mail_free(&mail);
				(void)mailbox_transaction_commit(&t);
			}
			t = mailbox_transaction_begin(sbox->box, 0,
						      "lazy_expunge restore");
			mail = mail_alloc(t, MAIL_FETCH_GUID, NULL);
		}
		/* what cannot be read fails when it is to be moved */
		if (mail_set_uid(mail, mails[i].uid) &&
		    mail_get_special(mail, MAIL_FETCH_GUID, &guid) == 0)
			lazy_expunge_restore_guids_want(restore->guids, guid);
	} T_END;
	if (mail != NULL) {
		mail_free(&mail);
		(void)mailbox_transaction_commit(&t);
	}
	if (restore->target == NULL)
		return 0;
	return lazy_expunge_restore_guids_read(restore->guids, restore->target,
					       error_r);
}

static void restore_batches(struct restore *restore,
			    const struct lazy_expunge_select_mail *mails,
			    unsigned int count)
{
	const struct lazy_expunge_select_box *sbox;
	struct lazy_expunge_error error;
	unsigned int size;

	while (count > 0) {
		if (restore_is_killed(restore)) {
			error.code = MAIL_ERROR_TEMP;
			error.text = "Killed";
			row_fail(restore, count, &error);
			break;
		}
		sbox = array_idx(&restore->select->boxes, mails->box);
		for (size = 1; size < I_MIN(count, RESTORE_BATCH_SIZE); size++) {
			if (mails[size].box != mails->box)
				break;
		}
		if (restore_batch(restore, sbox->box, mails, size) < 0) {
			for (unsigned int i = 0; i < size; i++) {
				restore_single(restore, sbox->box,
					       &mails[i]);
			}
		}
		mails += size;
		count -= size;
	}
}

/* A restore that was killed may have left a file in an sdbox target that its
   index does not know, and would find later. */
static void restore_find_left(struct restore *restore)
{
	if (restore->intent == NULL || restore->target == NULL ||
	    !lazy_expunge_restore_intent_is_left(restore->intent) ||
	    strcmp(restore->target->storage->name, "sdbox") != 0)
		return;
	/* what fails here fails again where it is reported */
	(void)mailbox_sync(restore->target, MAILBOX_SYNC_FLAG_FORCE_RESYNC |
			   MAILBOX_SYNC_FLAG_FIX_INCONSISTENT);
}

/* All mails of one origin. */
static void restore_origin(struct restore *restore,
			   const struct lazy_expunge_select_mail *mails,
			   unsigned int count)
{
	struct lazy_expunge_user *luser = restore->select->luser;
	struct lazy_expunge_restore_row *row = restore->row;
	struct lazy_expunge_error error;

	row->origin = lazy_expunge_select_origin(restore->select, mails);
	row->target = restore->params->target != NULL ?
		restore->params->target :
		(*row->origin != '\0' ? row->origin : "INBOX");
	if (lazy_expunge_restore_target_open(luser, row->target,
					     restore->params->plan,
					     &restore->target, &error) < 0) {
		row_fail(restore, count, &error);
		return;
	}
	restore_find_left(restore);
	restore->guids = lazy_expunge_restore_guids_init();
	if (restore_read_guids(restore, mails, count, &error) < 0)
		row_fail(restore, count, &error);
	else
		restore_batches(restore, mails, count);
	lazy_expunge_restore_guids_deinit(&restore->guids);
	if (restore->target != NULL) {
		if (!restore->params->plan &&
		    mailbox_sync(restore->target, 0) < 0 && row->failed == 0)
			row_fail_box(restore, 0, "Cannot sync", restore->target);
		mailbox_free(&restore->target);
	}
}

static int mail_cmp(const struct lazy_expunge_select_mail *m1,
		    const struct lazy_expunge_select_mail *m2)
{
	if (m1->origin != m2->origin)
		return m1->origin < m2->origin ? -1 : 1;
	if (m1->saved != m2->saved)
		return m1->saved < m2->saved ? -1 : 1;
	if (m1->box != m2->box)
		return m1->box < m2->box ? -1 : 1;
	return m1->uid < m2->uid ? -1 : (m1->uid > m2->uid ? 1 : 0);
}

static int restore_lock(struct lazy_expunge_user *luser,
			struct file_lock **lock_r,
			struct lazy_expunge_error *error_r)
{
	const char *error;
	int ret;

	ret = mail_user_lock_file_create(luser->user, RESTORE_LOCK_FNAME,
					 RESTORE_LOCK_TIMEOUT_SECS, lock_r,
					 &error);
	if (ret == 0) {
		error_r->code = MAIL_ERROR_INUSE;
		error_r->text = "Another restore of this user is running";
		return -1;
	}
	if (ret < 0) {
		/* a user without a home: nothing is lost by two restores at
		   once */
		e_debug(luser->user->event,
			"lazy_expunge: Cannot lock restores: %s", error);
	}
	return 0;
}

int lazy_expunge_restore(struct lazy_expunge_select *select,
			 const struct lazy_expunge_restore_params *params,
			 ARRAY_TYPE(lazy_expunge_restore_row) *rows)
{
	const struct lazy_expunge_select_mail *mails;
	struct restore restore = {
		.select = select,
		.params = params,
	};
	struct lazy_expunge_error error;
	struct file_lock *lock = NULL;
	unsigned int count, size;
	bool locked;
	int ret = 0;

	locked = params->plan ||
		restore_lock(select->luser, &lock, &error) == 0;
	if (locked && !params->plan) {
		restore.intent =
			lazy_expunge_restore_intent_init(select->luser->user);
	}
	array_sort(&select->mails, mail_cmp);
	mails = array_get(&select->mails, &count);
	for (; count > 0; mails += size, count -= size) {
		for (size = 1; size < count; size++) {
			if (mails[size].origin != mails->origin)
				break;
		}
		restore.row = array_append_space(rows);
		if (locked)
			restore_origin(&restore, mails, size);
		else {
			restore.row->origin =
				lazy_expunge_select_origin(select, mails);
			restore.row->target = "";
			row_fail(&restore, size, &error);
		}
		if (restore.row->error.text != NULL)
			ret = -1;
	}
	lazy_expunge_restore_intent_deinit(&restore.intent);
	file_lock_free(&lock);
	return ret;
}
