#ifndef LAZY_EXPUNGE_DOVEADM_ACCOUNT_MERGE_H
#define LAZY_EXPUNGE_DOVEADM_ACCOUNT_MERGE_H

#include "lib.h"

struct lazy_expunge_account;
struct lazy_expunge_account_cmd;
struct lazy_expunge_merged;

/* Copy the mail of the deleted account, which is locked and stays where it is,
   below the mailbox of the target, whom userdb must know. Returns FALSE if not
   all of it is there, which was said. */
bool lazy_expunge_account_merge(struct lazy_expunge_account_cmd *cmd,
				struct lazy_expunge_account *account,
				const char *target, const char *mailbox,
				struct lazy_expunge_merged *merged_r);
/* Whether that would be refused before it begins. Changes nothing but where the
   account would go. */
bool lazy_expunge_account_merge_plan(struct lazy_expunge_account_cmd *cmd,
				     struct lazy_expunge_account *account,
				     const char *target, const char *mailbox);

#endif
