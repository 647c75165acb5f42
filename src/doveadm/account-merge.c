/* Merging an account: the intent, the copy, and what the record says then. */

#include "lib.h"
#include "array.h"
#include "unichar.h"
#include "account/user.h"
#include "accounts/account.h"
#include "accounts/moves.h"
#include "accounts/rights.h"
#include "merge/merge.h"
#include "doveadm.h"
#include "doveadm-mail.h"
#include "doveadm/account-command.h"
#include "doveadm/account-merge.h"
#include "doveadm/account-user.h"

#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

struct merge_cmd {
	struct lazy_expunge_account_cmd *cmd;
	struct lazy_expunge_merge_params params;
	/* NULL = only see whether it is possible */
	struct lazy_expunge_merged *merged;
	bool ok;
};

static void merge_failed(void *context, enum mail_error code, const char *error)
{
	struct merge_cmd *mcmd = context;

	(void)lazy_expunge_account_cmd_fail(mcmd->cmd,
		code == MAIL_ERROR_PARAMS ? EX_USAGE :
		code == MAIL_ERROR_NOTPOSSIBLE ? EX_DATAERR : EX_TEMPFAIL,
		error);
}

static void merge_user(struct mail_storage_service_ctx *service,
		       struct mail_user *user, void *context)
{
	struct merge_cmd *mcmd = context;
	struct lazy_expunge_user *luser = lazy_expunge_user_get(user);
	const char *error;

	mcmd->params.service = service;
	if (luser->set.error != NULL)
		(void)lazy_expunge_account_cmd_fail(mcmd->cmd, EX_CONFIG,
						    luser->set.error);
	else if (lazy_expunge_rights_put_down(geteuid(), &error) < 0)
		merge_failed(mcmd, MAIL_ERROR_TEMP, error);
	else if (mcmd->merged == NULL)
		mcmd->ok = lazy_expunge_merge_check(luser, &mcmd->params) == 0;
	else
		mcmd->ok = lazy_expunge_merge(luser, &mcmd->params,
					      mcmd->merged) == 0;
	lazy_expunge_user_release(luser);
}

static bool merge_find_target(struct lazy_expunge_account_cmd *cmd,
			      struct lazy_expunge_account *account,
			      const char *target,
			      struct lazy_expunge_account_user *user_r)
{
	const char *error;
	int ret;

	ret = lazy_expunge_account_user_get(cmd, target, FALSE, user_r, &error);
	if (ret <= 0) {
		return lazy_expunge_account_user_fail(cmd, user_r, ret, error,
			t_strdup_printf("userdb does not know %s: add the user "
				"first, or name another one", target));
	}
	account->target = p_strdup(cmd->registry.pool, user_r->username);
	return TRUE;
}

/* Lock the target's name, too, so that its account stays where it is. */
static bool merge_aim(struct lazy_expunge_account_cmd *cmd,
		      struct lazy_expunge_account *account, const char *target)
{
	struct lazy_expunge_account_user user;
	const char *first;
	struct stat st;

	if (!merge_find_target(cmd, account, target, &user))
		return FALSE;
	if (array_count(&user.paths) == 0)
		return TRUE;
	first = lazy_expunge_places_first(&user.paths);
	return stat(lazy_expunge_path_parent(first), &st) < 0 ||
		lazy_expunge_account_cmd_lock(cmd,
			lazy_expunge_accounts_dir(first), account->target);
}

static bool merge_check(struct lazy_expunge_account_cmd *cmd,
			const struct lazy_expunge_account *account,
			const char *mailbox)
{
	const char *held = lazy_expunge_account_held_by(account, cmd->now);

	if (*mailbox == '\0' || !uni_utf8_str_is_valid(mailbox)) {
		return lazy_expunge_account_cmd_fail(cmd, EX_USAGE,
			t_strdup_printf("-m %s: this is no mailbox's name",
					mailbox));
	}
	if (held == NULL)
		return TRUE;
	return lazy_expunge_account_cmd_fail(cmd, EX_NOPERM, t_strdup_printf(
		"%s is held by %s, and a hold goes with the whole account: -t "
		"brings it back under another name", account->id, held));
}

/* What will be refused must not leave an open step, which nothing could end. */
static bool merge_check_target(struct merge_cmd *mcmd, const char *target)
{
	struct merge_cmd check = *mcmd;
	const char *error;

	check.merged = NULL;
	check.params.context = &check;
	if (lazy_expunge_account_user_with(target, merge_user, &check,
					   &error) < 0)
		return lazy_expunge_account_cmd_fail(mcmd->cmd, EX_TEMPFAIL,
						     error);
	return check.ok;
}

bool lazy_expunge_account_merge_plan(struct lazy_expunge_account_cmd *cmd,
				     struct lazy_expunge_account *account,
				     const char *target, const char *mailbox)
{
	struct merge_cmd mcmd = {
		.cmd = cmd,
		.params = {
			.account = account, .mailbox = mailbox,
			.failed = merge_failed,
		},
	};
	struct lazy_expunge_account_user user;

	if (!merge_check(cmd, account, mailbox) ||
	    !merge_find_target(cmd, account, target, &user))
		return FALSE;
	/* before it is all among the deleted its parts cannot be looked at */
	if (account->step != LAZY_EXPUNGE_ACCOUNT_TAKING &&
	    !merge_check_target(&mcmd, account->target))
		return FALSE;
	account->mailbox = mailbox;
	return TRUE;
}

bool lazy_expunge_account_merge(struct lazy_expunge_account_cmd *cmd,
				struct lazy_expunge_account *account,
				const char *target, const char *mailbox,
				struct lazy_expunge_merged *merged_r)
{
	struct merge_cmd mcmd = {
		.cmd = cmd,
		.merged = merged_r,
		.params = {
			.account = account, .mailbox = mailbox,
			.is_killed = doveadm_is_killed,
			.failed = merge_failed,
		},
	};
	const char *old_target = account->target, *error;

	i_zero(merged_r);
	mcmd.params.context = &mcmd;
	if (!merge_check(cmd, account, mailbox) ||
	    !merge_aim(cmd, account, target) ||
	    !merge_check_target(&mcmd, account->target))
		return FALSE;
	/* it may have begun to copy to there. That it came to its end does not say that
	   Dovecot wrote all: keywords that a full disk did not take fail nothing. */
	mcmd.params.resumed = strcmp(account->mailbox, mailbox) == 0 &&
		strcmp(account->target, old_target) == 0;
	account->mailbox = mailbox;
	if (lazy_expunge_registry_step(account, LAZY_EXPUNGE_ACCOUNT_MERGING,
				       &error) < 0 ||
	    lazy_expunge_account_user_with(account->target, merge_user, &mcmd,
					   &error) < 0)
		return lazy_expunge_account_cmd_fail(cmd, EX_TEMPFAIL, error);
	if (!mcmd.ok)
		return FALSE;
	if (lazy_expunge_registry_step(account, LAZY_EXPUNGE_ACCOUNT_DELETED,
				       &error) < 0)
		return lazy_expunge_account_cmd_fail(cmd, EX_TEMPFAIL, error);
	return TRUE;
}
