#ifndef LAZY_EXPUNGE_DOVEADM_ACCOUNT_PURGE_H
#define LAZY_EXPUNGE_DOVEADM_ACCOUNT_PURGE_H

#include "accounts/account.h"

enum lazy_expunge_account_purge_result {
	LAZY_EXPUNGE_ACCOUNT_PURGE_DONE = 0,
	LAZY_EXPUNGE_ACCOUNT_PURGE_HELD,
	LAZY_EXPUNGE_ACCOUNT_PURGE_FAILED
};

/* What overdue accounts came to. */
struct lazy_expunge_account_purge_sums {
	unsigned int accounts, skipped, held, failed;
	uint64_t bytes;
};

/* TRUE if its time is over, or a purge of it is not ended. */
bool lazy_expunge_account_is_due(const struct lazy_expunge_account *account,
				 time_t now);
/* Remove the account, which is locked, or with plan only count it. */
enum lazy_expunge_account_purge_result
lazy_expunge_account_purge_one(struct lazy_expunge_account *account, time_t now,
			       bool plan, const char *by,
			       struct lazy_expunge_purged *purged_r,
			       const char **error_r);
/* Remove all whose time is over, as maintain does. Failures are logged and
   counted. */
void lazy_expunge_account_purge_due(bool plan, const char *by,
			struct lazy_expunge_account_purge_sums *sums_r);

#endif
