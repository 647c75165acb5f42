#ifndef LAZY_EXPUNGE_ACCOUNTS_ACCOUNT_H
#define LAZY_EXPUNGE_ACCOUNTS_ACCOUNT_H

/* What is done to a whole account: series of steps, of which each can be done
   again. The caller has locked the names. The errors are on the data stack. */

#include "core/account-record.h"

struct lazy_expunge_purged {
	/* names that are gone, directories included, and bytes of files */
	uint64_t paths, files, bytes;
};

/* Take the account, whose record is not written yet or says
   LAZY_EXPUNGE_ACCOUNT_TAKING, away from its name, and remember it. It lies among
   the deleted then. */
int lazy_expunge_account_take(struct lazy_expunge_account *account,
			      const char *base_dir, const char *state_dir,
			      const char **error_r);
/* Bring the account to its target, for which its parts have been aimed. What
   follows is up to the caller, and lazy_expunge_account_forget(). */
int lazy_expunge_account_bring(struct lazy_expunge_account *account,
			       const char **error_r);
/* It is where it belongs: forget that it was deleted. */
int lazy_expunge_account_forget(struct lazy_expunge_account *account,
				const char **error_r);
/* Remove the deleted account for good. */
int lazy_expunge_account_purge(struct lazy_expunge_account *account,
			       struct lazy_expunge_purged *purged_r,
			       const char **error_r);
/* Why it must not be removed: the name of a hold (data stack). NULL if nothing
   holds it. */
const char *
lazy_expunge_account_held_by(const struct lazy_expunge_account *account,
			     time_t now);

#endif
