/* Transactions: the destination is committed first, then the source; when
   anything fails, both are rolled back and the source's error says why. */

#include "lib.h"
#include "array.h"
#include "mail-storage-private.h"
#include "core/deletion.h"
#include "events/events.h"
#include "hold/cover.h"
#include "account/lock.h"
#include "account/trail.h"
#include "formats/live.h"
#include "formats/mdbox-mark.h"
#include "formats/refcount.h"
#include "formats/sdbox-files.h"
#include "instances/look.h"
#include "instances/pending.h"
#include "instances/supersede.h"
#include "hooks/catalog-hooks.h"
#include "hooks/context.h"
#include "hooks/deletion-hooks.h"
#include "hooks/kept.h"
#include "hooks/move.h"
#include "hooks/trail-hooks.h"
#include "account/storages.h"
#include "hooks/transaction.h"

#define ERROR_CANNOT_KEEP \
	"Deleted mail cannot be kept at the moment, so it was not deleted"

static void transaction_free(struct lazy_expunge_transaction *lt,
			     struct mailbox_transaction_context *t,
			     bool committed)
{
	struct lazy_expunge_user *luser = lt->lbox->luser;

	lazy_expunge_events_deinit(&lt->events, committed);
	lazy_expunge_deletion_finish(lt, committed);
	if (committed)
		lazy_expunge_catalog_committed(lt);
	lazy_expunge_pending_remove(luser, t);
	lazy_expunge_live_deinit(&lt->live);
	lazy_expunge_cover_deinit(&lt->cover);
	lazy_expunge_trail_steps_deinit(&lt->trail_steps);
	if (lt->locked) {
		lazy_expunge_instances_close(luser);
		lazy_expunge_lock_put(luser);
	}
	array_free(&lt->kept_uids);
	array_free(&lt->linked_uids);
	pool_unref(&lt->pool);
	i_free(lt->error_text);
	i_free(lt);
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
		if (lt->set->only_last_instance)
			lazy_expunge_refcount_refresh(luser, lt->t->box);
		return;
	}
	/* Without the lock nothing may be believed of other instances, and
	   so everything is kept: never a loss, at worst a duplicate. */
	e_debug(lt->t->box->event, "lazy_expunge: Account not locked, all "
		"deleted mail is kept: %s", error);
}

