/* What the commands share. One map turns errors into exit codes, doveadm's own. */

#include "lib.h"
#include "array.h"
#include "istream.h"
#include "wildcard-match.h"
#include "doveadm-print.h"
#include "doveadm-settings.h"
#include "compat/compat-command.h"
#include "account/storage-spelling.h"
#include "core/text.h"
#include "doveadm/all-users.h"
#include "doveadm/print.h"
#include "doveadm/load-failure.h"
#include "doveadm/worker.h"
#include "doveadm/workers.h"
#include "account/plugin-module.h"
#include "account/storages.h"
#include "catalog/writer.h"
#include "doveadm/command.h"

#include <bsd/stdlib.h>

/* More would not be quicker on any machine. */
#define JOBS_MAX 256U

void lazy_expunge_cmd_say(struct lazy_expunge_cmd *cmd ATTR_UNUSED,
			  const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	T_BEGIN {
		i_info("%s", t_strdup_vprintf(fmt, args));
	} T_END;
	va_end(args);
}

void lazy_expunge_cmd_refuse(struct lazy_expunge_cmd *cmd, int exit_code,
			     const char *error)
{
	if (!cmd->refused) T_BEGIN {
		i_error("%s: %s", cmd->ctx.cmd->name,
			lazy_expunge_text_safe(error));
	} T_END;
	cmd->refused = TRUE;
	cmd->ctx.exit_code = exit_code;
}

int lazy_expunge_cmd_failed(struct lazy_expunge_cmd *cmd, enum mail_error code)
{
	if (code == MAIL_ERROR_NONE)
		code = MAIL_ERROR_TEMP;
	doveadm_mail_failed_error(&cmd->ctx, code);
	return -1;
}

int lazy_expunge_cmd_fail(struct lazy_expunge_cmd *cmd,
			  const struct lazy_expunge_error *error)
{
	/* names come from users, and this goes to a terminal */
	T_BEGIN {
		i_error("%s", lazy_expunge_text_safe(error->text));
	} T_END;
	return lazy_expunge_cmd_failed(cmd, error->code);
}

bool lazy_expunge_cmd_is_multi(struct lazy_expunge_cmd *cmd)
{
	return !cmd->ctx.iterate_single_user ||
		lazy_expunge_compat_cmd_is_one_of_many(&cmd->ctx);
}

bool lazy_expunge_cmd_is_done_here(struct lazy_expunge_cmd *cmd)
{
	const struct doveadm_settings *set = cmd->ctx.set;

	return set->doveadm_worker_count == 0 && set->doveadm_port == 0;
}

bool lazy_expunge_cmd_knows_all(struct lazy_expunge_cmd *cmd)
{
	if (cmd->ctx.iterate_single_user)
		return FALSE;
	/* users that could not be looked up are not done either */
	return cmd->users_here == cmd->users ||
		lazy_expunge_cmd_is_done_here(cmd);
}

bool lazy_expunge_cmd_flag(struct lazy_expunge_cmd *cmd, const char *name)
{
	bool value = FALSE;

	return doveadm_cmd_param_bool(cmd->ctx.cctx, name, &value) && value;
}

bool lazy_expunge_cmd_has_param(struct lazy_expunge_cmd *cmd, const char *name)
{
	const char *value;

	return doveadm_cmd_param_str(cmd->ctx.cctx, name, &value);
}

/* An upgrade of Dovecot may have put its own plugin back into the place of this
   one: that is said once, and what would pretend otherwise does not run. Returns
   TRUE if the command may go on. */
static bool cmd_check_plugin(struct lazy_expunge_cmd *cmd)
{
	const char *path = lazy_expunge_plugin_module_foreign();

	if (path == NULL || cmd->tells_plugin)
		return TRUE;
	if (!cmd->foreign_said) {
		i_error("%s is another plugin of this name: deleted mail is "
			"not kept as it is set. Install dovecot-lazy-expunge "
			"over it", path);
	}
	cmd->foreign_said = TRUE;
	cmd->ctx.exit_code = EX_CONFIG;
	return !cmd->needs_plugin;
}

/* Returns 1 if the command is to run for the user, 0 if the plugin is off and
   that is no error, -1 if it is. */
