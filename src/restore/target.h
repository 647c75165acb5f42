#ifndef LAZY_EXPUNGE_RESTORE_TARGET_H
#define LAZY_EXPUNGE_RESTORE_TARGET_H

/* The mailbox that takes restored mails. */

#include "account/error.h"

struct lazy_expunge_user;

enum lazy_expunge_restore_target_flags {
	/* nothing is created: the mailbox is NULL then */
	LAZY_EXPUNGE_RESTORE_TARGET_PLAN	= 0x01,
	/* what the user may do does not count */
	LAZY_EXPUNGE_RESTORE_TARGET_IGNORE_ACLS	= 0x02,
	/* the name is what a mail says, which a user may have written: it is
	   believed if a delete of the user can have come from there */
	LAZY_EXPUNGE_RESTORE_TARGET_ORIGIN	= 0x04
};

/* Open the mailbox, and create and subscribe it when it is missing, as far as
   the user might do so. Returns 0 if ok, -1 and the error. */
int lazy_expunge_restore_target_open(struct lazy_expunge_user *luser,
				     const char *vname,
				     enum lazy_expunge_restore_target_flags flags,
				     struct mailbox **box_r,
				     struct lazy_expunge_error *error_r);

#endif
