/* doveadm lazy-expunge account undelete: back under its name, or another. */

#include "lib.h"
#include "events/events.h"
#include "merge/merge.h"
#include "accounts/account.h"
#include "doveadm.h"
#include "doveadm-cmd.h"
#include "doveadm-print.h"
#include "doveadm/account-command.h"
#include "doveadm/account-aim.h"
#include "doveadm/account-delete.h"
#include "doveadm/account-merge.h"
#include "doveadm/commands.h"
#include "doveadm/help.h"
#include "doveadm/print.h"
#include "doveadm/who.h"

#include <sysexits.h>

/* Returns FALSE if the account is on another way. */
static bool undelete_check_step(struct lazy_expunge_account_cmd *cmd,
				const struct lazy_expunge_account *account,
				const char *target, bool merge)
{
	if (account->renaming ||
	    account->step == LAZY_EXPUNGE_ACCOUNT_PURGING ||
	    (account->step == LAZY_EXPUNGE_ACCOUNT_BRINGING &&
	     (merge || (target != NULL &&
			strcmp(target, account->target) != 0)))) {
		return lazy_expunge_account_cmd_fail(cmd,
			DOVEADM_EX_NOTPOSSIBLE,
			t_strdup_printf("The account is on another way: end "
				"that first, by %s",
				lazy_expunge_account_cmd_next(account)));
	}
	return TRUE;
}

static bool undelete_bring(struct lazy_expunge_account_cmd *cmd,
			   struct lazy_expunge_account *account,
			   const char *target)
{
	const char *error;

	if (account->step == LAZY_EXPUNGE_ACCOUNT_TAKING &&
	    !lazy_expunge_account_delete_finish(cmd, account))
		return FALSE;
	if (account->step == LAZY_EXPUNGE_ACCOUNT_DELETED ||
	    account->step == LAZY_EXPUNGE_ACCOUNT_MERGING) {
		if (!lazy_expunge_account_aim(cmd, account, target))
			return FALSE;
		account->mailbox = "";
	}
	if (lazy_expunge_account_bring(account, &error) < 0 ||
	    lazy_expunge_account_forget(account, &error) < 0)
		return lazy_expunge_account_cmd_fail(cmd, EX_TEMPFAIL, error);
	lazy_expunge_event_account("lazy_expunge_account_undeleted",
				   account->user, account->id,
				   lazy_expunge_cmd_who(cmd->cctx),
				   account->target, 0, 0);
	return TRUE;
}

static bool undelete_merge(struct lazy_expunge_account_cmd *cmd,
			   struct lazy_expunge_account *account,
			   const char *target, const char *mailbox,
			   struct lazy_expunge_merged *merged_r)
{
	if (account->step == LAZY_EXPUNGE_ACCOUNT_TAKING &&
	    !lazy_expunge_account_delete_finish(cmd, account))
		return FALSE;
	if (!lazy_expunge_account_merge(cmd, account, target, mailbox,
					merged_r))
		return FALSE;
	lazy_expunge_event_account_merged(account->user, account->id,
					  lazy_expunge_cmd_who(cmd->cctx),
					  account->target, mailbox,
					  merged_r->copied);
	return TRUE;
}

/* What would be refused is refused. */
static bool undelete_plan(struct lazy_expunge_account_cmd *cmd,
			  struct lazy_expunge_account *account,
			  const char *target, const char *mailbox,
			  struct lazy_expunge_merged *merged_r)
{
	if (mailbox != NULL) {
		/* as when it was deleted: nothing is opened for a plan */
		merged_r->copied = I_MAX(account->messages, 0);
		return lazy_expunge_account_merge_plan(cmd, account, target,
						       mailbox);
	}
	account->mailbox = "";
	return account->step == LAZY_EXPUNGE_ACCOUNT_BRINGING ||
		lazy_expunge_account_aim_plan(cmd, account, target);
}

static void undelete_print(const struct lazy_expunge_account *account,
			   const struct lazy_expunge_merged *merged, bool plan)
{
	lazy_expunge_print_text(account->id);
	lazy_expunge_print_text(account->user);
	lazy_expunge_print_text(account->target);
	lazy_expunge_print_text(account->mailbox);
	if (*account->mailbox == '\0') {
		lazy_expunge_print_none();
		lazy_expunge_print_none();
	} else {
		lazy_expunge_print_number(merged->copied);
		lazy_expunge_print_number(merged->present);
	}
	lazy_expunge_print_text(*account->mailbox != '\0' ?
		(plan ? "to be copied" : "copied") :
		(plan ? "to be brought back" : "brought back"));
}

static void undelete_run(struct lazy_expunge_account_cmd *cmd)
{
	const char *id = lazy_expunge_account_cmd_param(cmd, "id");
	const char *target = lazy_expunge_account_cmd_param(cmd, "target");
	const char *mailbox = lazy_expunge_account_cmd_param(cmd, "mailbox");
	const bool plan = lazy_expunge_account_cmd_flag(cmd, "plan");
	struct lazy_expunge_account *account;
	struct lazy_expunge_merged merged;
	bool ok;

	i_zero(&merged);
	if (id == NULL) {
		(void)lazy_expunge_account_cmd_fail(cmd, EX_USAGE,
			"The id of the account is missing: account list shows "
			"it");
		return;
	}
	lazy_expunge_registry_read(&cmd->registry);
	account = lazy_expunge_account_cmd_find(cmd, id);
	if (account == NULL ||
	    !undelete_check_step(cmd, account, target, mailbox != NULL))
		return;
	if (target == NULL)
		target = account->user;
	if (plan)
		ok = undelete_plan(cmd, account, target, mailbox, &merged);
	else if (mailbox == NULL)
		ok = undelete_bring(cmd, account, target);
	else
		ok = undelete_merge(cmd, account, target, mailbox, &merged);
	if (ok)
		undelete_print(account, &merged, plan);
}

static void undelete_headers(void)
{
	lazy_expunge_print_header("id");
	lazy_expunge_print_header("user");
	lazy_expunge_print_header("target");
	lazy_expunge_print_header("mailbox");
	lazy_expunge_print_header_number("copied");
	lazy_expunge_print_header_number("present");
	lazy_expunge_print_header("result");
}

static void cmd_account_undelete(struct doveadm_cmd_context *cctx)
{
	lazy_expunge_account_cmd_run(cctx, undelete_headers, undelete_run);
}

struct doveadm_cmd_ver2 lazy_expunge_cmd_account_undelete = {
	.name = "lazy-expunge account undelete",
	.cmd = cmd_account_undelete,
	.usage = "<id> [-n] [-t <user>] [-m <mailbox>] [-y] [-b <by>]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('n', "plan", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('t', "target", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('m', "mailbox", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('y', "own", CMD_PARAM_BOOL, 0)
LAZY_EXPUNGE_CMD_BY_PARAM
DOVEADM_CMD_PARAM('\0', "id", CMD_PARAM_STR, CMD_PARAM_FLAG_POSITIONAL)
LAZY_EXPUNGE_CMD_HELP_PARAM
DOVEADM_CMD_PARAMS_END
};
