#ifndef LAZY_EXPUNGE_HOLD_EXPIRE_H
#define LAZY_EXPUNGE_HOLD_EXPIRE_H

/* Retention of a storage in which mail is held. Dovecot's autoexpunge stops at
   the first mail that does not go, or tries it again without end. */

#include "lib.h"

struct lazy_expunge_cover;
struct lazy_expunge_retention;
struct mailbox;

/* Expunge what autoexpunge would at this time, but for what cover holds. vname
   is the configured name of the mailbox. Returns 0, or -1: the mailbox has the
   error. */
int lazy_expunge_hold_expire(struct mailbox *box, const char *vname,
			     struct lazy_expunge_cover *cover, time_t now);

#endif
