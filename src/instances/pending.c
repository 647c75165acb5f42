/* Open expunges of this process, by transaction. There are few transactions at
   once: an array of them is enough. */

#include "lib.h"
#include "array.h"
#include "seq-range-array.h"
#include "mail-storage-private.h"
#include "account/user.h"
#include "instances/pending.h"

struct pending_transaction {
	struct mailbox_transaction_context *t;
	/* zero if it is not known: may be any mailbox */
	guid_128_t mailbox_guid;
	ARRAY_TYPE(seq_range) uids;
};

struct pending_user {
	union mail_user_module_context module_ctx;
	/* not created while there are none */
	ARRAY(struct pending_transaction) transactions;
};

#define PENDING_USER_CONTEXT(obj) \
	MODULE_CONTEXT(obj, lazy_expunge_pending_module)

static MODULE_CONTEXT_DEFINE_INIT(lazy_expunge_pending_module,
				  &mail_user_module_register);

static void pending_deinit(struct lazy_expunge_user *luser ATTR_UNUSED,
			   void *context)
{
	struct pending_user *pending = context;
	struct pending_transaction *pt;

	array_foreach_modifiable(&pending->transactions, pt)
		array_free(&pt->uids);
	array_free(&pending->transactions);
}

static struct pending_user *pending_get(struct lazy_expunge_user *luser)
{
	struct pending_user *pending = PENDING_USER_CONTEXT(luser->user);

	if (pending == NULL) {
		pending = p_new(luser->user->pool, struct pending_user, 1);
		MODULE_CONTEXT_SET(luser->user, lazy_expunge_pending_module,
				   pending);
	}
	if (!array_is_created(&pending->transactions)) {
		i_array_init(&pending->transactions, 4);
		lazy_expunge_user_on_deinit(luser, pending_deinit, pending);
	}
	return pending;
}

/* NULL if there never were any. */
static struct pending_user *pending_find(struct lazy_expunge_user *luser)
{
	struct pending_user *pending = PENDING_USER_CONTEXT(luser->user);

	return pending == NULL || !array_is_created(&pending->transactions) ?
		NULL : pending;
}

void lazy_expunge_pending_add(struct lazy_expunge_user *luser,
			      struct mailbox_transaction_context *t,
			      uint32_t uid)
{
	struct pending_user *pending = pending_get(luser);
	struct pending_transaction *pt;
	struct mailbox_metadata metadata;

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

void lazy_expunge_pending_remove(struct lazy_expunge_user *luser,
				 struct mailbox_transaction_context *t)
{
	struct pending_user *pending = pending_find(luser);
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

bool lazy_expunge_pending_has(struct lazy_expunge_user *luser,
			      const guid_128_t mailbox_guid, uint32_t uid)
{
	const struct pending_user *pending = pending_find(luser);
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
