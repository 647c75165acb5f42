/* doveadm lazy-expunge maintain: retention for users who log in and those who
   do not. */

#include "lib.h"
#include "ioloop.h"
#include "retention/maintain.h"
#include "doveadm-print.h"
#include "doveadm/account-purge.h"
#include "doveadm/print.h"
#include "catalog/writer.h"
#include "events/events.h"
#include "doveadm/command.h"
#include "doveadm/due-list.h"
#include "doveadm/make-room.h"
#include "doveadm/pass-over.h"
#include "doveadm/commands.h"

#include <unistd.h>

/* in the place of a user's name: deleted accounts whose time is over */
#define MAINTAIN_ACCOUNTS_USERNAME "DELETED ACCOUNTS"

struct maintain_cmd {
	struct lazy_expunge_cmd cmd;
	/* whose rights the command has, before it takes those of users */
	uid_t uid;
	gid_t gid;
	bool plan;
	/* --make-room, else NULL */
	struct lazy_expunge_make_room *room;
	/* -D, else NULL */
	struct lazy_expunge_due_list *due;
	/* NULL = each user is visited */
	struct lazy_expunge_pass_over *pass_over;
	/* for -j */
	const char *job_options[3];
};

static void maintain_print(const struct lazy_expunge_maintain_result *result)
{
	lazy_expunge_print_number(result->expunged);
	lazy_expunge_print_size(result->bytes);
	lazy_expunge_print_number(result->skipped ? 1 : 0);
	lazy_expunge_print_number(result->failed);
	lazy_expunge_print_number(result->held);
}

/* A user with a row in the catalog is visited: it is compared with what is
   there. */
static void maintain_may_pass_over(struct maintain_cmd *mcmd, bool with_row)
{
	if (with_row)
		lazy_expunge_pass_over_end(mcmd->pass_over);
	else
		lazy_expunge_pass_over_begin(mcmd->pass_over);
}

static bool maintain_passes_over(struct lazy_expunge_cmd *cmd,
				 const char *username)
{
	struct maintain_cmd *mcmd = container_of(cmd, struct maintain_cmd, cmd);
	const struct lazy_expunge_maintain_result result = { .expunged = 0 };

	if (!lazy_expunge_pass_over_user(mcmd->pass_over, username))
		return FALSE;
	lazy_expunge_event_maintained_idle(username);
	maintain_print(&result);
	return TRUE;
}

static int maintain_run(struct lazy_expunge_cmd *cmd,
			struct lazy_expunge_user *luser)
{
	struct maintain_cmd *mcmd = container_of(cmd, struct maintain_cmd, cmd);
	struct lazy_expunge_maintain_params params = {
		.plan = mcmd->plan,
		.lookup = lazy_expunge_pass_over_lookup(mcmd->pass_over),
	};
	struct lazy_expunge_maintain_result result;
	enum mail_error error;
	int ret;

	if (mcmd->room != NULL)
		return lazy_expunge_make_room_run(cmd, mcmd->room, luser);
	if (luser->set.error != NULL) {
		/* nothing may be deleted, retention included */
		i_error("%s", luser->set.error);
		cmd->ctx.exit_code = EX_CONFIG;
		return -1;
	}
	/* autoexpunge goes by this time, too */
	io_loop_time_refresh();
	params.now = ioloop_time;
	params.with_row = !mcmd->plan && lazy_expunge_catalog_is_set(luser);
	maintain_may_pass_over(mcmd, params.with_row);
	ret = lazy_expunge_maintain(luser, &params, &result, &error);
	if (result.row.known != 0) {
		luser->catalog_changed = FALSE;
		lazy_expunge_catalog_write(luser, &result.row);
	}
	if (result.never_used && mcmd->due != NULL)
		lazy_expunge_due_list_not_here(cmd, mcmd->due, luser);
	maintain_print(&result);
	if (result.skipped) {
		lazy_expunge_cmd_say(cmd, "Skipped: another maintain of this "
				     "user is running");
	}
	return ret < 0 ? lazy_expunge_cmd_failed(cmd, error) : 0;
}

static int maintain_next_again(struct lazy_expunge_cmd *cmd,
			       const char **username_r)
{
	struct maintain_cmd *mcmd = container_of(cmd, struct maintain_cmd, cmd);

	return mcmd->room == NULL ? 0 :
		lazy_expunge_make_room_next(cmd, mcmd->room, username_r);
}

static int maintain_next_user(struct lazy_expunge_cmd *cmd,
			      const char **username_r)
{
	struct maintain_cmd *mcmd = container_of(cmd, struct maintain_cmd, cmd);

	return lazy_expunge_due_list_next(cmd, mcmd->due, username_r);
}

static void maintain_not_run(struct lazy_expunge_cmd *cmd, const char *username)
{
	struct maintain_cmd *mcmd = container_of(cmd, struct maintain_cmd, cmd);

	lazy_expunge_due_list_not_run(mcmd->due, username);
}

static void maintain_init_due(struct maintain_cmd *mcmd)
{
	mcmd->due = lazy_expunge_due_list_init(&mcmd->cmd, mcmd->plan);
	if (mcmd->due == NULL)
		return;
	mcmd->job_options[mcmd->plan ? 1 : 0] = "-D";
	if (!mcmd->cmd.is_worker) {
		mcmd->cmd.next_user = maintain_next_user;
		mcmd->cmd.not_run = maintain_not_run;
	}
}

