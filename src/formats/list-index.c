/* The index of the mailbox list, see the header. */

#include "lib.h"
#include "mail-index-private.h"
#include "mail-storage-private.h"
#include "mailbox-list-private.h"
#include "mailbox-list-index.h"
#include "formats/list-index.h"

#include <sys/stat.h>

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

time_t lazy_expunge_list_index_first_saved(struct mailbox *box,
					   struct mail_index_view *list_view,
					   uint32_t seq)
{
	struct mailbox_list_index *ilist =
		INDEX_LIST_CONTEXT_REQUIRE(box->list);
	struct mailbox_index_first_saved first;
	const void *data;
	bool expunged;

	mail_index_lookup_ext(list_view, seq, ilist->first_saved_ext_id,
			      &data, &expunged);
	if (data == NULL)
		return 0;
	memcpy(&first, data, sizeof(first));
	/* without a UID the mailbox was empty */
	return first.uid == 0 || first.timestamp == (uint32_t)-1 ? 0 :
		(time_t)first.timestamp;
}

time_t lazy_expunge_list_index_log_time(struct mailbox_list *list,
					const char *storage_name)
{
	const char *path;
	struct stat st;

	if (mailbox_list_get_path(list, storage_name,
				  MAILBOX_LIST_PATH_TYPE_INDEX, &path) <= 0)
		return 0;
	path = t_strconcat(path, "/"MAIL_INDEX_PREFIX".log", NULL);
	return stat(path, &st) < 0 ? 0 : st.st_mtime;
}
