#ifndef LAZY_EXPUNGE_STORAGE_CAP_H
#define LAZY_EXPUNGE_STORAGE_CAP_H

/* lazy_expunge_max_storage, which on 2.4 a filter may set for a storage. */

#include "account/error.h"
#include "account/user.h"

/* The byte cap of the mailbox of a storage that is shown as vname. Returns 0 if it is
   the user's, over all storages, 1 if it is another, and whether that is over the
   whole storage or the mailbox alone, -1 and the error. */
int lazy_expunge_storage_read_cap(struct lazy_expunge_user *luser,
				  const struct lazy_expunge_storage *storage,
				  const char *vname, uint64_t *max_r,
				  bool *whole_r,
				  struct lazy_expunge_error *error_r);

#endif
