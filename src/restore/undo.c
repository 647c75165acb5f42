/* Taking a restore back, mailbox by mailbox: the storage is committed first, and
   then the mailbox. */

#include "lib.h"
#include "array.h"
#include "file-lock.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "account/deletions.h"
#include "account/lock.h"
#include "account/storages.h"
#include "account/where-now.h"
#include "core/deletion.h"
#include "core/transactions.h"
#include "keep/destination.h"
#include "restore/lock.h"
#include "restore/undo-log.h"
#include "restore/storage-of.h"
#include "restore/undo.h"

struct undo {
	struct lazy_expunge_user *luser;
	pool_t pool;
	bool plan;
	uint32_t id;
	ARRAY_TYPE(lazy_expunge_restored) log;
	/* what was taken back of each deletion and mailbox */
	ARRAY_TYPE(lazy_expunge_deletion_taken) deletions;
	ARRAY_TYPE(lazy_expunge_deletion_mails) mailboxes;
	/* read when a mailbox is not where it was */
	ARRAY_TYPE(lazy_expunge_rename) renames;
};

/* A mailbox whose mails are taken back. */
struct undo_box {
	struct undo *undo;
	struct lazy_expunge_restore_row *row;
	struct mailbox *box;
	struct lazy_expunge_destination *dest;
	struct lazy_expunge_destination_transaction *dest_trans;
	struct mailbox_transaction_context *t;
	struct mail *mail;
	/* of this transaction */
	unsigned int count;
	ARRAY_TYPE(lazy_expunge_deletion_taken) deletions;
};

/* How many mails the restore had put there. */
static unsigned int row_mails(const struct undo *undo,
			      const struct lazy_expunge_restore_row *row)
{
	const struct lazy_expunge_restored *restored;
	unsigned int count = 0;

	array_foreach(&undo->log, restored) {
		if (strcmp(restored->target, row->origin) == 0)
			count += restored->last_uid - restored->first_uid + 1;
	}
	return count;
}

static void row_fail(struct undo_box *ubox, unsigned int count,
		     const struct lazy_expunge_error *error)
{
	struct lazy_expunge_restore_row *row = ubox->row;

	row->failed += count;
	if (row->error.text == NULL) {
		row->error.code = error->code;
		row->error.text = p_strdup(ubox->undo->pool, error->text);
	}
}

static bool mail_is_unchanged(struct mail *mail,
			      const struct lazy_expunge_restored *restored)
{
	struct lazy_expunge_restored now = *restored;

	lazy_expunge_undo_log_mail(mail, &now.flags, &now.keywords);
	return (mail_get_flags(mail) & MAIL_DELETED) == 0 &&
		lazy_expunge_restored_are_alike(&now, restored);
}

/* Returns 0 if ok, -1 and the error. */
static int undo_mail(struct undo_box *ubox,
		     const struct lazy_expunge_restored *restored,
		     struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_deletion deletion = {
		.mail = ubox->mail,
		.origin = *restored->origin == '\0' ? NULL : restored->origin,
		.via = restored->via,
		.id = restored->deletion,
	};

	if (!ubox->undo->plan) {
		if (lazy_expunge_destination_copy(ubox->dest_trans, &deletion,
						  error_r) < 0)
			return -1;
		mail_expunge(ubox->mail);
	}
	if (restored->deletion != 0) {
		lazy_expunge_deletion_add_taken(&ubox->deletions,
						restored->deletion, 1);
	}
	ubox->count++;
	return 0;
}

/* Returns 0 if ok, -1 and the error: nothing of the mailbox may be committed. */
static int undo_mails(struct undo_box *ubox, uint32_t uid_validity,
		      struct lazy_expunge_error *error_r)
{
	const struct lazy_expunge_restored *restored;
	int ret = 0;

	array_foreach(&ubox->undo->log, restored) {
		if (strcmp(restored->target, ubox->row->origin) != 0)
			continue;
		for (uint32_t uid = restored->first_uid; ret == 0 &&
		     uid <= restored->last_uid; uid++) T_BEGIN {
			if (uid_validity != restored->uid_validity ||
			    !mail_set_uid(ubox->mail, uid) ||
			    !mail_is_unchanged(ubox->mail, restored))
				ubox->row->skipped++;
			else
				ret = undo_mail(ubox, restored, error_r);
		} T_END_PASS_STR_IF(ret < 0, &error_r->text);
	}
	return ret;
}

