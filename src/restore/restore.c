/* Restore: one run a user at a time, target by target. */

#include "lib.h"
#include "array.h"
#include "file-lock.h"
#include "mail-storage-private.h"
#include "formats/format.h"
#include "restore/intent.h"
#include "restore/lock.h"
#include "restore/plan-quota.h"
#include "restore/target.h"
#include "restore/undo-log.h"
#include "restore/wanted.h"
#include "restore/route.h"
#include "restore/batch.h"
#include "restore/run.h"
#include "restore/restore.h"

/* Of mails of storages, which are open. */
static void restore_want_kept(struct lazy_expunge_restore *restore,
			      const struct lazy_expunge_select_mail *mails,
			      unsigned int count)
{
	const struct lazy_expunge_select_box *sbox;
	struct mailbox_transaction_context *t = NULL;
	struct lazy_expunge_wanted *wanted;
	struct mail *mail = NULL;
	const char *guid;

	for (unsigned int i = 0; i < count; i++) T_BEGIN {
		wanted = NULL;
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
			wanted = lazy_expunge_restore_guids_want(restore->guids,
								 guid);
		array_push_back(&restore->wanted, &wanted);
	} T_END;
	if (mail != NULL) {
		mail_free(&mail);
		(void)mailbox_transaction_commit(&t);
	}
}

/* Which of the mails does the target have? */
static int restore_read_guids(struct lazy_expunge_restore *restore,
			      const struct lazy_expunge_select_mail *mails,
			      unsigned int count,
			      struct lazy_expunge_error *error_r)
{
	array_clear(&restore->wanted);
	restore->mails = mails;
	if (!restore->copies)
		restore_want_kept(restore, mails, count);
	for (unsigned int i = 0; restore->copies && i < count; i++) {
		lazy_expunge_restore_guids_want_128(restore->guids,
						    mails[i].passed->guid);
	}
	if (restore->target == NULL)
		return 0;
	return lazy_expunge_restore_guids_read(restore->guids, restore->target,
					       error_r);
}

/* A restore that was killed may have left a file in an sdbox target that its
   index does not know, and would find later. */
static void restore_find_left(struct lazy_expunge_restore *restore)
{
	if (restore->intent == NULL || restore->target == NULL ||
	    !lazy_expunge_restore_intent_is_left(restore->intent,
						 restore->row->target) ||
	    lazy_expunge_box_format(restore->target) !=
	    LAZY_EXPUNGE_FORMAT_SDBOX)
		return;
	/* what fails here fails again where it is reported */
	(void)mailbox_sync(restore->target, MAILBOX_SYNC_FLAG_FORCE_RESYNC |
			   MAILBOX_SYNC_FLAG_FIX_INCONSISTENT);
}

static enum lazy_expunge_restore_target_flags
target_flags(const struct lazy_expunge_restore_params *params)
{
	enum lazy_expunge_restore_target_flags flags = 0;

	if (params->plan)
		flags |= LAZY_EXPUNGE_RESTORE_TARGET_PLAN;
	if (params->ignore_acls)
		flags |= LAZY_EXPUNGE_RESTORE_TARGET_IGNORE_ACLS;
	if (params->target == NULL)
		flags |= LAZY_EXPUNGE_RESTORE_TARGET_ORIGIN;
	return flags;
}

/* All mails of one origin that go to one target. */
static void restore_part(struct lazy_expunge_restore *restore,
			 const struct lazy_expunge_select_mail *mails,
			 unsigned int count)
{
	struct lazy_expunge_user *luser = restore->select->luser;
	struct lazy_expunge_restore_row *row = restore->row;
	struct lazy_expunge_error error;

	if (lazy_expunge_restore_target_open(luser, row->target,
					     target_flags(restore->params),
					     &restore->target, &error) < 0) {
		lazy_expunge_restore_row_fail(restore, count, &error);
		return;
	}
	restore_find_left(restore);
	lazy_expunge_restore_quota_begin(restore->quota, row->target);
	if (restore->guids == NULL)
		restore->guids = lazy_expunge_restore_guids_init();
	if (restore_read_guids(restore, mails, count, &error) < 0)
		lazy_expunge_restore_row_fail(restore, count, &error);
	else
		lazy_expunge_restore_batches(restore, mails, count);
	/* what the plan put into a target of all is there for the next part */
	if (!restore->params->plan || restore->params->target == NULL)
		lazy_expunge_restore_guids_deinit(&restore->guids);
	lazy_expunge_restore_quota_end(restore->quota);
	if (restore->target != NULL) {
		if (!restore->params->plan &&
		    mailbox_sync(restore->target, 0) < 0 &&
		    row->failed + row->not_copied == 0) {
			lazy_expunge_restore_row_fail_box(restore, 0,
				"Cannot sync", restore->target);
		}
		mailbox_free(&restore->target);
	}
}