static int cmd_check_user(struct lazy_expunge_cmd *cmd,
			  struct lazy_expunge_user *luser)
{
	struct lazy_expunge_storage *storage;
	const char *error = luser->set.error;

	if (cmd->runs_when_off)
		return 1;
	if (error == NULL) {
		array_foreach_elem(lazy_expunge_user_storages(luser), storage) {
			if (storage->error != NULL)
				error = storage->error;
		}
	}
	if (error == NULL &&
	    array_count(lazy_expunge_user_storages(luser)) > 0)
		return 1;
	if (error == NULL) {
		/* some users may well be without */
		if (lazy_expunge_cmd_is_multi(cmd))
			return 0;
		error = "lazy_expunge is not set for this user: "
			"deleted mail is not kept";
	}
	i_error("%s", error);
	cmd->ctx.exit_code = EX_CONFIG;
	return -1;
}

static int cmd_run(struct doveadm_mail_cmd_context *ctx, struct mail_user *user)
{
	struct lazy_expunge_cmd *cmd =
		container_of(ctx, struct lazy_expunge_cmd, ctx);
	struct lazy_expunge_user *luser;
	int ret;

	if (cmd->refused)
		return -1;
	cmd->users_here++;
	lazy_expunge_progress_clear(&cmd->progress);
	luser = lazy_expunge_user_get(user);
	ret = !cmd_check_plugin(cmd) ? -1 : cmd_check_user(cmd, luser);
	if (ret == 0)
		cmd->users_off++;
	if (ret > 0) {
		lazy_expunge_spelling_mend_storages(luser);
		ret = cmd->run(cmd, luser);
	}
	lazy_expunge_user_release(luser);
	if (lazy_expunge_cmd_is_multi(cmd))
		lazy_expunge_progress_show(&cmd->progress);
	return ret;
}

void lazy_expunge_cmd_init_jobs(struct lazy_expunge_cmd *cmd,
				const char *const options[])
{
	const char *jobs, *error;

	cmd->job_options = options;
	cmd->is_worker = lazy_expunge_cmd_flag(cmd, "worker");
	if (cmd->is_worker) {
		cmd->progress.wanted = FALSE;
		lazy_expunge_worker_begin();
		return;
	}
	if (!doveadm_cmd_param_str(cmd->ctx.cctx, "jobs", &jobs))
		return;
	cmd->jobs = strtonum(jobs, 1, JOBS_MAX, &error);
	if (error != NULL) {
		lazy_expunge_cmd_refuse(cmd, EX_USAGE, t_strdup_printf(
			"-j %s: the number of processes must be 1 to %u", jobs,
			JOBS_MAX));
	} else if (cmd->jobs > 1 &&
		   cmd->ctx.cctx->conn_type != DOVEADM_CONNECTION_TYPE_CLI) {
		lazy_expunge_cmd_refuse(cmd, EX_USAGE,
			"-j works only on the command line");
	}
}

/* In one process: was the last one done? */
static void cmd_check_last(struct lazy_expunge_cmd *cmd)
{
	if (cmd->next_name != NULL && cmd->jobs <= 1 &&
	    cmd->users_here == cmd->next_here && cmd->not_run != NULL)
		cmd->not_run(cmd, cmd->next_name);
	i_free(cmd->next_name);
	cmd->next_here = cmd->users_here;
}

static void cmd_want_all_users(struct lazy_expunge_cmd *cmd)
{
	if (cmd->all_users == NULL) {
		cmd->all_users = lazy_expunge_all_users_init(
					cmd->ctx.storage_service,
					cmd->mask == NULL ? "*" : cmd->mask);
	}
}

static int cmd_read_user(struct lazy_expunge_cmd *cmd, const char **username_r)
{
	struct doveadm_mail_cmd_context *ctx = &cmd->ctx;
	int ret;

	if (cmd->next_user != NULL) {
		cmd_check_last(cmd);
		ret = cmd->next_user(cmd, username_r);
	} else if (ctx->users_list_input == NULL) {
		cmd_want_all_users(cmd);
		ret = lazy_expunge_all_users_next(cmd->all_users, username_r);
	} else {
		/* else the last one is left out if its line has no end */
		i_stream_set_return_partial_line(ctx->users_list_input, TRUE);
		*username_r = i_stream_read_next_line(ctx->users_list_input);
		ret = *username_r != NULL ? 1 : 0;
		if (ctx->users_list_input->stream_errno != 0) {
			i_error("read(%s) failed: %s",
				i_stream_get_name(ctx->users_list_input),
				i_stream_get_error(ctx->users_list_input));
			ret = -1;
		}
	}
	return ret;
}

