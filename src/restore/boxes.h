#ifndef LAZY_EXPUNGE_RESTORE_BOXES_H
#define LAZY_EXPUNGE_RESTORE_BOXES_H

/* Mailboxes that were deleted: those that had no mail are made again, and all get
   back what they were beside their mails. */

#include "account/user.h"
#include "restore/rows.h"

/* Those of the mailboxes that do not exist now. */
void lazy_expunge_restore_boxes_missing(struct lazy_expunge_user *luser,
					const ARRAY_TYPE(const_string) *boxes,
					ARRAY_TYPE(const_string) *missing);
/* These were missing: give those that exist now the metadata and the ACL that
   they had when they were deleted, by this deletion (0 = the last one). What fails is
   a warning. */
void lazy_expunge_restore_boxes_finish(struct lazy_expunge_user *luser,
				       uint32_t deletion,
				       const ARRAY_TYPE(const_string) *missing);
/* Make those of the mailboxes that are missing, or with plan see whether that can be
   done. Adds a row for each that no row has as its target. Returns 0 if ok, -1 if
   one could not be made, as its row says. Texts are allocated from the pool. */
int lazy_expunge_restore_boxes(struct lazy_expunge_user *luser,
			       const ARRAY_TYPE(const_string) *boxes, bool plan,
			       pool_t pool,
			       ARRAY_TYPE(lazy_expunge_restore_row) *rows);

#endif