/* Lock restores, and see what an earlier one has left. */
static int restore_begin(struct lazy_expunge_restore *restore,
			 struct file_lock **lock_r,
			 struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_user *luser = restore->select->luser;

	if (restore->params->plan) {
		restore->quota = lazy_expunge_restore_quota_init(luser);
		return 0;
	}
	if (lazy_expunge_restore_lock(luser, lock_r, error_r) < 0)
		return -1;
	if (lazy_expunge_restore_intent_init(luser->user, &restore->intent,
					     &error_r->text) < 0) {
		error_r->code = MAIL_ERROR_TEMP;
		return -1;
	}
	restore->undo_log = lazy_expunge_undo_log_init(luser);
	return 0;
}

/* The row may have mails of a storage already. */
static struct lazy_expunge_restore_row *
restore_row_get(ARRAY_TYPE(lazy_expunge_restore_row) *rows,
		const struct lazy_expunge_restore_part *part)
{
	struct lazy_expunge_restore_row *row;

	array_foreach_modifiable(rows, row) {
		if (strcmp(row->origin, part->origin) == 0 &&
		    strcmp(row->target, part->target) == 0 &&
		    row->renamed == part->renamed)
			return row;
	}
	row = array_append_space(rows);
	row->origin = part->origin;
	row->target = part->target;
	row->renamed = part->renamed;
	return row;
}

static int mail_cmp_box(const void *p1, const void *p2)
{
	const struct lazy_expunge_select_mail *m1 = p1, *m2 = p2;

	if (m1->box != m2->box)
		return m1->box < m2->box ? -1 : 1;
	return m1->uid < m2->uid ? -1 : (m1->uid > m2->uid ? 1 : 0);
}

/* So that each mailbox with copies is opened once. */
static void part_sort_by_box(struct lazy_expunge_select *select,
			     const struct lazy_expunge_restore_part *part)
{
	qsort(array_idx_modifiable(&select->mails, part->first), part->count,
	      sizeof(struct lazy_expunge_select_mail), mail_cmp_box);
}

/* error: why nothing can be restored, NULL if it can. Returns 0, or -1 if a row has an
   error. */
static int restore_selection(struct lazy_expunge_restore *restore,
			     struct lazy_expunge_select *select,
			     const struct lazy_expunge_error *error,
			     ARRAY_TYPE(lazy_expunge_restore_row) *rows)
{
	ARRAY_TYPE(lazy_expunge_restore_part) parts;
	const struct lazy_expunge_restore_part *part;
	int ret = 0;

	restore->select = select;
	p_array_init(&parts, select->pool, 8);
	lazy_expunge_restore_where(select, restore->params->target, &parts);
	array_foreach(&parts, part) {
		restore->row = restore_row_get(rows, part);
		if (error != NULL) {
			lazy_expunge_restore_row_fail(restore, part->count,
						      error);
		} else {
			if (restore->copies)
				part_sort_by_box(select, part);
			restore_part(restore,
				     array_idx(&select->mails, part->first),
				     part->count);
		}
		if (restore->row->error.text != NULL ||
		    restore->row->copy_error.text != NULL)
			ret = -1;
	}
	return ret;
}

static int restore_copies(struct lazy_expunge_restore *restore,
			  const struct lazy_expunge_error *error,
			  ARRAY_TYPE(lazy_expunge_restore_row) *rows)
{
	const struct lazy_expunge_restore_params *params = restore->params;
	struct lazy_expunge_select *copies;

	if (params->find_copies == NULL)
		return 0;
	if (params->find_copies(params->context, restore->intent, &copies) < 0)
		return -1;
	restore->copies = TRUE;
	return copies == NULL ? 0 :
		restore_selection(restore, copies, error, rows);
}

int lazy_expunge_restore(struct lazy_expunge_select *select,
			 const struct lazy_expunge_restore_params *params,
			 ARRAY_TYPE(lazy_expunge_restore_row) *rows)
{
	struct lazy_expunge_restore restore = {
		.select = select,
		.params = params,
	};
	const struct lazy_expunge_error *failed;
	struct lazy_expunge_error error;
	struct file_lock *lock = NULL;
	struct event_reason *reason;
	int ret;

	reason = event_reason_begin("lazy_expunge:restore");
	p_array_init(&restore.batch_back, select->pool, 8);
	i_array_init(&restore.wanted, 64);
	failed = restore_begin(&restore, &lock, &error) == 0 ? NULL : &error;
	ret = restore_selection(&restore, select, failed, rows);
	if (restore_copies(&restore, failed, rows) < 0)
		ret = -1;
	lazy_expunge_restore_guids_deinit(&restore.guids);
	array_free(&restore.wanted);
	lazy_expunge_restore_quota_deinit(&restore.quota);
	lazy_expunge_restore_intent_deinit(&restore.intent);
	lazy_expunge_undo_log_deinit(&restore.undo_log);
	file_lock_free(&lock);
	event_reason_end(&reason);
	return ret;
}
