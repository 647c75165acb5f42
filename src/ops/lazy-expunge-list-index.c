/* The index of the mailbox list, see the header. */

#include "lib.h"
#include "mail-index-private.h"
#include "mail-storage-private.h"
#include "mailbox-list-private.h"
#include "mailbox-list-index.h"
#include "lazy-expunge-list-index.h"

bool lazy_expunge_list_index_is_syncing(struct mailbox *box)
{
	struct mailbox_list_index *ilist = INDEX_LIST_CONTEXT(box->list);

	return ilist != NULL &&
		(ilist->syncing ||
		 (ilist->index != NULL && ilist->index->syncing));
}

bool lazy_expunge_list_index_suspend(struct mailbox *box)
{
	struct mailbox_list_index *ilist = INDEX_LIST_CONTEXT(box->list);

	if (ilist == NULL || ilist->updating_status ||
	    box->storage->set->mailbox_list_index_very_dirty_syncs)
		return FALSE;
	ilist->updating_status = TRUE;
	return TRUE;
}

void lazy_expunge_list_index_resume(struct mailbox *box)
{
	struct mailbox_list_index *ilist =
		INDEX_LIST_CONTEXT_REQUIRE(box->list);

	ilist->updating_status = FALSE;
}

void lazy_expunge_list_index_update(struct mailbox *box)
{
	if (INDEX_LIST_CONTEXT(box->list) != NULL)
		mailbox_list_index_status_sync_deinit(box);
}
