#ifndef LAZY_EXPUNGE_RESTORE_TARGET_H
#define LAZY_EXPUNGE_RESTORE_TARGET_H

/* The mailbox that takes restored mails. */

#include "account/error.h"

struct lazy_expunge_user;

/* Open the mailbox, and create and subscribe it when it is missing. With plan
   it is not created: *box_r is NULL then. Returns 0 if ok, -1 and the error. */
int lazy_expunge_restore_target_open(struct lazy_expunge_user *luser,
				     const char *vname, bool plan,
				     struct mailbox **box_r,
				     struct lazy_expunge_error *error_r);

#endif
