#ifndef LAZY_EXPUNGE_RESTORE_PLAN_TARGET_H
#define LAZY_EXPUNGE_RESTORE_PLAN_TARGET_H

/* The target in a plan of restore: would it do? Nothing is made for that. */

#include "account/error.h"
#include "account/user.h"

/* Could the mailbox, which does not exist, be created? Returns 0 if so, -1 and
   the error if not. */
int lazy_expunge_restore_plan_create(struct mailbox *box,
				     struct lazy_expunge_error *error_r);
/* Could mail be saved to the open mailbox? Returns 0 if so, -1 and the error if
   not. */
int lazy_expunge_restore_plan_save(struct mailbox *box,
				   struct lazy_expunge_error *error_r);

#endif
