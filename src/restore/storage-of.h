#ifndef LAZY_EXPUNGE_RESTORE_STORAGE_OF_H
#define LAZY_EXPUNGE_RESTORE_STORAGE_OF_H

#include "account/error.h"

struct lazy_expunge_storage;
struct lazy_expunge_user;
struct mailbox;

/* The storage for mails of the mailbox, which need not be open. NULL and the error
   if there is none. */
struct lazy_expunge_storage *
lazy_expunge_restore_storage_of(struct lazy_expunge_user *luser,
				struct mailbox *box,
				struct lazy_expunge_error *error_r);

#endif
