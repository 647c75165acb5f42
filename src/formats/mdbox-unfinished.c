/* Expunges that ended before mdbox was done with them, see the header. */

#include "lib.h"
#include "mail-index-private.h"
#include "mail-storage-private.h"
#include "dbox-storage.h"
#include "mdbox-storage.h"
#include "mdbox-map-private.h"
#include "formats/format.h"
#include "formats/list-index.h"
#include "formats/mdbox-unfinished.h"

/* As Dovecot tells it. A map that had to be mended for being read has lost what
   told. */
static bool is_unfinished(struct mail_index_sync_ctx *map_sync,
			  struct mail_index_view *map_view)
{
	uint32_t tail_seq, head_seq;
	uoff_t tail, head;

	mail_index_sync_get_offsets(map_sync, &tail_seq, &tail,
				    &head_seq, &head);
	return tail_seq != head_seq || tail != head ||
		(mail_index_get_header(map_view)->flags &
		 MAIL_INDEX_HDR_FLAG_FSCKD) != 0;
}

/* What a sync is asked to expunge and does not is not asked for again. Should
   this fail, so does the sync of who opens the mailbox. */
static void drop_requests(struct mailbox *box)
{
	struct mail_index_sync_ctx *sync;
	struct mail_index_view *view;
	struct mail_index_transaction *trans;
	struct mail_index_sync_rec rec;

	if (mail_index_sync_begin(box->index, &sync, &view, &trans,
				  MAIL_INDEX_SYNC_FLAG_AVOID_FLAG_UPDATES) <= 0)
		return;
	while (mail_index_sync_next(sync, &rec))
		;
	(void)mail_index_sync_commit(&sync);
}

void lazy_expunge_mdbox_unfinished_drop(struct mailbox *box)
{
	struct mail_index_sync_ctx *sync;
	struct mail_index_view *view;
	struct mail_index_transaction *trans;
	struct mdbox_storage *storage;
	struct mdbox_map *map;

	if (lazy_expunge_box_format(box) != LAZY_EXPUNGE_FORMAT_MDBOX ||
	    !mail_index_sync_have_any_expunges(box->index))
		return;
	storage = MDBOX_STORAGE(box->storage);
	map = storage->map;
	/* Some open a mailbox while they hold the lock of one of these, and a
	   rebuild of the storage does; the holder of the map's may wait for
	   that of the list's index. */
	if (lazy_expunge_list_index_is_syncing(box) || box->index->syncing ||
	    mdbox_map_open(map) <= 0 || map->index->syncing)
		return;
	/* the lock that who expunges holds until the map's log is read */
	if (mail_index_sync_begin(map->index, &sync, &view, &trans,
				  MAIL_INDEX_SYNC_FLAG_UPDATE_TAIL_OFFSET) <= 0)
		return;
	if (is_unfinished(sync, view))
		drop_requests(box);
	mail_index_sync_rollback(&sync);
}
