/* One restore of a user at a time. */

#include "lib.h"
#include "file-lock.h"
#include "account/files.h"
#include "account/user.h"
#include "restore/lock.h"

#define RESTORE_LOCK_FNAME "dovecot.lazy-expunge-restore.lock"
#define RESTORE_LOCK_TIMEOUT_SECS 60

int lazy_expunge_restore_lock(struct lazy_expunge_user *luser,
			struct file_lock **lock_r,
			struct lazy_expunge_error *error_r)
{
	const char *error;
	int ret;

	ret = lazy_expunge_place_lock(luser->user, RESTORE_LOCK_FNAME,
				      RESTORE_LOCK_TIMEOUT_SECS, lock_r,
				      &error);
	if (ret > 0)
		return 0;
	error_r->code = ret == 0 ? MAIL_ERROR_INUSE : MAIL_ERROR_TEMP;
	error_r->text = ret == 0 ? "Another restore of this user is running" :
		t_strdup_printf("Cannot lock restores of this user: %s", error);
	return -1;
}
