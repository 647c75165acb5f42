/* Spares flushes at the end of a commit, see the header. */

#include "lib.h"
#include "array.h"
#include "fdatasync-path.h"
#include "seq-range-array.h"
#include "mail-storage-private.h"
#include "mail-storage-settings.h"
#include "mdbox-storage.h"
#include "formats/commit-syncs.h"
#include "formats/format.h"

struct commit_syncs {
	union mailbox_module_context module_ctx;
	int (*super_pre)(struct mail_save_context *save_ctx);
	void (*super_post)(struct mail_save_context *save_ctx,
			   struct mail_index_transaction_commit_result *result);
	/* mdbox: copies are written to files */
	bool writes_files;
};

static MODULE_CONTEXT_DEFINE_INIT(commit_syncs_module,
				  &mail_storage_module_register);

#define COMMIT_SYNCS_CONTEXT(box) MODULE_CONTEXT(box, commit_syncs_module)

/* As mail_index_sync_commit() does with MAIL_INDEX_SYNC_FLAG_DROP_RECENT, when
   it finds the field behind. */
static void drop_recent(struct mailbox_transaction_context *t)
{
	const struct seq_range *last;
	uint32_t first_recent_uid;

	if (!array_is_created(&t->changes->saved_uids) ||
	    array_count(&t->changes->saved_uids) == 0)
		return;
	last = array_back(&t->changes->saved_uids);
	first_recent_uid = last->seq2 + 1;
	mail_index_update_header(t->itrans,
		offsetof(struct mail_index_header, first_recent_uid),
		&first_recent_uid, sizeof(first_recent_uid), FALSE);
}

/* The mails have their UIDs after this, and are not written yet. */
static int commit_syncs_save_commit_pre(struct mail_save_context *save_ctx)
{
	struct mailbox_transaction_context *t = save_ctx->transaction;
	struct commit_syncs *syncs = COMMIT_SYNCS_CONTEXT(t->box);

	if (syncs->super_pre(save_ctx) < 0)
		return -1;
	drop_recent(t);
	return 0;
}

/* Dovecot flushes the mailbox's directory, in which there is nothing new of files
   that were just renamed into this one. */
static void sync_files_dir(struct mailbox *box)
{
	const struct mdbox_storage *mstorage = MDBOX_STORAGE(box->storage);

	if (fdatasync_path(mstorage->storage_dir) < 0) {
		e_error(box->event, "lazy_expunge: fdatasync_path(%s) failed: "
			"%m", mstorage->storage_dir);
	}
}

static void
commit_syncs_save_commit_post(struct mail_save_context *save_ctx,
			      struct mail_index_transaction_commit_result *result)
{
	struct mailbox *box = save_ctx->transaction->box;
	struct mail_storage *storage = box->storage;
	struct commit_syncs *syncs = COMMIT_SYNCS_CONTEXT(box);
	const struct mail_storage_settings *set = storage->set;
	struct mail_storage_settings no_dir_set = *set;

	no_dir_set.parsed_fsync_mode = FSYNC_MODE_NEVER;
	/* who wants all to be flushed gets that */
	if (set->parsed_fsync_mode == FSYNC_MODE_OPTIMIZED &&
	    !syncs->writes_files &&
	    lazy_expunge_box_format(box) == LAZY_EXPUNGE_FORMAT_MDBOX)
		storage->set = &no_dir_set;
	syncs->super_post(save_ctx, result);
	storage->set = set;
	if (syncs->writes_files &&
	    set->parsed_fsync_mode != FSYNC_MODE_NEVER &&
	    lazy_expunge_box_format(box) == LAZY_EXPUNGE_FORMAT_MDBOX)
		sync_files_dir(box);
}

void lazy_expunge_commit_syncs_init(struct mailbox *box,
				    const struct mail_storage *source)
{
	enum lazy_expunge_format format = lazy_expunge_box_format(box);
	struct commit_syncs *syncs;

	if (format != LAZY_EXPUNGE_FORMAT_SDBOX &&
	    format != LAZY_EXPUNGE_FORMAT_MDBOX)
		return;
	syncs = p_new(box->pool, struct commit_syncs, 1);
	/* as mdbox_copy() decides it */
	syncs->writes_files = source != box->storage ||
		box->disable_reflink_copy_to;
	syncs->super_pre = box->v.transaction_save_commit_pre;
	syncs->super_post = box->v.transaction_save_commit_post;
	box->v.transaction_save_commit_pre = commit_syncs_save_commit_pre;
	box->v.transaction_save_commit_post = commit_syncs_save_commit_post;
	MODULE_CONTEXT_SET(box, commit_syncs_module, syncs);
}
