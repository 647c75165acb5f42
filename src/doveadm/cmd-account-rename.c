/* doveadm lazy-expunge account rename: all of it follows to the new name. */

#include "lib.h"
#include "array.h"
#include "events/events.h"
#include "accounts/account.h"
#include "accounts/moves.h"
#include "accounts/tell.h"
#include "compat/dovecot.h"
#include "doveadm.h"
#include "doveadm-cmd.h"
#include "doveadm-print.h"
#include "doveadm/account-aim.h"
#include "doveadm/account-command.h"
#include "doveadm/account-delete.h"
#include "doveadm/account-user.h"
#include "doveadm/commands.h"
#include "doveadm/help.h"
#include "doveadm/print.h"
#include "doveadm/who.h"

#include <sysexits.h>

struct rename_cmd {
	struct lazy_expunge_account_cmd *cmd;
	struct lazy_expunge_tell tell;
	bool dict_done, acl_loaded, failed;
};

/* What lies out of reach, and who knows where. */
static const char *const by_hand[][2] = {
	{ "userdb, passdb", "give them the new name, and take the old one out" },
	{ "quota, last_login, mailbox attributes in a dict",
	  "rename the user's rows there" },
	{ "sieve scripts outside of the home", "move them" },
	{ "indexes of a full-text server", "remove the old ones: doveadm index "
	  "makes the new ones" },
	{ "lazy_expunge_catalog", "remove the old name's row: maintain makes "
	  "the new one" },
	{ "subscriptions of others to the user's mailboxes",
	  "they subscribe again" },
	{ "rights that come from elsewhere (global ACLs, groups, SQL)",
	  "change them there" },
};

static void rename_row(const char *what, const char *where, const char *result)
{
	lazy_expunge_print_text(what);
	lazy_expunge_print_text(where);
	lazy_expunge_print_text(result);
}

static void rename_report(void *context, const char *what, const char *where,
			  enum lazy_expunge_told told, const char *error)
{
	struct rename_cmd *rcmd = context;

	switch (told) {
	case LAZY_EXPUNGE_TOLD_CHANGED:
		rename_row(what, where, "changed");
		break;
	case LAZY_EXPUNGE_TOLD_PLANNED:
		rename_row(what, where, "to be changed");
		break;
	case LAZY_EXPUNGE_TOLD_FAILED:
		rename_row(what, where, "failed");
		rcmd->failed = TRUE;
		(void)lazy_expunge_account_cmd_fail(rcmd->cmd, EX_TEMPFAIL,
			t_strdup_printf("%s: %s", where, error));
		break;
	}
}

static void rename_tell_user(struct mail_user *user, void *context)
{
	struct rename_cmd *rcmd = context;

	if (!lazy_expunge_compat_user_has_plugin(user, "acl"))
		return;
	/* first: the acl plugin forgets there what the old name does not share
	   any more, when its mailboxes are listed */
	if (!rcmd->dict_done)
		lazy_expunge_tell_dict(&rcmd->tell, user);
	rcmd->dict_done = TRUE;
	lazy_expunge_tell_acls(&rcmd->tell, user);
}

static void rename_tell(struct rename_cmd *rcmd)
{
	const char *error;

	if (rcmd->acl_loaded &&
	    lazy_expunge_account_user_each(rcmd->cmd, rename_tell_user, rcmd,
					   &error) < 0) {
		rename_report(rcmd, "acl", "all users",
			      LAZY_EXPUNGE_TOLD_FAILED, error);
	}
	for (unsigned int i = 0; i < N_ELEMENTS(by_hand); i++)
		rename_row("by hand", by_hand[i][0], by_hand[i][1]);
}

static void rename_print_parts(const struct lazy_expunge_account *account,
			       const char *result)
{
	const struct lazy_expunge_account_part *part;

	array_foreach(&account->parts, part) {
		rename_row("account", t_strconcat(part->from, " -> ",
						  part->dest, NULL), result);
	}
}

