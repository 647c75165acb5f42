/* Deleting an account: what it is, and the steps. */

#include "lib.h"
#include "array.h"
#include "randgen.h"
#include "events/events.h"
#include "accounts/account.h"
#include "accounts/moves.h"
#include "doveadm.h"
#include "doveadm/account-command.h"
#include "doveadm/account-delete.h"
#include "doveadm/account-user.h"
#include "doveadm/who.h"

#include <sys/stat.h>
#include <sysexits.h>

bool lazy_expunge_account_delete_finish(struct lazy_expunge_account_cmd *cmd,
					struct lazy_expunge_account *account)
{
	const char *error;

	if (lazy_expunge_account_take(account, cmd->base_dir, cmd->state_dir,
				      &error) < 0) {
		return lazy_expunge_account_cmd_fail(cmd, EX_TEMPFAIL,
			t_strdup_printf("%s (the account is %s)", error,
					account->id));
	}
	lazy_expunge_event_account("lazy_expunge_account_deleted", account->user,
				   account->id, account->by, "", 0, 0);
	return TRUE;
}

struct lazy_expunge_account *
lazy_expunge_account_delete_plan(struct lazy_expunge_account_cmd *cmd,
				 const struct lazy_expunge_account_user *user,
				 time_t kept_until, bool own)
{
	struct lazy_expunge_account *account;
	const struct lazy_expunge_place_path *first;
	const char *error;
	int ret;

	account = p_new(cmd->pool, struct lazy_expunge_account, 1);
	account->id = p_strdup(cmd->pool, lazy_expunge_account_make_id(
		user->username, cmd->now, i_rand()));
	account->user = user->username;
	account->by = p_strdup(cmd->pool, lazy_expunge_cmd_who(cmd->cctx));
	account->target = account->mailbox = "";
	account->namespaces = user->namespaces;
	account->deleted = cmd->now;
	account->kept_until = kept_until;
	account->held = user->hold;
	account->kernel_locks = user->kernel_locks;
	account->messages = user->messages;
	account->bytes = user->bytes;
	ret = lazy_expunge_places_split(account, cmd->pool, &user->paths,
					user->uid, own, &error);
	if (ret > 0)
		return account;
	if (ret == 0) {
		first = array_front(&user->paths);
		error = t_strdup_printf("%s has no account: there is nothing "
			"at %s", user->username, first->path);
	}
	(void)lazy_expunge_account_cmd_fail(cmd, ret < 0 ? EX_CONFIG :
					    DOVEADM_EX_NOTFOUND, error);
	return NULL;
}

bool lazy_expunge_account_delete_lock(
	struct lazy_expunge_account_cmd *cmd,
	const struct lazy_expunge_account *account)
{
	const struct lazy_expunge_account_part *part =
		array_front(&account->parts);
	struct stat st;

	if (!lazy_expunge_account_cmd_lock(cmd,
			lazy_expunge_accounts_dir(part->from), account->user))
		return FALSE;
	/* somebody may have been quicker */
	if (lstat(part->from, &st) < 0) {
		return lazy_expunge_account_cmd_fail(cmd, DOVEADM_EX_NOTFOUND,
			t_strdup_printf("lstat(%s) failed: %m", part->from));
	}
	return TRUE;
}

bool lazy_expunge_account_delete(struct lazy_expunge_account_cmd *cmd,
				 struct lazy_expunge_account *account)
{
	return lazy_expunge_account_delete_lock(cmd, account) &&
		lazy_expunge_account_delete_finish(cmd, account);
}
