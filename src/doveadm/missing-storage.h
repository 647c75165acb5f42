#ifndef LAZY_EXPUNGE_MISSING_STORAGE_H
#define LAZY_EXPUNGE_MISSING_STORAGE_H

/* Dovecot's own "expunge", "fetch" and "search" in the mailbox of a storage that a
   user has not got yet: with 2.3 that is an error for each such user, with -A as
   well. There is nothing in it, and that is no error. */

/* From now on it is none. Undone by _deinit(). */
void lazy_expunge_missing_storage_init(void);
void lazy_expunge_missing_storage_deinit(void);

#endif