/* Does the acl plugin work for the user? It is there now, under its new name. */
static bool rename_look_at_target(struct rename_cmd *rcmd,
				  const struct lazy_expunge_account *account)
{
	struct lazy_expunge_account_user user;
	const char *error;
	int ret;

	ret = lazy_expunge_account_user_get(rcmd->cmd, account->target, FALSE,
					    &user, &error);
	if (ret <= 0) {
		return lazy_expunge_account_user_fail(rcmd->cmd, &user, ret,
			error, t_strdup_printf("userdb does not know %s: add the user",
					account->target));
	}
	rcmd->acl_loaded = user.acl_loaded;
	return TRUE;
}

/* From the step on that the account is at. */
static bool rename_go_on(struct rename_cmd *rcmd,
			 struct lazy_expunge_account *account)
{
	struct lazy_expunge_account_cmd *cmd = rcmd->cmd;
	const char *error;

	if (account->step == LAZY_EXPUNGE_ACCOUNT_TAKING &&
	    lazy_expunge_account_take(account, cmd->base_dir, cmd->state_dir,
				      &error) < 0)
		return lazy_expunge_account_cmd_fail(cmd, EX_TEMPFAIL, error);
	if (account->step != LAZY_EXPUNGE_ACCOUNT_TELLING &&
	    (lazy_expunge_account_bring(account, &error) < 0 ||
	     lazy_expunge_registry_step(account, LAZY_EXPUNGE_ACCOUNT_TELLING,
					&error) < 0))
		return lazy_expunge_account_cmd_fail(cmd, EX_TEMPFAIL, error);
	rename_print_parts(account, "moved");
	if (!rename_look_at_target(rcmd, account))
		return FALSE;
	rename_tell(rcmd);
	if (rcmd->failed)
		return FALSE;
	if (lazy_expunge_account_forget(account, &error) < 0)
		return lazy_expunge_account_cmd_fail(cmd, EX_TEMPFAIL, error);
	lazy_expunge_event_account("lazy_expunge_account_renamed",
				   account->user, account->id, account->by,
				   account->target, 0, 0);
	return TRUE;
}

static bool rename_begin(struct rename_cmd *rcmd, const char *username)
{
	struct lazy_expunge_account_cmd *cmd = rcmd->cmd;
	const char *target = rcmd->tell.new_name, *error;
	struct lazy_expunge_account_user user;
	struct lazy_expunge_account *account;
	int ret;

	ret = lazy_expunge_account_user_get(cmd, username, FALSE, &user,
					    &error);
	if (ret <= 0) {
		return lazy_expunge_account_user_fail(cmd, &user, ret, error,
			t_strdup_printf("userdb does not know %s: it must know "
				"both names while an account is renamed",
				username));
	}
	rcmd->acl_loaded = user.acl_loaded;
	account = lazy_expunge_account_delete_plan(cmd, &user, 0,
		lazy_expunge_account_cmd_flag(cmd, "own"));
	if (account == NULL)
		return FALSE;
	account->renaming = TRUE;
	if (rcmd->tell.plan) {
		if (!lazy_expunge_account_aim_plan(cmd, account, target))
			return FALSE;
		rename_print_parts(account, "to be moved");
		rename_tell(rcmd);
		return TRUE;
	}
	return lazy_expunge_account_delete_lock(cmd, account) &&
		lazy_expunge_account_aim(cmd, account, target) &&
		rename_go_on(rcmd, account);
}

/* Returns FALSE if the account is on another way. */
static bool rename_find_open(struct rename_cmd *rcmd, const char *username,
			     struct lazy_expunge_account **account_r)
{
	struct lazy_expunge_account_cmd *cmd = rcmd->cmd;
	const char *target = rcmd->tell.new_name;
	struct lazy_expunge_account *account;
	const char *next;

