/* Spares flushes at the end of a commit, see the header. */

#include "lib.h"
#include "mail-index-private.h"
#include "mail-storage-private.h"
#include "mail-storage-settings.h"
#include "formats/commit-syncs.h"

struct commit_syncs {
	union mailbox_module_context module_ctx;
	void (*super)(struct mail_save_context *save_ctx,
		      struct mail_index_transaction_commit_result *result);
	/* mdbox: files were written since the last commit */
	bool wrote_files;
};

static MODULE_CONTEXT_DEFINE_INIT(commit_syncs_module,
				  &mail_storage_module_register);

#define COMMIT_SYNCS_CONTEXT(box) MODULE_CONTEXT(box, commit_syncs_module)

/* The log has the mails already, and was flushed (by
   mail_index_transaction_commit(), within which this is called). */
static void
commit_syncs_save_commit_post(struct mail_save_context *save_ctx,
			      struct mail_index_transaction_commit_result *result)
{
	struct mailbox *box = save_ctx->transaction->box;
	struct mail_storage *storage = box->storage;
	struct commit_syncs *syncs = COMMIT_SYNCS_CONTEXT(box);
	const struct mail_storage_settings *set = storage->set;
	const struct mail_index_settings *index_set = &box->index->set;
	enum fsync_mode mode = index_set->fsync_mode;
	enum mail_index_fsync_mask mask = index_set->fsync_mask;
	struct mail_storage_settings no_dir_set = *set;

	no_dir_set.parsed_fsync_mode = FSYNC_MODE_NEVER;
	/* who wants all to be flushed gets that */
	if (mode == FSYNC_MODE_OPTIMIZED) {
		mail_index_set_fsync_mode(box->index, FSYNC_MODE_NEVER, 0);
		if (!syncs->wrote_files && strcmp(storage->name, "mdbox") == 0)
			storage->set = &no_dir_set;
	}
	syncs->super(save_ctx, result);
	mail_index_set_fsync_mode(box->index, mode, mask);
	storage->set = set;
	syncs->wrote_files = FALSE;
}

void lazy_expunge_commit_syncs_init(struct mailbox *box)
{
	struct commit_syncs *syncs;

	if (strcmp(box->storage->name, "sdbox") != 0 &&
	    strcmp(box->storage->name, "mdbox") != 0)
		return;
	syncs = p_new(box->pool, struct commit_syncs, 1);
	syncs->super = box->v.transaction_save_commit_post;
	box->v.transaction_save_commit_post = commit_syncs_save_commit_post;
	MODULE_CONTEXT_SET(box, commit_syncs_module, syncs);
}

void lazy_expunge_commit_syncs_copied(struct mailbox *box,
				      struct mailbox *source)
{
	struct commit_syncs *syncs = COMMIT_SYNCS_CONTEXT(box);

	/* as mdbox_copy() decides it */
	if (syncs != NULL && (source->storage != box->storage ||
			      box->disable_reflink_copy_to))
		syncs->wrote_files = TRUE;
}
