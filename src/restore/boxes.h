#ifndef LAZY_EXPUNGE_RESTORE_BOXES_H
#define LAZY_EXPUNGE_RESTORE_BOXES_H

/* Mailboxes that had no mail when they were deleted: they are made again. */

#include "account/user.h"
#include "restore/rows.h"

/* Make those of the mailboxes that are missing, or with plan see whether that can be
   done. Adds a row for each that no row has as its target. Returns 0 if ok, -1 if
   one could not be made, as its row says. Texts are allocated from the pool. */
int lazy_expunge_restore_boxes(struct lazy_expunge_user *luser,
			       const ARRAY_TYPE(const_string) *boxes, bool plan,
			       pool_t pool,
			       ARRAY_TYPE(lazy_expunge_restore_row) *rows);

#endif