/* doveadm goes by the mask only where it does the users itself. */
static int cmd_read_next_user(struct lazy_expunge_cmd *cmd,
			      const char **username_r)
{
	int ret;

	do {
		ret = cmd_read_user(cmd, username_r);
	} while (ret > 0 && cmd->mask != NULL &&
		 !wildcard_match_icase(*username_r, cmd->mask));
	if (ret <= 0)
		return ret;
	cmd->users++;
	if (cmd->next_user != NULL)
		cmd->next_name = i_strdup(*username_r);
	return ret;
}

/* All at once: auth gives up a list that is read slower than it writes. */
static void job_started(void *context)
{
	struct lazy_expunge_cmd *cmd = context;

	if (cmd->next_user != NULL || cmd->ctx.users_list_input != NULL)
		return;
	cmd_want_all_users(cmd);
	lazy_expunge_all_users_read(cmd->all_users);
}

static int job_next(void *context, const char **username_r)
{
	return cmd_read_next_user(context, username_r);
}

static void job_done(void *context, const char *username, const char *values)
{
	struct lazy_expunge_cmd *cmd = context;

	cmd->users_here++;
	lazy_expunge_progress_clear(&cmd->progress);
	if (*values != '\0') {
		doveadm_print_sticky("username", username);
		lazy_expunge_print_replay(values);
	} else if (cmd->not_run != NULL)
		cmd->not_run(cmd, username);
	lazy_expunge_progress_show(&cmd->progress);
}

static void job_died(void *context, const char *username, const char *how)
{
	struct lazy_expunge_cmd *cmd = context;

	cmd->users_here++;
	lazy_expunge_progress_clear(&cmd->progress);
	i_error("%s: The process that was at work for %s %s", cmd->ctx.cmd->name,
		lazy_expunge_text_safe(username), how);
	doveadm_print_sticky("username", username);
	cmd->print_died(cmd);
	lazy_expunge_progress_show(&cmd->progress);
}

/* All users, done by other processes. */
static int cmd_run_jobs(struct lazy_expunge_cmd *cmd)
{
	static const struct lazy_expunge_workers_callbacks callbacks = {
		.started = job_started,
		.next = job_next,
		.done = job_done,
		.died = job_died,
	};
	const char *error;
	int ret, exit_code = 0;

	ret = lazy_expunge_workers_run(cmd->ctx.cmd->name, cmd->job_options,
				       cmd->jobs, &callbacks, cmd, &exit_code,
				       &error);
	if (exit_code != 0)
		cmd->ctx.exit_code = exit_code;
	if (ret < 0 && error != NULL) {
		i_error("%s: %s", cmd->ctx.cmd->name, error);
		cmd->ctx.exit_code = EX_TEMPFAIL;
		/* which said all that is to be said */
		ret = 0;
	}
	return ret;
}

/* Returns TRUE if there is nothing to do for the user, whose row is printed. */
static bool cmd_passes_over(struct lazy_expunge_cmd *cmd, const char *username)
{
	bool passed_over;

	/* who ends the command ends it with the next visit */
	if (cmd->passes_over == NULL || doveadm_is_killed())
		return FALSE;
	T_BEGIN {
		doveadm_print_sticky("username", username);
		lazy_expunge_progress_clear(&cmd->progress);
		passed_over = cmd->passes_over(cmd, username);
		if (passed_over) {
			cmd->users_here++;
			lazy_expunge_progress_show(&cmd->progress);
		}
	} T_END;
	return passed_over;
}

/* The next user who is to be visited by this process. */
static int cmd_next_visited(struct lazy_expunge_cmd *cmd,
			    const char **username_r)
{
	int ret;

	do {
		ret = cmd->is_worker ? lazy_expunge_worker_next(username_r) :
			cmd_read_next_user(cmd, username_r);
	} while (ret > 0 && cmd_passes_over(cmd, *username_r));
	return ret;
}

