/* See the header. */

#include "lib.h"
#include "mail-storage-private.h"
#include "formats/index-logs.h"

/* A request that is read here and not done is not read again: none may be. */
static void index_sync(struct mail_index *index)
{
	struct mail_index_optimization_settings set;
	struct mail_index_sync_ctx *sync;
	struct mail_index_view *view;
	struct mail_index_transaction *trans;
	struct mail_index_sync_rec rec;

	i_zero(&set);
	set.index.rewrite_max_log_bytes = 1;
	mail_index_set_optimization_settings(index, &set);
	if (mail_index_sync_begin(index, &sync, &view, &trans, 0) <= 0)
		return;
	if (mail_index_sync_next(sync, &rec))
		mail_index_sync_rollback(&sync);
	else
		(void)mail_index_sync_commit(&sync);
}

void lazy_expunge_index_logs_sync(struct mailbox *box)
{
	if (mailbox_sync(box, MAILBOX_SYNC_FLAG_FULL_READ) == 0)
		index_sync(box->index);
}
