#ifndef LAZY_EXPUNGE_IDLE_H
#define LAZY_EXPUNGE_IDLE_H

/* Whether a user's maintenance has nothing to do, told without a look at any
   mailbox: the last look found nothing, nothing became due since, and neither
   the mailboxes nor the settings changed. Believed for a day at most. */

#include "account/error.h"

struct lazy_expunge_user;
struct lazy_expunge_stamp;
struct lazy_expunge_watch;

/* Returns TRUE if the stamp says so at the time now. */
bool lazy_expunge_idle_holds(struct lazy_expunge_user *luser,
			     const struct lazy_expunge_stamp *stamp,
			     time_t now);

/* The same, told without the settings: they are what they were when the stamp was
   written if the user's lookup is. */
bool lazy_expunge_idle_holds_by_lookup(const struct lazy_expunge_stamp *stamp,
				       const char *lookup, time_t now);

/* Call before a look at the mailboxes; sums: all of the storages matter, too. Free
   with lazy_expunge_watch_deinit(). */
struct lazy_expunge_watch *lazy_expunge_idle_begin(
	struct lazy_expunge_user *luser, time_t now, bool sums);
/* Call after a look at the time now that found nothing to do before next (0 =
   never): note it in the stamp, if it can be told. Texts live as long as the
   watch and the data stack. */
void lazy_expunge_idle_end(struct lazy_expunge_user *luser,
			   struct lazy_expunge_watch *watch, time_t now,
			   time_t next, struct lazy_expunge_stamp *stamp);

#endif