	*account_r = NULL;
	array_foreach_elem(&cmd->registry.accounts, account) {
		next = lazy_expunge_account_cmd_next(account);
		if (*next == '\0' ||
		    account->step == LAZY_EXPUNGE_ACCOUNT_PURGING ||
		    /* all of it stays where it is */
		    account->step == LAZY_EXPUNGE_ACCOUNT_MERGING ||
		    (strcmp(account->user, username) != 0 &&
		     strcmp(account->user, target) != 0 &&
		     strcmp(account->target, username) != 0 &&
		     strcmp(account->target, target) != 0))
			continue;
		/* as long as nothing of it is at the new name, it may get
		   another: mail may have come there meanwhile */
		if (!account->renaming ||
		    strcmp(account->user, username) != 0 ||
		    (strcmp(account->target, target) != 0 &&
		     account->step != LAZY_EXPUNGE_ACCOUNT_DELETED)) {
			return lazy_expunge_account_cmd_fail(cmd, EX_TEMPFAIL,
				t_strdup_printf("The account is on another "
					"way: end that first, by %s", next));
		}
		*account_r = account;
	}
	return TRUE;
}

static bool rename_resume(struct rename_cmd *rcmd, const char *id)
{
	struct lazy_expunge_account *account =
		lazy_expunge_account_cmd_find(rcmd->cmd, id);

	if (account == NULL)
		return FALSE;
	if (rcmd->tell.plan) {
		rename_print_parts(account, "to be moved");
		return TRUE;
	}
	if (account->step == LAZY_EXPUNGE_ACCOUNT_DELETED &&
	    !lazy_expunge_account_aim(rcmd->cmd, account,
				      rcmd->tell.new_name))
		return FALSE;
	return rename_go_on(rcmd, account);
}

static void rename_run(struct lazy_expunge_account_cmd *cmd)
{
	struct rename_cmd rcmd = { .cmd = cmd };
	const char *username = lazy_expunge_account_cmd_param(cmd, "user");
	struct lazy_expunge_account *account;

	rcmd.tell.new_name = lazy_expunge_account_cmd_param(cmd,
							    "new-name");
	rcmd.tell.old_name = username;
	rcmd.tell.plan = lazy_expunge_account_cmd_flag(cmd, "plan");
	rcmd.tell.report = rename_report;
	rcmd.tell.context = &rcmd;
	if (username == NULL || rcmd.tell.new_name == NULL ||
	    strcmp(username, rcmd.tell.new_name) == 0) {
		(void)lazy_expunge_account_cmd_fail(cmd, EX_USAGE,
			"The user (-u) and another name are needed");
		return;
	}
	lazy_expunge_registry_read(&cmd->registry);
	if (!rename_find_open(&rcmd, username, &account))
		return;
	if (account != NULL)
		(void)rename_resume(&rcmd, account->id);
	else
		(void)rename_begin(&rcmd, username);
}

static void rename_headers(void)
{
	lazy_expunge_print_header("what");
	lazy_expunge_print_header("where");
	lazy_expunge_print_header("result");
}

static void cmd_account_rename(struct doveadm_cmd_context *cctx)
{
	lazy_expunge_account_cmd_run(cctx, rename_headers, rename_run);
}

struct doveadm_cmd_ver2 lazy_expunge_cmd_account_rename = {
	.name = "lazy-expunge account rename",
	.cmd = cmd_account_rename,
	.usage = "-u <user> [-n] [-y] [-b <by>] <new name>",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('u', "user", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('n', "plan", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('y', "own", CMD_PARAM_BOOL, 0)
LAZY_EXPUNGE_CMD_BY_PARAM
DOVEADM_CMD_PARAM('\0', "new-name", CMD_PARAM_STR, CMD_PARAM_FLAG_POSITIONAL)
LAZY_EXPUNGE_CMD_HELP_PARAM
DOVEADM_CMD_PARAMS_END
};
