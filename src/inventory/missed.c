/* What is missed: what passed, but for what would have expired by now. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "mail-namespace.h"
#include "account/passed.h"
#include "account/storage-list.h"
#include "account/storages.h"
#include "core/retention-rules.h"
#include "inventory/missed.h"
#include "settings/mailbox-blocks.h"

/* The longest retention so far, 0 = none is known, UINT_MAX = one has no end. */
struct missed_retention {
	struct lazy_expunge_storage *storage;
	unsigned int longest;
};

static int missed_retention_of(struct mail_namespace *ns, const char *vname,
			       void *context)
{
	struct missed_retention *retention = context;
	struct lazy_expunge_storage *storage = retention->storage;
	struct lazy_expunge_retention set;

	/* the mailbox that a storage of many need not have */
	if (lazy_expunge_storage_is_many(storage) &&
	    strcmp(vname, lazy_expunge_storage_open_vname(storage, ns,
				lazy_expunge_storage_vname(storage))) == 0)
		return 0;
	lazy_expunge_keep_time_get(ns, lazy_expunge_storage_is_many(storage) ?
		vname : lazy_expunge_storage_vname(storage), &set);
	if (set.autoexpunge == 0)
		retention->longest = UINT_MAX;
	else
		retention->longest = I_MAX(retention->longest, set.autoexpunge);
	return 0;
}

time_t lazy_expunge_missed_since(struct lazy_expunge_user *luser, time_t now)
{
	struct missed_retention retention = { .longest = 0 };
	struct lazy_expunge_storage *storage;
	enum mail_error code;
	const char *error;

	array_foreach_elem(lazy_expunge_user_storages(luser), storage) {
		if (storage->ns == NULL || storage->error != NULL)
			continue;
		retention.storage = storage;
		T_BEGIN {
			/* what fails here is said where the storage is
			   opened */
			(void)lazy_expunge_storage_list(luser, storage,
				missed_retention_of, &retention, &error, &code);
		} T_END;
	}
	return retention.longest == 0 || retention.longest == UINT_MAX ||
		now < (time_t)retention.longest ? 0 :
		now - (time_t)retention.longest;
}

void lazy_expunge_missed_read(struct lazy_expunge_user *luser, pool_t pool,
			      ARRAY_TYPE(lazy_expunge_passed) *missed)
{
	lazy_expunge_passed_read(luser->user, pool,
		lazy_expunge_missed_since(luser, ioloop_time), missed);
}
