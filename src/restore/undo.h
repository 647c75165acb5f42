#ifndef LAZY_EXPUNGE_RESTORE_UNDO_H
#define LAZY_EXPUNGE_RESTORE_UNDO_H

/* Taking a restore back: what it has put into mailboxes, and is there as it was
   put, goes into the storage again, with its origin and its deletion. It is deleted
   now: its retention begins anew. */

#include "account/user.h"
#include "restore/rows.h"

/* Take back the restore of this name, or with plan only count. Adds a row for
   each mailbox: its name is the origin, the storage the target, "restored" are
   those that are taken back, "skipped" those that were changed or are gone. Texts are
   allocated from the pool. Returns 0 if ok, -1 if some mail failed, as the rows say,
   or if nothing was done: then with the error. */
int lazy_expunge_undo(struct lazy_expunge_user *luser, const char *name,
		      bool plan, pool_t pool,
		      ARRAY_TYPE(lazy_expunge_restore_row) *rows,
		      struct lazy_expunge_error *error_r);

#endif