static int cmd_get_next_user(struct doveadm_mail_cmd_context *ctx,
			     const char **username_r)
{
	struct lazy_expunge_cmd *cmd =
		container_of(ctx, struct lazy_expunge_cmd, ctx);
	int ret;

	if (cmd->refused)
		return 0;
	if (cmd->is_worker)
		return cmd_next_visited(cmd, username_r);
	if (cmd->jobs > 1)
		return cmd_run_jobs(cmd);
	if (cmd->all_read)
		return cmd->next_again(cmd, username_r);
	ret = cmd_next_visited(cmd, username_r);
	if (ret != 0 || cmd->next_again == NULL)
		return ret;
	cmd->all_read = TRUE;
	lazy_expunge_progress_clear(&cmd->progress);
	return cmd->next_again(cmd, username_r);
}

LAZY_EXPUNGE_COMPAT_CMD_INIT(cmd_init)
{
	struct lazy_expunge_cmd *cmd =
		container_of(ctx, struct lazy_expunge_cmd, ctx);
	const bool cli = ctx->cctx->conn_type == DOVEADM_CONNECTION_TYPE_CLI;

	if (!doveadm_cmd_param_str(ctx->cctx, "user", &cmd->mask) ||
	    wildcard_is_literal(cmd->mask))
		cmd->mask = NULL;
	lazy_expunge_startup_done();
	lazy_expunge_progress_init(&cmd->progress, cli);
	if (cli)
		lazy_expunge_print_wait_for_reader();
	cmd->init(cmd);
}

/* Whoever saves the rows must not take a part of them for all. */
static void cmd_finish_output(struct lazy_expunge_cmd *cmd)
{
	const char *error;

	T_BEGIN {
		if (lazy_expunge_print_finish(&error) < 0) {
			i_error("%s: %s", cmd->ctx.cmd->name, error);
			if (cmd->ctx.exit_code == 0)
				cmd->ctx.exit_code = EX_IOERR;
		}
	} T_END;
}

/* Of one user it was said. */
static void cmd_say_nothing(struct lazy_expunge_cmd *cmd)
{
	if (cmd->ctx.exit_code == 0 && cmd->users_nothing > 0 &&
	    cmd->users_nothing + cmd->users_off == cmd->users_here &&
	    lazy_expunge_cmd_knows_all(cmd))
		lazy_expunge_cmd_say(cmd, LAZY_EXPUNGE_CMD_NOTHING);
}

static void cmd_deinit(struct doveadm_mail_cmd_context *ctx)
{
	struct lazy_expunge_cmd *cmd =
		container_of(ctx, struct lazy_expunge_cmd, ctx);

	lazy_expunge_progress_clear(&cmd->progress);
	cmd_say_nothing(cmd);
	i_free(cmd->next_name);
	lazy_expunge_all_users_deinit(&cmd->all_users);
	if (cmd->deinit != NULL && !cmd->refused)
		cmd->deinit(cmd);
	lazy_expunge_catalog_deinit();
	if (ctx->cctx->conn_type == DOVEADM_CONNECTION_TYPE_CLI)
		cmd_finish_output(cmd);
}

struct lazy_expunge_cmd *
lazy_expunge_cmd_alloc_size(size_t size, const char *format,
			    void (*init)(struct lazy_expunge_cmd *cmd),
			    int (*run)(struct lazy_expunge_cmd *cmd,
				       struct lazy_expunge_user *luser))
{
	struct doveadm_mail_cmd_context *ctx;
	struct lazy_expunge_cmd *cmd;

	ctx = doveadm_mail_cmd_alloc_size(size);
	cmd = container_of(ctx, struct lazy_expunge_cmd, ctx);
	lazy_expunge_compat_cmd_take_options(ctx);
	ctx->v.init = cmd_init;
	ctx->v.deinit = cmd_deinit;
	ctx->v.run = cmd_run;
	ctx->v.get_next_user = cmd_get_next_user;
	cmd->init = init;
	cmd->run = run;
	lazy_expunge_print_begin();
	doveadm_print_init(format);
	return cmd;
}
