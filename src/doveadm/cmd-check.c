/* doveadm lazy-expunge check: is deleted mail kept, as the administrator
   thinks? */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "master-service.h"
#include "check/check.h"
#include "doveadm-print.h"
#include "doveadm/print.h"
#include "doveadm/check-rows.h"
#include "doveadm/command.h"
#include "doveadm/commands.h"

struct check_cmd {
	struct lazy_expunge_cmd cmd;
	bool live;
	struct lazy_expunge_check_config config;
};

static int check_run(struct lazy_expunge_cmd *cmd,
		     struct lazy_expunge_user *luser)
{
	struct check_cmd *ccmd = container_of(cmd, struct check_cmd, cmd);
	struct lazy_expunge_findings findings;
	const struct lazy_expunge_finding *row;

	i_zero(&findings);
	findings.pool = pool_alloconly_create("lazy_expunge check", 2048);
	io_loop_time_refresh();
	T_BEGIN {
		lazy_expunge_check_modules(&findings, luser);
		lazy_expunge_check_protocols(&findings, luser, &ccmd->config);
		lazy_expunge_check_exclude(&findings, luser, &ccmd->config);
		lazy_expunge_check_storage(&findings, luser, ioloop_time);
		lazy_expunge_check_hold(&findings, luser);
		lazy_expunge_check_account(&findings, luser, ioloop_time);
		if (ccmd->live) {
			lazy_expunge_check_live(&findings, luser,
						&ccmd->config);
		}
	} T_END;
	array_foreach(&findings.rows, row) {
		lazy_expunge_check_print_row(row->id,
			lazy_expunge_finding_state_name(row->state),
			row->found, row->remedy);
	}
	if (lazy_expunge_findings_worst(&findings) ==
	    LAZY_EXPUNGE_FINDING_FAIL && cmd->ctx.exit_code == 0)
		cmd->ctx.exit_code = LAZY_EXPUNGE_CHECK_EX_FAIL;
	pool_unref(&findings.pool);
	return 0;
}

static void check_init(struct lazy_expunge_cmd *cmd)
{
	struct check_cmd *ccmd = container_of(cmd, struct check_cmd, cmd);

	lazy_expunge_check_print_headers();
	ccmd->live = lazy_expunge_cmd_flag(cmd, "live");
	/* now: the user's process may not read it any more */
	lazy_expunge_check_config_read(&ccmd->config,
		master_service_get_config_path(master_service), cmd->ctx.pool);
}

static void check_deinit(struct lazy_expunge_cmd *cmd)
{
	struct check_cmd *ccmd = container_of(cmd, struct check_cmd, cmd);

	lazy_expunge_check_config_free(&ccmd->config);
}

static struct doveadm_mail_cmd_context *check_alloc(void)
{
	struct check_cmd *ccmd =
		lazy_expunge_cmd_alloc(struct check_cmd,
				       LAZY_EXPUNGE_CHECK_FORMAT,
				       check_init, check_run);

	ccmd->cmd.runs_when_off = TRUE;
	ccmd->cmd.deinit = check_deinit;
	return &ccmd->cmd.ctx;
}

struct doveadm_cmd_ver2 lazy_expunge_cmd_check = {
	.name = "lazy-expunge check",
	.mail_cmd = check_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX "[-L]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_MAIL_COMMON
DOVEADM_CMD_PARAM('L', "live", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAMS_END
};