/* A plan always looks, and who is due is not idle. */
static void maintain_init_pass_over(struct maintain_cmd *mcmd)
{
	if (mcmd->plan || mcmd->due != NULL || mcmd->cmd.refused)
		return;
	mcmd->pass_over = lazy_expunge_pass_over_init(&mcmd->cmd);
	if (mcmd->pass_over != NULL)
		mcmd->cmd.passes_over = maintain_passes_over;
}

static void maintain_init(struct lazy_expunge_cmd *cmd)
{
	struct maintain_cmd *mcmd = container_of(cmd, struct maintain_cmd, cmd);

	mcmd->uid = geteuid();
	mcmd->gid = getegid();
	mcmd->plan = lazy_expunge_cmd_flag(cmd, "plan");
	if (mcmd->plan)
		mcmd->job_options[0] = "-n";
	lazy_expunge_cmd_init_jobs(cmd, mcmd->job_options);
	/* whoever is refused has nothing to free */
	if (!cmd->refused)
		maintain_init_due(mcmd);
	if (!cmd->refused)
		mcmd->room = lazy_expunge_make_room_init(cmd, mcmd->plan);
	if (mcmd->room != NULL)
		return;
	maintain_init_pass_over(mcmd);
	lazy_expunge_print_header_number("expunged");
	lazy_expunge_print_header_number("bytes");
	lazy_expunge_print_header_number("skipped");
	lazy_expunge_print_header_number("failed");
	lazy_expunge_print_header_number("held");
}

static void maintain_accounts(struct maintain_cmd *mcmd)
{
	struct lazy_expunge_account_purge_sums sums;

	lazy_expunge_account_purge_due(mcmd->plan, "maintain", &sums);
	if (sums.accounts + sums.skipped + sums.failed + sums.held == 0)
		return;
	doveadm_print_sticky("username", MAINTAIN_ACCOUNTS_USERNAME);
	lazy_expunge_print_number(sums.accounts);
	lazy_expunge_print_size(sums.bytes);
	lazy_expunge_print_number(sums.skipped);
	lazy_expunge_print_number(sums.failed);
	lazy_expunge_print_number(sums.held);
	if (sums.failed > 0 && mcmd->cmd.ctx.exit_code == 0)
		mcmd->cmd.ctx.exit_code = EX_TEMPFAIL;
}

/* After all users: they may have lent their rights, which are too few. */
static void maintain_deinit(struct lazy_expunge_cmd *cmd)
{
	struct maintain_cmd *mcmd = container_of(cmd, struct maintain_cmd, cmd);
	const uid_t uid = geteuid();
	const gid_t gid = getegid();
	const bool by_catalog = mcmd->due != NULL;

	lazy_expunge_pass_over_deinit(&mcmd->pass_over);
	if (mcmd->room != NULL) {
		lazy_expunge_make_room_deinit(cmd, &mcmd->room);
		return;
	}
	if (cmd->ctx.iterate_single_user || cmd->is_worker) {
		lazy_expunge_due_list_deinit(&mcmd->due);
		return;
	}
	if (uid != mcmd->uid &&
	    (seteuid(mcmd->uid) < 0 || setegid(mcmd->gid) < 0))
		return;
	maintain_accounts(mcmd);
	if (mcmd->due != NULL) {
		lazy_expunge_due_list_finish(cmd, mcmd->due);
		lazy_expunge_catalog_deinit();
		lazy_expunge_due_list_deinit(&mcmd->due);
	}
	if (uid != mcmd->uid && (setegid(gid) < 0 || seteuid(uid) < 0))
		i_fatal("seteuid(%ld) failed: %m", (long)uid);
	/* by the catalog nobody may be due, and then nobody has told of it */
	if (!mcmd->plan && cmd->ctx.exit_code == 0 && !doveadm_is_killed() &&
	    (by_catalog || cmd->users_here > 0))
		lazy_expunge_event_run_finished(cmd->users_here);
}

static void maintain_print_died(struct lazy_expunge_cmd *cmd ATTR_UNUSED)
{
	const struct lazy_expunge_maintain_result result = { .failed = 1 };

	maintain_print(&result);
}

static struct doveadm_mail_cmd_context *maintain_alloc(void)
{
	struct maintain_cmd *mcmd =
		lazy_expunge_cmd_alloc(struct maintain_cmd,
				       DOVEADM_PRINT_TYPE_TABLE,
				       maintain_init, maintain_run);

	/* Trash and Junk have their retention also without the storage */
	mcmd->cmd.runs_when_off = TRUE;
	mcmd->cmd.next_again = maintain_next_again;
	mcmd->cmd.deinit = maintain_deinit;
	mcmd->cmd.print_died = maintain_print_died;
	mcmd->cmd.needs_plugin = TRUE;
	return &mcmd->cmd.ctx;
}

struct doveadm_cmd_ver2 lazy_expunge_cmd_maintain = {
	.name = "lazy-expunge maintain",
	.mail_cmd = maintain_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX
		"[-n] [-D [-M <days>]] [-j <jobs>] [-m <size>]",
DOVEADM_CMD_PARAMS_START
LAZY_EXPUNGE_CMD_COMMON_PARAMS
DOVEADM_CMD_PARAM('n', "plan", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('m', "make-room", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('D', "due", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('M', "max-age", CMD_PARAM_STR, 0)
LAZY_EXPUNGE_CMD_JOBS_PARAMS
DOVEADM_CMD_PARAMS_END
};
