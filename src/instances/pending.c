/* Open expunges of this process, by transaction. There are few transactions at
   once: an array of them is enough. */

#include "lib.h"
#include "array.h"
#include "seq-range-array.h"
#include "mail-storage-private.h"
#include "instances/pending.h"

struct pending_transaction {
	struct mailbox_transaction_context *t;
	/* zero if it is not known: may be any mailbox */
	guid_128_t mailbox_guid;
	ARRAY_TYPE(seq_range) uids;
};

struct lazy_expunge_pending {
	ARRAY(struct pending_transaction) transactions;
};

void lazy_expunge_pending_add(struct lazy_expunge_pending **_pending,
			      struct mailbox_transaction_context *t,
			      uint32_t uid)
{
	struct lazy_expunge_pending *pending = *_pending;
	struct pending_transaction *pt;
	struct mailbox_metadata metadata;

	if (pending == NULL) {
		pending = *_pending = i_new(struct lazy_expunge_pending, 1);
		i_array_init(&pending->transactions, 4);
	}
	array_foreach_modifiable(&pending->transactions, pt) {
		if (pt->t == t) {
			seq_range_array_add(&pt->uids, uid);
			return;
		}
	}
	pt = array_append_space(&pending->transactions);
	pt->t = t;
	if (mailbox_get_metadata(t->box, MAILBOX_METADATA_GUID, &metadata) == 0)
		guid_128_copy(pt->mailbox_guid, metadata.guid);
	i_array_init(&pt->uids, 16);
	seq_range_array_add(&pt->uids, uid);
}

void lazy_expunge_pending_remove(struct lazy_expunge_pending *pending,
				 struct mailbox_transaction_context *t)
{
	struct pending_transaction *pt;

	if (pending == NULL)
		return;
	array_foreach_modifiable(&pending->transactions, pt) {
		if (pt->t == t) {
			array_free(&pt->uids);
			array_delete(&pending->transactions,
				array_foreach_idx(&pending->transactions, pt),
				1);
			return;
		}
	}
}

bool lazy_expunge_pending_has(struct lazy_expunge_pending *pending,
			      const guid_128_t mailbox_guid, uint32_t uid)
{
	const struct pending_transaction *pt;

	if (pending == NULL)
		return FALSE;
	array_foreach(&pending->transactions, pt) {
		if ((guid_128_equals(pt->mailbox_guid, mailbox_guid) ||
		     guid_128_is_empty(pt->mailbox_guid)) &&
		    seq_range_exists(&pt->uids, uid))
			return TRUE;
	}
	return FALSE;
}

void lazy_expunge_pending_deinit(struct lazy_expunge_pending **_pending)
{
	struct lazy_expunge_pending *pending = *_pending;
	struct pending_transaction *pt;

	if (pending == NULL)
		return;
	*_pending = NULL;
	array_foreach_modifiable(&pending->transactions, pt)
		array_free(&pt->uids);
	array_free(&pending->transactions);
	i_free(pending);
}
