/* doveadm lazy-expunge account list: what lies among the deleted, the latest
   first, and what is half way. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "wildcard-match.h"
#include "core/text.h"
#include "accounts/account.h"
#include "accounts/moves.h"
#include "accounts/remove.h"
#include "doveadm.h"
#include "doveadm-cmd.h"
#include "doveadm-print.h"
#include "doveadm/account-command.h"
#include "doveadm/account-user.h"
#include "doveadm/commands.h"
#include "doveadm/help.h"
#include "doveadm/print.h"
#include "doveadm/table.h"

#include <sys/stat.h>
#include <sysexits.h>

static void list_print_number(int64_t number, bool size)
{
	if (number < 0)
		lazy_expunge_print_none();
	else if (size)
		lazy_expunge_print_size(number);
	else
		lazy_expunge_print_number(number);
}

/* What is missing of the account, or is to be done with it. */
static const char *list_needs(const struct lazy_expunge_account *account)
{
	const char *next = lazy_expunge_account_cmd_next(account);
	const struct lazy_expunge_account_part *part;
	string_t *str = t_str_new(64);
	struct stat st;

	if (*next != '\0')
		return t_strconcat("to be ended by: ", next, NULL);
	array_foreach(&account->parts, part) {
		if (!part->is_volatile && lstat(part->to, &st) < 0 &&
		    (errno == ENOENT || errno == ENOTDIR))
			str_printfa(str, "%s%s", str_len(str) == 0 ?
				    "missing: " : ", ", part->to);
	}
	if (str_len(str) == 0 && *account->mailbox != '\0') {
		str_printfa(str, "nothing; its mail is also below %s of %s",
			    account->mailbox, account->target);
	}
	return str_c(str);
}

/* By the files as they are. */
static int64_t list_bytes(const struct lazy_expunge_account *account)
{
	const struct lazy_expunge_account_part *part;
	uint64_t paths = 0, files = 0, bytes = 0;
	const char *error;

	array_foreach(&account->parts, part) {
		if (lazy_expunge_count_tree(part->to, &paths, &files, &bytes,
					    &error) < 0)
			return -1;
	}
	return bytes;
}

static void list_print(struct lazy_expunge_account_cmd *cmd,
		       const struct lazy_expunge_account *account, bool count)
{
	const char *held = lazy_expunge_account_held_by(account, cmd->now);

	lazy_expunge_print_text(account->id);
	lazy_expunge_print_text(account->user);
	lazy_expunge_print_text(lazy_expunge_account_step_name(account->step));
	lazy_expunge_print_time(account->deleted);
	lazy_expunge_print_time(account->kept_until);
	list_print_number(account->messages, FALSE);
	list_print_number(count ? list_bytes(account) : account->bytes, TRUE);
	lazy_expunge_print_text(held == NULL ? "" : held);
	lazy_expunge_print_text(account->by);
	lazy_expunge_print_text(list_needs(account));
}

static void list_add_dirs(struct lazy_expunge_account_cmd *cmd)
{
	const char *const *dirs, *error;

	if (doveadm_cmd_param_array(cmd->cctx, "parent", &dirs)) {
		for (; *dirs != NULL; dirs++) {
			if (**dirs != '/') {
				(void)lazy_expunge_account_cmd_fail(cmd,
					EX_USAGE, t_strdup_printf("-p %s: the "
						"directory must begin with /",
						*dirs));
				continue;
			}
			lazy_expunge_registry_add_dir(&cmd->registry,
				t_strconcat(*dirs, "/"LAZY_EXPUNGE_ACCOUNTS_DIR,
					    NULL));
		}
	}
	if (lazy_expunge_account_cmd_flag(cmd, "all-users") &&
	    lazy_expunge_account_user_add_all(cmd, &error) < 0)
		(void)lazy_expunge_account_cmd_fail(cmd, EX_TEMPFAIL, error);
}

static void list_run(struct lazy_expunge_account_cmd *cmd)
{
	const char *username = lazy_expunge_account_cmd_param(cmd, "user");
	const bool count = lazy_expunge_account_cmd_flag(cmd, "count");
	struct lazy_expunge_account *account;
	const char *error;

	list_add_dirs(cmd);
	lazy_expunge_registry_read(&cmd->registry);
	array_foreach_elem(&cmd->registry.accounts, account) {
		if (username == NULL ||
		    wildcard_match_icase(account->user, username))
		T_BEGIN {
			list_print(cmd, account, count);
		} T_END;
	}
	array_foreach_elem(&cmd->registry.errors, error)
		(void)lazy_expunge_account_cmd_fail(cmd, EX_DATAERR, error);
	/* the next command finds them without a search */
	lazy_expunge_account_cmd_remember(cmd);
}

static void list_headers(void)
{
	lazy_expunge_print_header("id");
	lazy_expunge_print_header("user");
	lazy_expunge_print_header("state");
	lazy_expunge_print_header_time("deleted");
	lazy_expunge_print_header_time("kept_until");
	lazy_expunge_print_header_number("messages");
	lazy_expunge_print_header_number("bytes");
	lazy_expunge_print_header("held");
	lazy_expunge_print_header("by");
	lazy_expunge_table_column(LAZY_EXPUNGE_COLUMN_NOTE);
	lazy_expunge_print_header("needs");
}

static void cmd_account_list(struct doveadm_cmd_context *cctx)
{
	lazy_expunge_account_cmd_run(cctx, list_headers, list_run);
}

struct doveadm_cmd_ver2 lazy_expunge_cmd_account_list = {
	.name = "lazy-expunge account list",
	.cmd = cmd_account_list,
	.usage = "[-u <user>] [-A] [-p <directory>] [-c]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('u', "user", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('A', "all-users", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('p', "parent", CMD_PARAM_ARRAY, 0)
DOVEADM_CMD_PARAM('c', "count", CMD_PARAM_BOOL, 0)
LAZY_EXPUNGE_CMD_HELP_PARAM
DOVEADM_CMD_PARAMS_END
};
