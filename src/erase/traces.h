#ifndef LAZY_EXPUNGE_ERASE_TRACES_H
#define LAZY_EXPUNGE_ERASE_TRACES_H

/* What is left of mails in Dovecot's files when they are expunged. */

#include "account/error.h"

struct lazy_expunge_user;
struct mailbox;

/* Write the cache file of an open and synced mailbox anew: it has headers of mails
   that are gone, and of those that were moved elsewhere. Returns 0, or -1 and the
   error. */
int lazy_expunge_erase_cache(struct mailbox *box,
			     struct lazy_expunge_error *error_r);
/* Purge the mail storages, and write full-text indexes anew where there are any.
   Returns 0, or -1 and the error of the first that failed. */
int lazy_expunge_erase_traces(struct lazy_expunge_user *luser,
			      struct lazy_expunge_error *error_r);

#endif