bool lazy_expunge_transaction_lock(struct lazy_expunge_transaction *lt)
{
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

void lazy_expunge_transaction_lock_and_refresh(
	struct lazy_expunge_transaction *lt)
{
	struct mailbox *box = lt->t->box;
	const char *error;

	transaction_lock(lt);
	if (!lt->live_tried) {
		lt->live_tried = TRUE;
		lt->live = lazy_expunge_live_init(box, &error);
		if (lt->live == NULL) {
			e_debug(box->event, "lazy_expunge: Latest state "
				"of the mailbox is unknown: %s", error);
		}
	}
	lt->deleted = transaction_fail_if_deleted(lt);
}

bool lazy_expunge_transaction_is_gone(struct lazy_expunge_transaction *lt,
				      uint32_t uid)
{
	/* what cannot be told is taken as there: it is kept */
	return lt->deleted ||
		(lt->live != NULL && !lazy_expunge_live_has(lt->live, uid));
}

static int transaction_open_dest(struct lazy_expunge_transaction *lt,
				 struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_mailbox *lbox = lt->lbox;
	struct lazy_expunge_storage *storage;

	if (lt->dest_trans != NULL)
		return 0;
	if (lbox->dest != NULL && !lazy_expunge_destination_is_valid(lbox->dest))
		lazy_expunge_destination_close(&lbox->dest);
	if (lbox->dest == NULL) {
		storage = lazy_expunge_user_storage_find(lbox->luser,
							 lt->set->storage);
		if (storage == NULL) {
			error_r->code = MAIL_ERROR_UNAVAILABLE;
			error_r->text = t_strdup_printf(
				"lazy_expunge_mailbox = %s is not known for "
				"this user", lt->set->storage);
			return -1;
		}
		lbox->dest = lazy_expunge_destination_open(lbox->luser, storage,
							   lt->t->box, error_r);
		if (lbox->dest == NULL)
			return -1;
		lbox->dest_vname = lazy_expunge_mailbox_vname(
			lazy_expunge_destination_get_box(lbox->dest));
	}
	lt->dest_trans = lazy_expunge_destination_begin(lbox->dest);
	return 0;
}

/* Mails that may have been in the storage already, from before they were copied
   out of it: only the newest instance stays. */
static void transaction_supersede(struct lazy_expunge_transaction *lt)
{
	const char *guid;

	if (!array_is_created(&lt->kept_guids))
		return;
	array_foreach_elem(&lt->kept_guids, guid) T_BEGIN {
		lazy_expunge_instances_supersede(lt->lbox->luser, guid,
					lazy_expunge_deletion_superseded, lt);
	} T_END;
}

void lazy_expunge_transaction_fail_keep(
	struct lazy_expunge_transaction *lt,
	const struct lazy_expunge_error *error)
{
	enum mail_error code = error->code;

	/* the client learns that it may try again, or that it is out of
	   space; the cause is for the log */
	if (code != MAIL_ERROR_NOQUOTA)
		code = MAIL_ERROR_UNAVAILABLE;
	lazy_expunge_transaction_fail(lt->t, code, ERROR_CANNOT_KEEP);
}

static void transaction_remember_guid(struct lazy_expunge_transaction *lt,
				      struct lazy_expunge_deletion *deletion)
{
	const char *guid;

	if (!lt->locked || !lt->set->only_last_instance ||
	    deletion->only_copy == LAZY_EXPUNGE_ONLY_COPY_YES)
		return;
	if (deletion->guid == NULL &&
	    mail_get_special(deletion->mail, MAIL_FETCH_GUID,
			     &deletion->guid) < 0)
		return;
	if (lt->pool == NULL) {
		lt->pool = pool_alloconly_create("lazy_expunge guids", 1024);
		p_array_init(&lt->kept_guids, lt->pool, 16);
	}
	guid = p_strdup(lt->pool, deletion->guid);
	array_push_back(&lt->kept_guids, &guid);
}

/* The index has the mail and its file is gone: also when the mailbox was renamed
   meanwhile, and the file with it. Returns TRUE if it was expunged. */
static bool transaction_find_gone(struct lazy_expunge_transaction *lt)
{
	bool refreshed = mail_index_refresh(lt->t->box->index) == 0;

	lt->deleted = transaction_fail_if_deleted(lt);
	return refreshed && !lt->deleted;
}

int lazy_expunge_transaction_keep(struct lazy_expunge_transaction *lt,
				  struct lazy_expunge_deletion *deletion,
				  struct lazy_expunge_error *error_r)
{
	struct mail *mail = deletion->mail;
	int ret = -1;

	i_zero(error_r);
	if (transaction_open_dest(lt, error_r) == 0) {
		if (lt->from_trash) {
			deletion->origin = lazy_expunge_trail_before(lt,
								mail->uid);
		}
		lazy_expunge_deletion_number(lt, deletion);
		ret = lazy_expunge_destination_copy(lt->dest_trans, deletion,
						    error_r);
	}
	if (ret < 0)
		return error_r->code == MAIL_ERROR_EXPUNGED &&
			transaction_find_gone(lt) ? 1 : -1;
	if (ret > 0)
		seq_range_array_add(&lt->linked_uids, mail->uid);
	seq_range_array_add(&lt->kept_uids, mail->uid);
	lazy_expunge_deletion_kept(lt, deletion);
	transaction_remember_guid(lt, deletion);
	lazy_expunge_pending_add(lt->lbox->luser, lt->t, mail->uid);
	return 0;
}

void lazy_expunge_transaction_pass(struct lazy_expunge_transaction *lt,
				   uint32_t uid)
{
	lazy_expunge_pending_add(lt->lbox->luser, lt->t, uid);
}

static int transaction_commit_dest(struct lazy_expunge_transaction *lt)
{
	struct mailbox *box = lt->t->box;
	struct lazy_expunge_error error;
	bool lossy;

	if (lt->dest_trans == NULL)
		return 0;
	lossy = lt->set->on_failure == LAZY_EXPUNGE_ON_FAILURE_EXPUNGE;
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
	lazy_expunge_transaction_fail_keep(lt, &error);
	return -1;
}

void lazy_expunge_transaction_forget_error(struct lazy_expunge_user *luser)
{
	struct lazy_expunge_hooks_user *huser =
		LAZY_EXPUNGE_HOOKS_USER_REQUIRE(luser->user);

	i_free(huser->commit_error);
}

void lazy_expunge_transaction_repeat_error(struct lazy_expunge_user *luser,
					   struct mailbox *box)
{
	struct lazy_expunge_hooks_user *huser =
		LAZY_EXPUNGE_HOOKS_USER_REQUIRE(luser->user);

	if (huser->commit_error != NULL) {
		mail_storage_set_error(box->storage, huser->commit_error_code,
				       huser->commit_error);
	}
}

/* The backend transactions of a virtual mailbox fail without their error
   reaching it. */
static int virtual_transaction_commit(
	struct mailbox_transaction_context *t,
	struct mail_transaction_commit_changes *changes_r)
{
	struct mailbox *box = t->box;
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);

	lazy_expunge_transaction_forget_error(lbox->luser);
	if (lbox->module_ctx.super.transaction_commit(t, changes_r) == 0)
		return 0;
	lazy_expunge_transaction_repeat_error(lbox->luser, box);
	return -1;
}

