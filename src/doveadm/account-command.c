/* Account commands: locks, errors, and which command ends what. */

#include "lib.h"
#include "array.h"
#include "file-lock.h"
#include "ioloop.h"
#include "str.h"
#include "compat/compat-service.h"
#include "core/text.h"
#include "accounts/moves.h"
#include "doveadm.h"
#include "doveadm-cmd.h"
#include "doveadm-print.h"
#include "doveadm/account-command.h"
#include "doveadm/help.h"
#include "doveadm/load-failure.h"
#include "doveadm/print.h"

#include <sysexits.h>
#include <time.h>

bool lazy_expunge_account_cmd_fail(struct lazy_expunge_account_cmd *cmd,
				   int exit_code, const char *error)
{
	T_BEGIN {
		i_error("%s: %s", cmd->cctx->cmd->name,
			lazy_expunge_text_safe(error));
	} T_END;
	doveadm_exit_code = exit_code;
	return FALSE;
}

void lazy_expunge_account_cmd_say(
	struct lazy_expunge_account_cmd *cmd ATTR_UNUSED, const char *text)
{
	T_BEGIN {
		i_info("%s", lazy_expunge_text_safe(text));
	} T_END;
}

/* Returns FALSE if the command cannot go on, which was said. */
static bool cmd_begin(struct lazy_expunge_account_cmd *cmd,
		      const struct doveadm_cmd_context *cctx)
{
	const struct master_service_settings *set =
		lazy_expunge_compat_service_settings();
	const char *error;

	i_zero(cmd);
	cmd->cctx = cctx;
	cmd->pool = pool_alloconly_create("lazy_expunge account", 4096);
	/* a look at a user reads them anew */
	cmd->base_dir = p_strdup(cmd->pool, set->base_dir);
	cmd->state_dir = p_strdup(cmd->pool, set->state_dir);
	cmd->now = time(NULL);
	p_array_init(&cmd->locks, cmd->pool, 2);
	p_array_init(&cmd->locked, cmd->pool, 2);
	lazy_expunge_startup_done();
	lazy_expunge_print_begin();
	doveadm_print_init(LAZY_EXPUNGE_ACCOUNT_FORMAT);
	if (cctx->conn_type == DOVEADM_CONNECTION_TYPE_CLI)
		lazy_expunge_print_wait_for_reader();
	if (lazy_expunge_registry_init(&cmd->registry, cmd->state_dir,
				       &error) < 0)
		return lazy_expunge_account_cmd_fail(cmd, EX_TEMPFAIL, error);
	return TRUE;
}

static void cmd_finish(struct lazy_expunge_account_cmd *cmd)
{
	struct file_lock *lock;
	const char *error;

	array_foreach_elem(&cmd->locks, lock)
		file_lock_free(&lock);
	if (cmd->cctx->conn_type == DOVEADM_CONNECTION_TYPE_CLI &&
	    lazy_expunge_print_finish(&error) < 0)
		(void)lazy_expunge_account_cmd_fail(cmd, EX_IOERR, error);
	lazy_expunge_registry_deinit(&cmd->registry);
	pool_unref(&cmd->pool);
}

void lazy_expunge_account_cmd_run(struct doveadm_cmd_context *cctx,
				  void (*headers)(void),
				  lazy_expunge_account_cmd_run_t *run)
{
	struct lazy_expunge_account_cmd cmd;

	if (lazy_expunge_help_asked(cctx))
		return;
	if (cmd_begin(&cmd, cctx)) {
		headers();
		run(&cmd);
	}
	cmd_finish(&cmd);
}

const char *lazy_expunge_account_cmd_param(struct lazy_expunge_account_cmd *cmd,
					   const char *name)
{
	const char *value;

	return doveadm_cmd_param_str(cmd->cctx, name, &value) ? value : NULL;
}

bool lazy_expunge_account_cmd_flag(struct lazy_expunge_account_cmd *cmd,
				   const char *name)
{
	bool value = FALSE;

	return doveadm_cmd_param_bool(cmd->cctx, name, &value) && value;
}