static int undo_commit(struct undo_box *ubox,
		       struct lazy_expunge_error *error_r)
{
	if (lazy_expunge_destination_commit(&ubox->dest_trans, FALSE,
					    error_r) < 0) {
		mailbox_transaction_rollback(&ubox->t);
		return -1;
	}
	if (mailbox_transaction_commit(&ubox->t) < 0 ||
	    mailbox_sync(ubox->box, 0) < 0) {
		/* they are in both places: the next restore finds them */
		lazy_expunge_error_set_box(error_r, "Cannot clear", ubox->box);
		return -1;
	}
	return 0;
}

static void undo_count(struct undo_box *ubox)
{
	struct undo *undo = ubox->undo;
	const struct lazy_expunge_deletion_taken *taken;

	ubox->row->restored = ubox->count;
	if (undo->plan || ubox->count == 0)
		return;
	lazy_expunge_deletion_add_mails(&undo->mailboxes, undo->pool,
					ubox->row->origin, ubox->count);
	array_foreach(&ubox->deletions, taken) {
		lazy_expunge_deletion_add_taken(&undo->deletions, taken->id,
						taken->count);
	}
}

static void undo_open_box(struct undo_box *ubox)
{
	struct lazy_expunge_error error;
	struct mailbox_status status;
	int ret;

	mailbox_get_open_status(ubox->box, STATUS_UIDVALIDITY, &status);
	ubox->t = mailbox_transaction_begin(ubox->box, 0,
					    LAZY_EXPUNGE_TRANSACTION_UNDO);
	ubox->mail = mail_alloc(ubox->t, MAIL_FETCH_FLAGS, NULL);
	if (ubox->dest != NULL)
		ubox->dest_trans = lazy_expunge_destination_begin(ubox->dest);
	ret = undo_mails(ubox, status.uidvalidity, &error);
	mail_free(&ubox->mail);
	if (ret == 0 && ubox->dest_trans != NULL)
		ret = undo_commit(ubox, &error);
	else {
		lazy_expunge_destination_rollback(&ubox->dest_trans);
		mailbox_transaction_rollback(&ubox->t);
	}
	if (ret < 0)
		row_fail(ubox, ubox->count, &error);
	else
		undo_count(ubox);
}

/* How the mailbox is called now, NULL if it is gone. Who had its name last was
   renamed last; that it is another one is seen by its UIDVALIDITY. */
static const char *undo_find_box(struct undo *undo, const char *target)
{
	struct lazy_expunge_user *luser = undo->luser;
	const struct lazy_expunge_rename *rename, *last = NULL;
	const char *vname;

	if (lazy_expunge_where_exists(luser, target))
		return target;
	if (!array_is_created(&undo->renames)) {
		p_array_init(&undo->renames, undo->pool, 16);
		lazy_expunge_renamed_read(luser->user, undo->pool,
					  &undo->renames);
	}
	array_foreach(&undo->renames, rename) {
		if (strcmp(rename->old_name, target) == 0)
			last = rename;
	}
	vname = last == NULL ? NULL :
		lazy_expunge_where_now(luser, &undo->renames, last);
	return vname != NULL && lazy_expunge_where_exists(luser, vname) ?
		vname : NULL;
}

static void undo_box(struct undo *undo, struct lazy_expunge_restore_row *row)
{
	struct lazy_expunge_user *luser = undo->luser;
	struct undo_box ubox = { .undo = undo, .row = row };
	const unsigned int count = row_mails(undo, row);
	const char *vname = undo_find_box(undo, row->origin);
	struct mail_namespace *ns;
	struct lazy_expunge_storage *storage;
	struct lazy_expunge_error error;

	if (vname == NULL) {
		row->skipped += count;
		return;
	}
	p_array_init(&ubox.deletions, undo->pool, 4);
	ns = mail_namespace_find(luser->user->namespaces, vname);
	ubox.box = mailbox_alloc(ns->list, vname, MAILBOX_FLAG_IGNORE_ACLS);
	if (mailbox_open(ubox.box) < 0 ||
	    mailbox_sync(ubox.box, MAILBOX_SYNC_FLAG_FULL_READ) < 0) {
		lazy_expunge_error_set_box(&error, "Cannot open", ubox.box);
		row_fail(&ubox, count, &error);
	} else if ((storage = lazy_expunge_restore_storage_of(luser,
						ubox.box, &error)) == NULL) {
		row_fail(&ubox, count, &error);
	} else {
		row->target = p_strdup(undo->pool,
				       lazy_expunge_storage_vname(storage));
		if (!undo->plan) {
			ubox.dest = lazy_expunge_destination_open(luser,
						storage, ubox.box, &error);
		}
		if (!undo->plan && ubox.dest == NULL)
			row_fail(&ubox, count, &error);
		else
			undo_open_box(&ubox);
		lazy_expunge_destination_close(&ubox.dest);
	}
	mailbox_free(&ubox.box);
}

