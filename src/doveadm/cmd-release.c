/* doveadm lazy-expunge release: the end of a hold, after a grace in which it
   can be taken back. */

#include "lib.h"
#include "ioloop.h"
#include "account/never-used.h"
#include "hold/change.h"
#include "doveadm-print.h"
#include "doveadm/print.h"
#include "doveadm/command.h"
#include "doveadm/commands.h"
#include "doveadm/who.h"

#define RELEASE_GRACE_SECS (24 * 60 * 60)

struct release_cmd {
	struct lazy_expunge_cmd cmd;
	const char *name, *by;
	unsigned int grace_secs;
};

static int release_run(struct lazy_expunge_cmd *cmd,
		       struct lazy_expunge_user *luser)
{
	struct release_cmd *rcmd = container_of(cmd, struct release_cmd, cmd);
	struct lazy_expunge_error error;
	time_t until;

	/* there is no hold to be released, and no place for a lock */
	if (lazy_expunge_cmd_is_multi(cmd) &&
	    lazy_expunge_user_is_new(luser->user))
		return 0;
	io_loop_time_refresh();
	if (lazy_expunge_hold_release(luser, rcmd->name, rcmd->by,
				      rcmd->grace_secs, ioloop_time, &until,
				      &error) < 0) {
		/* not everybody has it */
		if (error.code == MAIL_ERROR_NOTFOUND &&
		    lazy_expunge_cmd_is_multi(cmd))
			return 0;
		return lazy_expunge_cmd_fail(cmd, &error);
	}
	luser->catalog_changed = TRUE;
	lazy_expunge_print_text(rcmd->name);
	lazy_expunge_print_time(until);
	lazy_expunge_print_text(rcmd->by);
	return 0;
}

static void release_init(struct lazy_expunge_cmd *cmd)
{
	struct release_cmd *rcmd = container_of(cmd, struct release_cmd, cmd);
	const struct doveadm_cmd_context *cctx = cmd->ctx.cctx;
	const char *text, *error;

	rcmd->grace_secs = RELEASE_GRACE_SECS;
	if (!doveadm_cmd_param_str(cctx, "name", &rcmd->name)) {
		lazy_expunge_cmd_refuse(cmd, EX_USAGE,
			"Which hold is released? -N is its name");
		return;
	}
	if (doveadm_cmd_param_str(cctx, "grace", &text) &&
	    lazy_expunge_hold_parse_span(text, &rcmd->grace_secs, &error) < 0) {
		lazy_expunge_cmd_refuse(cmd, EX_USAGE,
					t_strconcat("-g ", error, NULL));
	}
	rcmd->by = p_strdup(cmd->ctx.pool, lazy_expunge_cmd_who(cctx));
	if (cmd->refused)
		return;
	lazy_expunge_print_header("name");
	lazy_expunge_print_header_time("until");
	lazy_expunge_print_header("by");
}

static struct doveadm_mail_cmd_context *release_alloc(void)
{
	struct release_cmd *rcmd =
		lazy_expunge_cmd_alloc(struct release_cmd,
				       DOVEADM_PRINT_TYPE_TABLE,
				       release_init, release_run);

	rcmd->cmd.runs_when_off = TRUE;
	rcmd->cmd.needs_plugin = TRUE;
	return &rcmd->cmd.ctx;
}

struct doveadm_cmd_ver2 lazy_expunge_cmd_release = {
	.name = "lazy-expunge release",
	.mail_cmd = release_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX
		"-N <name> [-g <grace>] [-b <by>]",
DOVEADM_CMD_PARAMS_START
LAZY_EXPUNGE_CMD_COMMON_PARAMS
DOVEADM_CMD_PARAM('N', "name", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('g', "grace", CMD_PARAM_STR, 0)
LAZY_EXPUNGE_CMD_BY_PARAM
DOVEADM_CMD_PARAMS_END
};