bool lazy_expunge_account_cmd_lock(struct lazy_expunge_account_cmd *cmd,
				   const char *dir, const char *user)
{
	const char *name = p_strconcat(cmd->pool, dir, "/", user, NULL);
	const char *error, *old;
	struct file_lock *lock;
	int ret;

	array_foreach_elem(&cmd->locked, old) {
		if (strcmp(old, name) == 0)
			return TRUE;
	}
	ret = lazy_expunge_registry_lock(dir, user, &lock, &error);
	if (ret > 0) {
		array_push_back(&cmd->locks, &lock);
		array_push_back(&cmd->locked, &name);
		return TRUE;
	}
	if (ret == 0) {
		error = t_strdup_printf("Another command is at work with the "
			"account of %s: try again when it has ended", user);
	}
	return lazy_expunge_account_cmd_fail(cmd, EX_TEMPFAIL, error);
}

struct lazy_expunge_account *
lazy_expunge_account_cmd_find(struct lazy_expunge_account_cmd *cmd,
			      const char *id)
{
	struct lazy_expunge_account *account =
		lazy_expunge_registry_find(&cmd->registry, id);
	const struct lazy_expunge_account_part *part;
	const char *dir, *error;
	int ret = 0;

	if (account != NULL) {
		part = array_front(&account->parts);
		dir = lazy_expunge_path_parent(part->to);
		if (!lazy_expunge_account_cmd_lock(cmd,
				lazy_expunge_path_parent(dir), account->user))
			return NULL;
		ret = lazy_expunge_registry_reread(cmd->registry.pool, account,
						   &error);
	}
	if (ret < 0)
		(void)lazy_expunge_account_cmd_fail(cmd, EX_DATAERR, error);
	else if (ret == 0) {
		(void)lazy_expunge_account_cmd_fail(cmd, DOVEADM_EX_NOTFOUND,
			t_strdup_printf("There is no deleted account %s: "
				"account list shows those that there are", id));
	}
	return ret > 0 ? account : NULL;
}

/* As one word of a shell. */
static const char *quoted(const char *text)
{
	string_t *str = t_str_new(64);

	str_append_c(str, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			str_append(str, "'\\''");
		else
			str_append_c(str, *text);
	}
	str_append_c(str, '\'');
	return str_c(str);
}

const char *lazy_expunge_account_cmd_next(const struct lazy_expunge_account *account)
{
	if (account->renaming) {
		return t_strdup_printf("doveadm lazy-expunge account rename "
				       "-u %s %s", account->user,
				       account->target);
	}
	switch (account->step) {
	case LAZY_EXPUNGE_ACCOUNT_TAKING:
		return t_strdup_printf("doveadm lazy-expunge account delete "
				       "-u %s", account->user);
	case LAZY_EXPUNGE_ACCOUNT_BRINGING:
	case LAZY_EXPUNGE_ACCOUNT_TELLING:
		return t_strdup_printf("doveadm lazy-expunge account undelete "
				       "%s -t %s", account->id,
				       account->target);
	case LAZY_EXPUNGE_ACCOUNT_PURGING:
		return t_strdup_printf("doveadm lazy-expunge account purge %s",
				       account->id);
	case LAZY_EXPUNGE_ACCOUNT_MERGING:
		return t_strdup_printf("doveadm lazy-expunge account undelete "
				       "%s -t %s -m %s", account->id,
				       account->target,
				       quoted(account->mailbox));
	case LAZY_EXPUNGE_ACCOUNT_DELETED:
		break;
	}
	return "";
}

void lazy_expunge_account_cmd_remember(struct lazy_expunge_account_cmd *cmd)
{
	const struct lazy_expunge_account_part *part;
	struct lazy_expunge_account *account;
	const char *dir, *last = "", *error;

	array_foreach_elem(&cmd->registry.accounts, account) {
		part = array_front(&account->parts);
		dir = lazy_expunge_path_parent(
			lazy_expunge_path_parent(part->to));
		if (strcmp(dir, last) != 0 &&
		    lazy_expunge_registry_remember(cmd->state_dir, dir,
						   &error) < 0) {
			(void)lazy_expunge_account_cmd_fail(cmd, EX_TEMPFAIL,
							    error);
			return;
		}
		last = p_strdup(cmd->pool, dir);
	}
}