/* A row for each mailbox of the log. */
static void undo_rows(struct undo *undo,
		      ARRAY_TYPE(lazy_expunge_restore_row) *rows)
{
	const struct lazy_expunge_restored *restored;
	struct lazy_expunge_restore_row *row;
	bool found;

	array_foreach(&undo->log, restored) {
		found = FALSE;
		array_foreach_modifiable(rows, row) {
			if (strcmp(row->origin, restored->target) == 0)
				found = TRUE;
		}
		if (found)
			continue;
		row = array_append_space(rows);
		row->origin = restored->target;
		row->target = "";
	}
}

/* The record of the restore has less from now on. */
static void undo_record(struct undo *undo)
{
	ARRAY_TYPE(lazy_expunge_deletion_record) records;
	struct lazy_expunge_deletion_record *record;
	struct lazy_expunge_deletion_mails *mails;
	struct lazy_expunge_deletion_taken *taken;
	const struct lazy_expunge_deletion_mails *back;
	const struct lazy_expunge_deletion_taken *back_taken;
	const char *error;

	p_array_init(&records, undo->pool, 16);
	lazy_expunge_deletions_read(undo->luser->user, undo->pool, &records);
	array_foreach_modifiable(&records, record) {
		if (record->id != undo->id)
			continue;
		array_foreach_modifiable(&record->mails, mails) {
			array_foreach(&undo->mailboxes, back) {
				if (strcmp(mails->mailbox, back->mailbox) == 0)
					mails->count -= I_MIN(mails->count,
							      back->count);
			}
		}
		array_foreach_modifiable(&record->taken, taken) {
			array_foreach(&undo->deletions, back_taken) {
				if (taken->id == back_taken->id)
					taken->count -= I_MIN(taken->count,
							back_taken->count);
			}
		}
		/* this is all of it, also if its first line is lost */
		record->adds = FALSE;
		if (lazy_expunge_deletions_append(undo->luser->user, record,
						  &error) < 0) {
			e_warning(undo->luser->user->event, "lazy_expunge: "
				  "The restore cannot be remembered: %s",
				  error);
		}
		return;
	}
}

static int undo_run(struct undo *undo,
		    ARRAY_TYPE(lazy_expunge_restore_row) *rows,
		    struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_restore_row *row;
	const char *error;
	int ret = 0;

	if (!undo->plan &&
	    lazy_expunge_lock_get(undo->luser, LAZY_EXPUNGE_LOCK_TIMEOUT_SECS,
				  &error) <= 0) {
		error_r->code = MAIL_ERROR_INUSE;
		error_r->text = t_strdup_printf("Cannot lock the account: %s",
						error);
		return -1;
	}
	undo_rows(undo, rows);
	array_foreach_modifiable(rows, row) {
		T_BEGIN {
			undo_box(undo, row);
		} T_END;
		if (row->error.text != NULL)
			ret = -1;
	}
	if (!undo->plan) {
		lazy_expunge_lock_put(undo->luser);
		if (array_count(&undo->mailboxes) > 0)
			undo_record(undo);
	}
	return ret;
}

int lazy_expunge_undo(struct lazy_expunge_user *luser, const char *name,
		      bool plan, pool_t pool,
		      ARRAY_TYPE(lazy_expunge_restore_row) *rows,
		      struct lazy_expunge_error *error_r)
{
	struct undo undo = { .luser = luser, .pool = pool, .plan = plan };
	struct file_lock *lock = NULL;
	int ret;

	i_zero(error_r);
	undo.id = lazy_expunge_deletion_id_parse(name);
	p_array_init(&undo.log, pool, 16);
	p_array_init(&undo.deletions, pool, 4);
	p_array_init(&undo.mailboxes, pool, 4);
	if (!plan && lazy_expunge_restore_lock(luser, &lock, error_r) < 0)
		return -1;
	if (undo.id != 0 &&
	    lazy_expunge_undo_log_read(luser, pool, undo.id, &undo.log,
				       &error_r->text) < 0) {
		error_r->code = MAIL_ERROR_TEMP;
		ret = -1;
	} else if (array_count(&undo.log) == 0) {
		error_r->code = MAIL_ERROR_NOTFOUND;
		error_r->text = t_strdup_printf("There is no restore %s that "
						"can be taken back", name);
		ret = -1;
	} else {
		ret = undo_run(&undo, rows, error_r);
	}
	file_lock_free(&lock);
	return ret;
}
