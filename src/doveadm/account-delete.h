#ifndef LAZY_EXPUNGE_DOVEADM_ACCOUNT_DELETE_H
#define LAZY_EXPUNGE_DOVEADM_ACCOUNT_DELETE_H

#include "lib.h"

struct lazy_expunge_account;
struct lazy_expunge_account_cmd;
struct lazy_expunge_account_user;

/* What is going to be deleted. NULL if it cannot be, which was said. */
struct lazy_expunge_account *
lazy_expunge_account_delete_plan(struct lazy_expunge_account_cmd *cmd,
				 const struct lazy_expunge_account_user *user,
				 time_t kept_until, bool own);
/* Lock its name. Returns FALSE if that fails, or somebody was quicker, which was
   said. */
bool lazy_expunge_account_delete_lock(
	struct lazy_expunge_account_cmd *cmd,
	const struct lazy_expunge_account *account);
/* Do it. Returns FALSE if it failed, which was said. */
bool lazy_expunge_account_delete(struct lazy_expunge_account_cmd *cmd,
				 struct lazy_expunge_account *account);
/* The same for one whose name is locked, or was: go on from where it is. */
bool lazy_expunge_account_delete_finish(struct lazy_expunge_account_cmd *cmd,
					struct lazy_expunge_account *account);

#endif
