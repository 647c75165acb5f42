#ifndef LAZY_EXPUNGE_RESTORE_LOCK_H
#define LAZY_EXPUNGE_RESTORE_LOCK_H

#include "account/error.h"

struct file_lock;
struct lazy_expunge_user;

/* Lock the restores of the user; free the lock with file_lock_free(). Returns 0 if
   ok, -1 and the error. */
int lazy_expunge_restore_lock(struct lazy_expunge_user *luser,
			      struct file_lock **lock_r,
			      struct lazy_expunge_error *error_r);

#endif
