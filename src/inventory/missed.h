#ifndef LAZY_EXPUNGE_INVENTORY_MISSED_H
#define LAZY_EXPUNGE_INVENTORY_MISSED_H

/* Mails that were deleted in a mailbox and are in no storage for it, because a
   copy lived (account/passed.h). */

#include "account/user.h"
#include "core/passed-lines.h"

/* What passed at this time or later does not expire yet, by the retention of the
   user's storages: 0 if they have none. */
time_t lazy_expunge_missed_since(struct lazy_expunge_user *luser, time_t now);
/* Read what is not back in its mailbox, nor would have expired by now. Texts are
   allocated from the pool. */
void lazy_expunge_missed_read(struct lazy_expunge_user *luser, pool_t pool,
			      ARRAY_TYPE(lazy_expunge_passed) *missed);

#endif
