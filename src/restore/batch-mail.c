/* A mail of a batch goes to its target. */

#include "lib.h"
#include "array.h"
#include "mail-storage-private.h"
#include "account/storages.h"
#include "core/passed-lines.h"
#include "core/transactions.h"
#include "events/events.h"
#include "formats/live.h"
#include "inventory/select.h"
#include "keep/origin.h"
#include "restore/batch-mail.h"
#include "restore/intent.h"
#include "restore/plan-quota.h"
#include "restore/run.h"
#include "restore/undo-log.h"
#include "restore/wanted.h"

int lazy_expunge_restore_batch_guid(struct lazy_expunge_restore_batch *batch,
				    const struct lazy_expunge_select_mail *smail,
				    const char **guid_r,
				    struct lazy_expunge_wanted **wanted_r)
{
	struct lazy_expunge_restore *restore = batch->restore;

	*wanted_r = restore->copies ? NULL :
		array_idx_elem(&restore->wanted, smail - restore->mails);
	*guid_r = lazy_expunge_wanted_guid(*wanted_r);
	if (*guid_r != NULL)
		return 1;
	if (!mail_set_uid(batch->mail, smail->uid))
		return 0;
	if (mail_get_special(batch->mail, MAIL_FETCH_GUID, guid_r) < 0)
		return -1;
	*wanted_r = lazy_expunge_restore_guids_find(restore->guids, *guid_r);
	return 1;
}

bool lazy_expunge_restore_batch_has(struct lazy_expunge_restore_batch *batch,
				    struct lazy_expunge_wanted *wanted)
{
	struct lazy_expunge_restore *restore = batch->restore;
	uint32_t uid = lazy_expunge_wanted_uid(wanted);

	/* the mails of a virtual mailbox go without its index */
	if (uid != 0 && !restore->params->plan &&
	    (batch->live == NULL || restore->target->virtual_vfuncs != NULL ||
	     !lazy_expunge_live_has(batch->live, uid)))
		lazy_expunge_wanted_gone(wanted);
	return lazy_expunge_wanted_is_there(wanted);
}

static void batch_tell(struct lazy_expunge_restore_batch *batch,
		       const char *cause)
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
static bool batch_mail_is_it(struct lazy_expunge_restore_batch *batch,
			     const char *guid)
{
	const struct lazy_expunge_passed *passed = batch->smail->passed;
	guid_128_t guid_128;

	if (passed == NULL)
		return TRUE;
	mail_generate_guid_128_hash(guid, guid_128);
	return guid_128_equals(guid_128, passed->guid);
}

/* A user may have tried to delete it in the storage. */
static enum mail_flags restored_flags(struct lazy_expunge_restore_batch *batch)
{
	const struct lazy_expunge_passed *passed = batch->smail->passed;

	return (passed != NULL ? passed->flags : mail_get_flags(batch->mail)) &
		ENUM_NEGATE(MAIL_RECENT | MAIL_DELETED);
}

/* NULL if there are none. */
static struct mail_keywords *
restored_keywords(struct lazy_expunge_restore_batch *batch)
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
static void batch_set_back(struct lazy_expunge_restore_batch *batch)
{
	if (batch->smail->passed != NULL) {
		array_push_back(&batch->restore->batch_back,
				batch->smail->passed);
	}
}

/* The target has the mail: nothing else stays to be restored. */
static void batch_clear(struct lazy_expunge_restore_batch *batch)
{
	struct lazy_expunge_restore *restore = batch->restore;

	lazy_expunge_undo_log_cleared(restore->undo_log,
				      batch->smail->deletion);
	batch_set_back(batch);
	if (!restore->params->plan && batch->smail->passed == NULL)
		mail_expunge(batch->mail);
}

/* It is in the target with the commit. */
static void batch_count(struct lazy_expunge_restore_batch *batch)
{
	if (batch->smail->passed != NULL)
		batch->copied++;
	else
		batch->restored++;
}

/* Copy, and mark what is in the storage to be cleared. */
static int batch_copy(struct lazy_expunge_restore_batch *batch,
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

static int batch_move(struct lazy_expunge_restore_batch *batch,
		      struct lazy_expunge_wanted *wanted)
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
	lazy_expunge_wanted_copy(restore->guids, wanted);
	lazy_expunge_undo_log_add(restore->undo_log, restore->select,
				  batch->smail, batch->mail,
				  restore->row->target);
	batch_count(batch);
	batch_set_back(batch);
	return 0;
}

/* An interrupted restore left the mail in the target, perhaps without its
   flags. */
static int batch_complete(struct lazy_expunge_restore_batch *batch,
			  uint32_t uid)
{
	struct mailbox *target = batch->restore->target;
	struct mailbox_transaction_context *t;
	struct mail_keywords *keywords;
	struct mail *mail;
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

int lazy_expunge_restore_batch_mail(struct lazy_expunge_restore_batch *batch)
{
	struct lazy_expunge_restore *restore = batch->restore;
	struct lazy_expunge_wanted *wanted;
	struct lazy_expunge_error error;
	const char *guid;
	uint32_t uid;
	bool present;

	if (lazy_expunge_restore_batch_guid(batch, batch->smail, &guid,
					    &wanted) < 0) {
		batch->failed = "Cannot read";
		batch->failed_box = batch->box;
		return -1;
	}
	if (!batch_mail_is_it(batch, guid))
		return 0;
	present = lazy_expunge_restore_batch_has(batch, wanted);
	uid = lazy_expunge_wanted_uid(wanted);
	if (present && restore->intent != NULL && uid != 0 &&
	    lazy_expunge_restore_intent_has(restore->intent, guid,
					    restore->row->target,
					    batch->smail->passed != NULL)) {
		if (batch_complete(batch, uid) < 0)
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
		return batch_move(batch, wanted);
	if ((batch->smail->passed != NULL || batch->storage->quota_ignore) &&
	    lazy_expunge_restore_quota_try(restore->quota, batch->mail,
					   &error) < 0) {
		/* what fits is restored, and nothing is rolled back here */
		lazy_expunge_restore_row_fail(restore, 1, &error);
		return 0;
	}
	lazy_expunge_wanted_copy(restore->guids, wanted);
	batch_count(batch);
	return 0;
}
