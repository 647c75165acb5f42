/* doveadm lazy-expunge check: is deleted mail kept, as the administrator
   thinks? */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "master-service.h"
#include "core/finding-groups.h"
#include "account/never-used.h"
#include "check/check.h"
#include "doveadm-print.h"
#include "doveadm/print.h"
#include "doveadm/check-rows.h"
#include "doveadm/command.h"
#include "doveadm/commands.h"

/* not a name that a user can have with auth_username_format = %Lu */
#define CHECK_TOTAL_USERNAME "TOTAL"

struct check_cmd {
	struct lazy_expunge_cmd cmd;
	bool live;
	/* only what is FAIL */
	bool quiet;
	/* rows have a number of users */
	bool multi;
	struct lazy_expunge_check_config config;
	/* over all users that were checked here */
	struct lazy_expunge_finding_groups groups;
};

static void check_gather(struct check_cmd *ccmd,
			 struct lazy_expunge_user *luser,
			 struct lazy_expunge_findings *findings)
{
	const bool never_used = lazy_expunge_user_never_used(luser->user);

	lazy_expunge_check_modules(findings, luser);
	lazy_expunge_check_protocols(findings, luser, &ccmd->config);
	lazy_expunge_check_elsewhere(findings, &ccmd->config);
	lazy_expunge_check_exclude(findings, luser, &ccmd->config);
	lazy_expunge_check_format(findings, luser);
	lazy_expunge_check_storage(findings, luser, &ccmd->config,
				   ioloop_time);
	lazy_expunge_check_hold(findings, luser);
	lazy_expunge_check_erase(findings, luser);
	lazy_expunge_check_account(findings, luser, never_used, ioloop_time);
	lazy_expunge_check_catalog(findings, luser, never_used, ioloop_time);
	if (ccmd->live)
		lazy_expunge_check_live(findings, luser, &ccmd->config);
}

static void check_print(const struct check_cmd *ccmd,
			const struct lazy_expunge_finding *row,
			const char *found, unsigned int users)
{
	if (ccmd->quiet && row->state != LAZY_EXPUNGE_FINDING_FAIL)
		return;
	lazy_expunge_check_print_row(row->id,
		lazy_expunge_finding_state_name(row->state),
		ccmd->multi ? users : 0, found, row->remedy);
}

/* The answer first: what follows says why. */
static void check_print_user(const struct check_cmd *ccmd, const char *username,
			     const struct lazy_expunge_findings *findings)
{
	const struct lazy_expunge_finding *row;
	struct lazy_expunge_finding verdict = {
		.id = "verdict",
		.state = lazy_expunge_findings_worst(findings) ==
			LAZY_EXPUNGE_FINDING_FAIL ?
			LAZY_EXPUNGE_FINDING_FAIL : LAZY_EXPUNGE_FINDING_OK,
		.remedy = "",
	};

	check_print(ccmd, &verdict,
		    lazy_expunge_findings_verdict(findings, username), 1);
	array_foreach(&findings->rows, row)
		check_print(ccmd, row, row->found, 1);
}

static int check_run(struct lazy_expunge_cmd *cmd,
		     struct lazy_expunge_user *luser)
{
	struct check_cmd *ccmd = container_of(cmd, struct check_cmd, cmd);
	struct lazy_expunge_findings findings;

	i_zero(&findings);
	findings.pool = pool_alloconly_create("lazy_expunge check", 2048);
	io_loop_time_refresh();
	T_BEGIN {
		check_gather(ccmd, luser, &findings);
		/* a server does one of many, and others put them together */
		if (cmd->ctx.iterate_single_user) {
			check_print_user(ccmd, luser->user->username,
					 &findings);
		} else {
			lazy_expunge_finding_groups_add(&ccmd->groups,
				luser->user->username, &findings);
		}
	} T_END;
	if (lazy_expunge_findings_worst(&findings) ==
	    LAZY_EXPUNGE_FINDING_FAIL && cmd->ctx.exit_code == 0)
		cmd->ctx.exit_code = LAZY_EXPUNGE_CHECK_EX_FAIL;
	pool_unref(&findings.pool);
	return 0;
}

static void check_init(struct lazy_expunge_cmd *cmd)
{
	struct check_cmd *ccmd = container_of(cmd, struct check_cmd, cmd);

	ccmd->multi = lazy_expunge_cmd_is_multi(cmd);
	lazy_expunge_check_print_headers(ccmd->multi);
	ccmd->live = lazy_expunge_cmd_flag(cmd, "live");
	ccmd->quiet = lazy_expunge_cmd_flag(cmd, "quiet");
	ccmd->groups.pool = cmd->ctx.pool;
	/* now: the user's process may not read it any more */
	lazy_expunge_check_config_read(&ccmd->config,
		master_service_get_config_path(master_service), cmd->ctx.pool);
}

static void check_print_groups(struct check_cmd *ccmd)
{
	const struct lazy_expunge_finding_group *group;
	const char *found;

	if (!array_is_created(&ccmd->groups.rows))
		return;
	lazy_expunge_finding_groups_sort(&ccmd->groups);
	array_foreach(&ccmd->groups.rows, group) {
		doveadm_print_sticky("username",
				     lazy_expunge_finding_group_names(group));
		found = !group->differs ? group->row.found :
			t_strdup_printf("%s: %s", group->names[0],
					group->row.found);
		check_print(ccmd, &group->row, found, group->users);
	}
}

/* Who could not be looked up is not known to be protected. */
static void check_print_total(struct check_cmd *ccmd)
{
	const unsigned int users = ccmd->cmd.users;
	const unsigned int good = ccmd->groups.protected_users;
	const struct lazy_expunge_finding total = {
		.id = "protected",
		.state = good == users ? LAZY_EXPUNGE_FINDING_OK :
			LAZY_EXPUNGE_FINDING_FAIL,
		.remedy = "",
	};

	doveadm_print_sticky("username", CHECK_TOTAL_USERNAME);
	check_print(ccmd, &total, t_strdup_printf("%u of %u", good, users),
		    users);
	if (good != users && ccmd->cmd.ctx.exit_code == 0)
		ccmd->cmd.ctx.exit_code = LAZY_EXPUNGE_CHECK_EX_FAIL;
}

static void check_deinit(struct lazy_expunge_cmd *cmd)
{
	struct check_cmd *ccmd = container_of(cmd, struct check_cmd, cmd);

	T_BEGIN {
		check_print_groups(ccmd);
		if (lazy_expunge_cmd_knows_all(cmd) && cmd->users > 0)
			check_print_total(ccmd);
	} T_END;
	lazy_expunge_check_config_free(&ccmd->config);
}

static struct doveadm_mail_cmd_context *check_alloc(void)
{
	struct check_cmd *ccmd =
		lazy_expunge_cmd_alloc(struct check_cmd,
				       LAZY_EXPUNGE_CHECK_FORMAT,
				       check_init, check_run);

	ccmd->cmd.runs_when_off = TRUE;
	ccmd->cmd.tells_plugin = TRUE;
	ccmd->cmd.deinit = check_deinit;
	return &ccmd->cmd.ctx;
}

struct doveadm_cmd_ver2 lazy_expunge_cmd_check = {
	.name = "lazy-expunge check",
	.mail_cmd = check_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX "[-L] [-q]",
DOVEADM_CMD_PARAMS_START
LAZY_EXPUNGE_CMD_COMMON_PARAMS
DOVEADM_CMD_PARAM('L', "live", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('q', "quiet", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAMS_END
};
