#ifndef LAZY_EXPUNGE_HOLD_CHANGE_H
#define LAZY_EXPUNGE_HOLD_CHANGE_H

/* Set and release holds. The user's file is locked meanwhile, written anew as a
   whole, and on disk when these return. No mail is looked at. */

#include "account/error.h"
#include "core/hold-file.h"

struct lazy_expunge_user;

/* Set the hold: its mailboxes are found here. Refused if one of its name is in
   force. Returns 0, or -1 and the error. */
int lazy_expunge_hold_set(struct lazy_expunge_user *luser,
			  const struct lazy_expunge_hold *hold, time_t now,
			  struct lazy_expunge_error *error_r);
/* Release the hold of the name, which still holds for so many seconds. Returns
   0, or -1 and the error. *until_r is when that is over. */
int lazy_expunge_hold_release(struct lazy_expunge_user *luser,
			      const char *name, const char *by,
			      unsigned int grace_secs, time_t now,
			      time_t *until_r,
			      struct lazy_expunge_error *error_r);

#endif
