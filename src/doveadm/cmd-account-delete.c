/* doveadm lazy-expunge account delete: out of the way, and not gone. */

#include "lib.h"
#include "array.h"
#include "core/hold-file.h"
#include "accounts/account.h"
#include "doveadm.h"
#include "doveadm-cmd.h"
#include "doveadm-print.h"
#include "doveadm/account-command.h"
#include "doveadm/account-delete.h"
#include "doveadm/account-user.h"
#include "doveadm/commands.h"
#include "doveadm/help.h"
#include "doveadm/print.h"
#include "doveadm/who.h"

#include <sysexits.h>

#define KEEP_FOR_EVER "forever"

/* Returns FALSE if it was refused. */
static bool delete_parse_keep(struct lazy_expunge_account_cmd *cmd,
			      unsigned int *secs_r, bool *given_r)
{
	const char *text = lazy_expunge_account_cmd_param(cmd, "keep"), *error;

	*given_r = text != NULL;
	*secs_r = 0;
	if (text == NULL || strcmp(text, KEEP_FOR_EVER) == 0)
		return TRUE;
	if (lazy_expunge_hold_parse_span(text, secs_r, &error) == 0 &&
	    *secs_r > 0)
		return TRUE;
	return lazy_expunge_account_cmd_fail(cmd, EX_USAGE, t_strdup_printf(
		"-k %s: how long the account is kept must be a time span, such "
		"as 12h, 30 days or 1w, or forever", text));
}

static void delete_print(const struct lazy_expunge_account *account)
{
	lazy_expunge_print_text(account->id);
	lazy_expunge_print_text(account->user);
	lazy_expunge_print_time(account->deleted);
	lazy_expunge_print_time(account->kept_until);
	if (account->messages < 0)
		lazy_expunge_print_none();
	else
		lazy_expunge_print_number(account->messages);
	if (account->bytes < 0)
		lazy_expunge_print_none();
	else
		lazy_expunge_print_size(account->bytes);
}

/* The account of the user that another run has left half way, NULL if there is
   none. Refuses, and sets the flag, if it is on another way. */
static struct lazy_expunge_account *
delete_find_open(struct lazy_expunge_account_cmd *cmd, const char *username,
		 bool *refused_r)
{
	struct lazy_expunge_account *account;
	const char *next;

	*refused_r = FALSE;
	lazy_expunge_registry_read(&cmd->registry);
	array_foreach_elem(&cmd->registry.accounts, account) {
		if (strcmp(account->user, username) != 0 &&
		    strcmp(account->target, username) != 0)
			continue;
		next = lazy_expunge_account_cmd_next(account);
		if (*next == '\0' ||
		    account->step == LAZY_EXPUNGE_ACCOUNT_PURGING ||
		    /* all of it stays where it is */
		    account->step == LAZY_EXPUNGE_ACCOUNT_MERGING)
			continue;
		if (account->step == LAZY_EXPUNGE_ACCOUNT_TAKING &&
		    !account->renaming)
			return account;
		*refused_r = TRUE;
		(void)lazy_expunge_account_cmd_fail(cmd, EX_TEMPFAIL,
			t_strdup_printf("The account is on another way: end "
					"that first, by %s", next));
		return NULL;
	}
	return NULL;
}

static void
delete_warn(struct lazy_expunge_account_cmd *cmd, const char *username)
{
	lazy_expunge_account_cmd_say(cmd, t_strdup_printf("userdb still has "
		"%s: mail that comes in makes a new account. Remove the user "
		"there", username));
}

static struct lazy_expunge_account *
delete_new(struct lazy_expunge_account_cmd *cmd, const char *username)
{
	struct lazy_expunge_account_user user;
	struct lazy_expunge_account *account;
	const char *error;
	unsigned int secs;
	bool given;
	int ret;

	if (!delete_parse_keep(cmd, &secs, &given))
		return NULL;
	ret = lazy_expunge_account_user_get(cmd, username, FALSE, &user,
					    &error);
	if (ret <= 0) {
		(void)lazy_expunge_account_user_fail(cmd, &user, ret, error,
			t_strdup_printf("userdb does not know %s: where the "
				"account is, only userdb and settings say",
				username));
		return NULL;
	}
	if (!given)
		secs = user.keep_secs;
	if (!given && secs == 0) {
		(void)lazy_expunge_account_cmd_fail(cmd, EX_USAGE,
			"lazy_expunge_account_keep is 0: say with -k how long "
			"the account is kept");
		return NULL;
	}
	account = lazy_expunge_account_delete_plan(cmd, &user,
		secs == 0 ? 0 : cmd->now + (time_t)secs,
		lazy_expunge_account_cmd_flag(cmd, "own"));
	if (account == NULL || !lazy_expunge_account_delete(cmd, account))
		return NULL;
	delete_warn(cmd, user.username);
	return account;
}

/* Go on where another run has stopped: whom userdb has by now is looked up anew. */
static bool delete_resume(struct lazy_expunge_account_cmd *cmd,
			  struct lazy_expunge_account *account)
{
	struct lazy_expunge_account_user user;
	const char *error;

	if (!lazy_expunge_account_delete_finish(cmd, account))
		return FALSE;
	if (lazy_expunge_account_user_get(cmd, account->user, FALSE, &user,
					  &error) > 0)
		delete_warn(cmd, user.username);
	return TRUE;
}

static void delete_run(struct lazy_expunge_account_cmd *cmd)
{
	const char *username = lazy_expunge_account_cmd_param(cmd, "user");
	struct lazy_expunge_account *account;
	bool refused;

	if (username == NULL || *username == '\0') {
		(void)lazy_expunge_account_cmd_fail(cmd, EX_USAGE,
			"The user is missing: -u");
		return;
	}
	account = delete_find_open(cmd, username, &refused);
	if (refused)
		return;
	if (account != NULL) {
		account = lazy_expunge_account_cmd_find(cmd, account->id);
		if (account == NULL || !delete_resume(cmd, account))
			return;
	} else {
		account = delete_new(cmd, username);
	}
	if (account != NULL)
		delete_print(account);
}

static void delete_headers(void)
{
	lazy_expunge_print_header("id");
	lazy_expunge_print_header("user");
	lazy_expunge_print_header_time("deleted");
	lazy_expunge_print_header_time("kept_until");
	lazy_expunge_print_header_number("messages");
	lazy_expunge_print_header_number("bytes");
}

static void cmd_account_delete(struct doveadm_cmd_context *cctx)
{
	lazy_expunge_account_cmd_run(cctx, delete_headers, delete_run);
}

struct doveadm_cmd_ver2 lazy_expunge_cmd_account_delete = {
	.name = "lazy-expunge account delete",
	.cmd = cmd_account_delete,
	.usage = "-u <user> [-k <time>|forever] [-y] [-b <by>]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('u', "user", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('k', "keep", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('y', "own", CMD_PARAM_BOOL, 0)
LAZY_EXPUNGE_CMD_BY_PARAM
LAZY_EXPUNGE_CMD_HELP_PARAM
DOVEADM_CMD_PARAMS_END
};
