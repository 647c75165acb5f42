#ifndef LAZY_EXPUNGE_DOVEADM_ACCOUNT_AIM_H
#define LAZY_EXPUNGE_DOVEADM_ACCOUNT_AIM_H

#include "lib.h"

struct lazy_expunge_account;
struct lazy_expunge_account_cmd;

/* Aim the deleted account, which is locked, at a user whom userdb must know, and
   who must have no mail; what else is there under the name gives way. Returns
   FALSE if that is not possible, which was said. */
bool lazy_expunge_account_aim(struct lazy_expunge_account_cmd *cmd,
			      struct lazy_expunge_account *account,
			      const char *target);
/* The same, but nothing gives way and nothing is changed. */
bool lazy_expunge_account_aim_plan(struct lazy_expunge_account_cmd *cmd,
				   struct lazy_expunge_account *account,
				   const char *target);

#endif
