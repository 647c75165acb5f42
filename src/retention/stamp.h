#ifndef LAZY_EXPUNGE_STAMP_H
#define LAZY_EXPUNGE_STAMP_H

/* The time and outcome of a user's last maintenance, in a file of the user that
   monitoring may read. */

#include "core/stamp-lines.h"

struct mail_user;

#define LAZY_EXPUNGE_STAMP_FNAME "dovecot.lazy-expunge.maintain"

/* Returns 1 if read, 0 if there is none (or no place for it), -1 and the
   error. Texts are on the data stack. */
int lazy_expunge_stamp_read(struct mail_user *user,
			    struct lazy_expunge_stamp *stamp_r,
			    const char **error_r);
/* Returns 0 if ok or there is no place for it, -1 and the error. */
int lazy_expunge_stamp_write(struct mail_user *user,
			     const struct lazy_expunge_stamp *stamp,
			     const char **error_r);
/* Change the time alone. Returns the same. */
int lazy_expunge_stamp_touch(struct mail_user *user, time_t now,
			     const char **error_r);

/* The same two for a user of whom nothing but the home is known, where it is
   with every user who has one. */
int lazy_expunge_stamp_read_in(const char *home,
			       struct lazy_expunge_stamp *stamp_r,
			       const char **error_r);
int lazy_expunge_stamp_touch_in(const char *home, time_t now,
				const char **error_r);

#endif
