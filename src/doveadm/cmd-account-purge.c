/* doveadm lazy-expunge account purge: for good. */

#include "lib.h"
#include "array.h"
#include "accounts/account.h"
#include "accounts/remove.h"
#include "events/events.h"
#include "doveadm.h"
#include "doveadm-cmd.h"
#include "doveadm-print.h"
#include "doveadm/account-command.h"
#include "doveadm/account-purge.h"
#include "doveadm/commands.h"
#include "doveadm/help.h"
#include "doveadm/print.h"
#include "doveadm/who.h"

#include <sysexits.h>

static void purge_print(const struct lazy_expunge_account *account,
			const struct lazy_expunge_purged *purged,
			const char *result)
{
	lazy_expunge_print_text(account->id);
	lazy_expunge_print_text(account->user);
	lazy_expunge_print_number(purged->paths);
	lazy_expunge_print_number(purged->files);
	lazy_expunge_print_size(purged->bytes);
	lazy_expunge_print_text(result);
}

static void purge_row(struct lazy_expunge_account_cmd *cmd,
		      struct lazy_expunge_account *account, bool plan)
{
	struct lazy_expunge_purged purged;
	enum lazy_expunge_account_purge_result result;
	const char *error;

	result = lazy_expunge_account_purge_one(account, cmd->now, plan,
		lazy_expunge_cmd_who(cmd->cctx), &purged, &error);
	switch (result) {
	case LAZY_EXPUNGE_ACCOUNT_PURGE_DONE:
		purge_print(account, &purged, plan ? "to go" : "gone");
		break;
	case LAZY_EXPUNGE_ACCOUNT_PURGE_HELD:
		purge_print(account, &purged, "held");
		(void)lazy_expunge_account_cmd_fail(cmd, EX_NOPERM, error);
		break;
	case LAZY_EXPUNGE_ACCOUNT_PURGE_FAILED:
		purge_print(account, &purged, "failed");
		(void)lazy_expunge_account_cmd_fail(cmd, EX_TEMPFAIL, error);
		break;
	}
}

static void purge_run(struct lazy_expunge_account_cmd *cmd)
{
	const bool plan = lazy_expunge_account_cmd_flag(cmd, "plan");
	struct lazy_expunge_account *account;
	const char *const *ids;

	if (!plan)
		lazy_expunge_registry_tidy(&cmd->registry, cmd->now);
	lazy_expunge_registry_read(&cmd->registry);
	if (doveadm_cmd_param_array(cmd->cctx, "id", &ids) && *ids != NULL) {
		for (; *ids != NULL; ids++) {
			account = lazy_expunge_account_cmd_find(cmd, *ids);
			if (account != NULL)
				purge_row(cmd, account, plan);
		}
		return;
	}
	array_foreach_elem(&cmd->registry.accounts, account) {
		if (!lazy_expunge_account_is_due(account, cmd->now))
			continue;
		account = lazy_expunge_account_cmd_find(cmd, account->id);
		/* it may be another one by now */
		if (account != NULL &&
		    lazy_expunge_account_is_due(account, cmd->now))
			purge_row(cmd, account, plan);
	}
}

static void purge_headers(void)
{
	lazy_expunge_print_header("id");
	lazy_expunge_print_header("user");
	lazy_expunge_print_header_number("paths");
	lazy_expunge_print_header_number("files");
	lazy_expunge_print_header_number("bytes");
	lazy_expunge_print_header("result");
}

static void cmd_account_purge(struct doveadm_cmd_context *cctx)
{
	lazy_expunge_account_cmd_run(cctx, purge_headers, purge_run);
}

struct doveadm_cmd_ver2 lazy_expunge_cmd_account_purge = {
	.name = "lazy-expunge account purge",
	.cmd = cmd_account_purge,
	.usage = "[-n] [-b <by>] [<id> ...]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('n', "plan", CMD_PARAM_BOOL, 0)
LAZY_EXPUNGE_CMD_BY_PARAM
DOVEADM_CMD_PARAM('\0', "id", CMD_PARAM_ARRAY, CMD_PARAM_FLAG_POSITIONAL)
LAZY_EXPUNGE_CMD_HELP_PARAM
DOVEADM_CMD_PARAMS_END
};
