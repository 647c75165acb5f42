#ifndef LAZY_EXPUNGE_ERASE_RECORDS_H
#define LAZY_EXPUNGE_ERASE_RECORDS_H

/* What our own files in the user's home say of mails that are gone: their UIDs,
   and with them the mailboxes that they were in, flags and keywords. */

#include "account/error.h"

struct lazy_expunge_user;

/* Take out of the files each mail that is not in its mailbox any more: which of
   them were erased mails cannot be told from the others. What is said of mail
   that is still there stays. Returns 0, or -1 and the error. */
int lazy_expunge_erase_records(struct lazy_expunge_user *luser,
			       struct lazy_expunge_error *error_r);

#endif