static void transaction_say_error(struct lazy_expunge_transaction *lt,
				  struct mailbox *box)
{
	struct lazy_expunge_hooks_user *huser =
		LAZY_EXPUNGE_HOOKS_USER_REQUIRE(lt->lbox->luser->user);

	mail_storage_set_error(box->storage, lt->error_code,
			       lt->error_text);
	i_free(huser->commit_error);
	huser->commit_error = i_strdup(lt->error_text);
	huser->commit_error_code = lt->error_code;
}

static int
transaction_commit_source(struct lazy_expunge_transaction *lt,
			  struct mail_transaction_commit_changes *changes_r)
{
	struct mailbox_transaction_context *t = lt->t;
	struct mailbox *box = t->box;
	const bool has_copies = lazy_expunge_move_has_copies(t);
	bool marked;
	int ret;

	marked = has_copies && lazy_expunge_unclean_begin(box);
	ret = lt->lbox->module_ctx.super.transaction_commit(t, changes_r);
	if (marked)
		lazy_expunge_unclean_end(box);
	if (ret == 0) {
		lazy_expunge_kept_committed(box, changes_r);
		lazy_expunge_catalog_saved(box, changes_r);
		lazy_expunge_trail_committed(lt, changes_r);
		transaction_supersede(lt);
	}
	lazy_expunge_move_finish(box, t, ret == 0 && (!has_copies ||
		lazy_expunge_saved_are_there(box, changes_r)));
	return ret;
}

int lazy_expunge_transaction_commit(
	struct mailbox_transaction_context *t,
	struct mail_transaction_commit_changes *changes_r)
{
	struct mailbox *box = t->box;
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	struct lazy_expunge_transaction *lt = LAZY_EXPUNGE_CONTEXT(t);
	int ret;

	if (lbox->is_virtual)
		return virtual_transaction_commit(t, changes_r);
	if (lt == NULL) {
		ret = lbox->module_ctx.super.transaction_commit(t, changes_r);
		if (ret == 0) {
			lazy_expunge_kept_committed(box, changes_r);
			lazy_expunge_catalog_saved(box, changes_r);
		}
		return ret;
	}

	lazy_expunge_move_check(t);
	if (lt->failed)
		lazy_expunge_destination_rollback(&lt->dest_trans);
	if (!lt->failed && transaction_commit_dest(lt) == 0)
		ret = transaction_commit_source(lt, changes_r);
	else {
		lbox->module_ctx.super.transaction_rollback(t);
		transaction_say_error(lt, box);
		lazy_expunge_move_finish(box, t, FALSE);
		ret = -1;
	}
	transaction_free(lt, t, ret == 0);
	return ret;
}

void lazy_expunge_transaction_rollback(struct mailbox_transaction_context *t)
{
	struct mailbox *box = t->box;
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	struct lazy_expunge_transaction *lt = LAZY_EXPUNGE_CONTEXT(t);

	if (lt != NULL)
		lazy_expunge_destination_rollback(&lt->dest_trans);
	lbox->module_ctx.super.transaction_rollback(t);
	if (lt == NULL)
		return;
	lazy_expunge_move_finish(box, t, FALSE);
	transaction_free(lt, t, FALSE);
}
