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

/* As mdbox_map_atomic_lock() looks at it, and under the same lock: who expunges
   holds it until the map's log is read to its end. A map that had to be mended
   for being read has lost what told. */
static bool map_is_unfinished(struct mdbox_map *map)
{
	struct mail_index_sync_ctx *ctx;
	struct mail_index_view *view;
	struct mail_index_transaction *trans;
	uint32_t tail_seq, head_seq;
	uoff_t tail, head;
	bool mended;

	if (mail_index_sync_begin(map->index, &ctx, &view, &trans,
				  MAIL_INDEX_SYNC_FLAG_UPDATE_TAIL_OFFSET) <= 0)
		return FALSE;
	mail_index_sync_get_offsets(ctx, &tail_seq, &tail, &head_seq, &head);
	mended = (mail_index_get_header(view)->flags &
		  MAIL_INDEX_HDR_FLAG_FSCKD) != 0;
	mail_index_sync_rollback(&ctx);
	return mended || tail_seq != head_seq || tail != head;
}

void lazy_expunge_mdbox_unfinished_repair(struct mailbox *box)
{
	struct mdbox_storage *storage;

	if (lazy_expunge_box_format(box) != LAZY_EXPUNGE_FORMAT_MDBOX ||
	    !mail_index_sync_have_any_expunges(box->index))
		return;
	storage = MDBOX_STORAGE(box->storage);
	/* what opens a mailbox under the lock of the map, or of the list's
	   index, for which the holder of the map's may wait */
	if (storage->rebuilding_storage ||
	    lazy_expunge_list_index_is_syncing(box) ||
	    mdbox_map_open(storage->map) <= 0 ||
	    storage->map->index->syncing || !map_is_unfinished(storage->map))
		return;
	if (mailbox_sync(box, MAILBOX_SYNC_FLAG_FORCE_RESYNC |
			 MAILBOX_SYNC_FLAG_FIX_INCONSISTENT) < 0) {
		e_debug(box->event, "lazy_expunge: Cannot repair the storage: "
			"%s", mailbox_get_last_internal_error(box, NULL));
	}
}
