#ifndef LAZY_EXPUNGE_LOCK_H
#define LAZY_EXPUNGE_LOCK_H

/* The lock of an account, held from the look at a mail's instances to the
   commit, so that two sessions cannot each count on the other's copy
   (mail_user_lock_file_create()). One for each account, also over servers.
   Counted: transactions that are open at once share it. */

struct lazy_expunge_lock;
struct lazy_expunge_user;

/* A holder never waits for a client, so this is far more than it needs. */
#define LAZY_EXPUNGE_LOCK_TIMEOUT_SECS 30

/* Returns 1 if the account is locked now, 0 if another process kept it locked
   for too long, -1 if it cannot be locked at all (a directory that cannot be
   written, a home that cannot be looked up). After 0 and -1 no unlock is needed. */
int lazy_expunge_lock_get(struct lazy_expunge_user *luser,
			  unsigned int timeout_secs, const char **error_r);
/* The same for the deletion and the renaming of a mailbox. They hold the lock
   of the mailbox list, which another session may want (to create the storage)
   while it has the account's. So it is not waited for long, and not in the
   kernel: that would see a deadlock (EDEADLK), at which Dovecot panics. */
int lazy_expunge_lock_get_listed(struct lazy_expunge_user *luser,
				 const char **error_r);
/* FALSE if no process can ever lock the account: all of them keep everything
   then. */
bool lazy_expunge_lock_is_possible(struct lazy_expunge_user *luser);
bool lazy_expunge_lock_is_held(struct lazy_expunge_user *luser);
/* Give back one lazy_expunge_lock_get() that returned 1. */
void lazy_expunge_lock_put(struct lazy_expunge_user *luser);
#endif
