#ifndef LAZY_EXPUNGE_ERASE_UNFINISHED_H
#define LAZY_EXPUNGE_ERASE_UNFINISHED_H

/* What an erase takes away right now, in a file of the user: there before the
   first mail goes, until nothing of them is left and it was said. By it the next
   erase completes one that was cut off, for the mails themselves are gone then,
   and can be found by no query. */

#include "erase/row.h"

struct mail_user;

/* Append to rows (guid, mailbox, uid, size, from the pool) what an erase was at that
   was cut off in the last 30 days. Returns 0 if ok, or there is none, -1 and the
   error if the file cannot be read. */
int lazy_expunge_erase_unfinished_read(
	struct mail_user *user, pool_t pool,
	ARRAY_TYPE(lazy_expunge_erase_row) *rows, const char **error_r);
/* Write down all rows that are not held: on disk when it returns. Returns 0 if ok,
   or there is no place for it, -1 and the error. */
int lazy_expunge_erase_unfinished_write(
	struct mail_user *user,
	const ARRAY_TYPE(lazy_expunge_erase_row) *rows, const char **error_r);
/* All is gone. */
void lazy_expunge_erase_unfinished_remove(struct mail_user *user);
/* When the erase that was cut off began, 0 = there is none. */
time_t lazy_expunge_erase_unfinished_since(struct mail_user *user);

#endif
