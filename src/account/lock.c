/* The account's lock: a file in the user's home or volatile directory, or
   without them in that of the control files. */

#include "lib.h"
#include "file-lock.h"
#include "sleep.h"
#include "mail-storage-private.h"
#include "account/files.h"
#include "account/user.h"
#include "account/lock.h"

#include <time.h>

#define LOCK_FNAME "dovecot.lazy-expunge.lock"
#define DOTLOCK_FNAME "dovecot.lazy-expunge.dotlock"
#define LISTED_TIMEOUT_SECS 5
#define LISTED_RETRY_MSECS 10

struct lazy_expunge_lock {
	struct file_lock *lock;
	unsigned int refcount;
};

static void lock_deinit(struct lazy_expunge_user *luser, void *context)
{
	struct lazy_expunge_lock *lock = context;

	luser->lock = NULL;
	if (lock->lock != NULL)
		file_lock_free(&lock->lock);
	i_free(lock);
}

int lazy_expunge_lock_get(struct lazy_expunge_user *luser,
			  unsigned int timeout_secs, const char **error_r)
{
	struct lazy_expunge_lock *lock = luser->lock;
	const char *fname, *home;
	int ret;

	if (lock != NULL && lock->refcount > 0) {
		lock->refcount++;
		return 1;
	}
	if (luser->user->namespaces == NULL) {
		*error_r = "User has no namespaces";
		return -1;
	}
	if (lock == NULL) {
		lock = luser->lock = i_new(struct lazy_expunge_lock, 1);
		lazy_expunge_user_on_deinit(luser, lock_deinit, lock);
	}
	/* all processes must find the same place */
	if (mail_user_get_home(luser->user, &home) < 0) {
		*error_r = "Home directory lookup failed";
		return -1;
	}
	fname = lazy_expunge_place_lock_name(luser->user, LOCK_FNAME,
					     DOTLOCK_FNAME);
	ret = lazy_expunge_place_lock(luser->user, fname, timeout_secs,
				      &lock->lock, error_r);
	if (ret > 0) {
		/* creating and unlinking the file each time costs more than
		   the rest of the lock */
		file_lock_set_unlink_on_free(lock->lock, FALSE);
		lock->refcount = 1;
	}
	return ret;
}

int lazy_expunge_lock_get_listed(struct lazy_expunge_user *luser,
				 const char **error_r)
{
	const time_t end = time(NULL) + LISTED_TIMEOUT_SECS;
	int ret;

	while ((ret = lazy_expunge_lock_get(luser, 0, error_r)) == 0 &&
	       time(NULL) < end)
		i_sleep_msecs(LISTED_RETRY_MSECS);
	return ret;
}

bool lazy_expunge_lock_is_possible(struct lazy_expunge_user *luser)
{
	const char *home;

	return mail_user_get_home(luser->user, &home) != 0 ||
		lazy_expunge_place_path(luser->user, LOCK_FNAME) != NULL;
}

bool lazy_expunge_lock_is_held(struct lazy_expunge_user *luser)
{
	return luser->lock != NULL && luser->lock->refcount > 0;
}

void lazy_expunge_lock_put(struct lazy_expunge_user *luser)
{
	struct lazy_expunge_lock *lock = luser->lock;

	i_assert(lock != NULL && lock->refcount > 0);
	if (--lock->refcount == 0)
		file_lock_free(&lock->lock);
}
