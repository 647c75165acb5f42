/* doveadm lazy-expunge hold: from now on nothing that it covers leaves the
   storage for good. */

#include "lib.h"
#include "ioloop.h"
#include "mail-search.h"
#include "account/never-used.h"
#include "core/time-words.h"
#include "hold/change.h"
#include "hold/holds.h"
#include "hold/read-ahead.h"
#include "doveadm-print.h"
#include "doveadm/print.h"
#include "doveadm/command.h"
#include "doveadm/commands.h"
#include "doveadm/who.h"

struct hold_cmd {
	struct lazy_expunge_cmd cmd;
	struct lazy_expunge_hold hold;
};

static int hold_run(struct lazy_expunge_cmd *cmd,
		    struct lazy_expunge_user *luser)
{
	struct hold_cmd *hcmd = container_of(cmd, struct hold_cmd, cmd);
	struct lazy_expunge_error error;

	/* as the users of a system's services: none of them gets mail. Whoever may
	   get some is held before it comes. */
	if (lazy_expunge_cmd_is_multi(cmd) &&
	    lazy_expunge_user_place(luser->user) == LAZY_EXPUNGE_PLACE_NONE) {
		lazy_expunge_cmd_say(cmd, "Not held: the user never had mail, "
				     "and there is no place for a home");
		return 0;
	}
	io_loop_time_refresh();
	hcmd->hold.set_time = ioloop_time;
	if (lazy_expunge_hold_set(luser, &hcmd->hold, ioloop_time, &error) < 0)
		return lazy_expunge_cmd_fail(cmd, &error);
	luser->catalog_changed = TRUE;
	lazy_expunge_print_text(hcmd->hold.name);
	lazy_expunge_print_time(hcmd->hold.set_time);
	lazy_expunge_print_time(hcmd->hold.until);
	lazy_expunge_print_text(hcmd->hold.set_by);
	/* it is in force, however long this takes; of several users all are held
	   first, and nothing is read */
	if (!lazy_expunge_cmd_is_multi(cmd)) {
		lazy_expunge_hold_read_ahead(luser, hcmd->hold.name,
					     doveadm_is_killed);
	}
	return 0;
}

/* A span counts from now; a day is over when it ends. */
static int hold_parse_until(const char *text, time_t *until_r,
			    const char **error_r)
{
	unsigned int secs;
	time_t first, last;
	const char *error;

	if (lazy_expunge_hold_parse_span(text, &secs, &error) == 0)
		last = ioloop_time + (time_t)secs;
	else if (lazy_expunge_time_parse(text, ioloop_time, &first, &last,
					 error_r) < 0)
		return -1;
	else if (last > first)
		last++;
	if (last <= ioloop_time) {
		*error_r = t_strdup_printf("-e %s: the end of a hold must be "
					   "in the future", text);
		return -1;
	}
	*until_r = last;
	return 0;
}

static void hold_init_query(struct hold_cmd *hcmd)
{
	static const char *const no_words[] = { NULL };
	struct mail_search_args *args;
	const char *const *query = NULL;
	const char *error;

	hcmd->hold.query = no_words;
	if (!doveadm_cmd_param_array(hcmd->cmd.ctx.cctx, "query", &query) ||
	    query[0] == NULL)
		return;
	hcmd->hold.query = p_strarray_dup(hcmd->cmd.ctx.pool, query);
	if (lazy_expunge_hold_build_query(query, &args, &error) < 0)
		lazy_expunge_cmd_refuse(&hcmd->cmd, EX_USAGE, error);
	else
		mail_search_args_unref(&args);
}

static void hold_init(struct lazy_expunge_cmd *cmd)
{
	struct hold_cmd *hcmd = container_of(cmd, struct hold_cmd, cmd);
	const struct doveadm_cmd_context *cctx = cmd->ctx.cctx;
	const char *text, *error;

	if (!doveadm_cmd_param_str(cctx, "name", &hcmd->hold.name)) {
		lazy_expunge_cmd_refuse(cmd, EX_USAGE,
			"A hold needs a name: -N");
		return;
	}
	if (lazy_expunge_hold_check_name(hcmd->hold.name, &error) < 0)
		lazy_expunge_cmd_refuse(cmd, EX_USAGE, error);
	if (!doveadm_cmd_param_str(cctx, "reason", &hcmd->hold.reason))
		hcmd->hold.reason = "";
	if (doveadm_cmd_param_str(cctx, "until", &text) &&
	    hold_parse_until(text, &hcmd->hold.until, &error) < 0)
		lazy_expunge_cmd_refuse(cmd, EX_USAGE, error);
	hcmd->hold.set_by = p_strdup(cmd->ctx.pool, lazy_expunge_cmd_who(cctx));
	hcmd->hold.released_by = "";
	hold_init_query(hcmd);
	if (cmd->refused)
		return;
	lazy_expunge_print_header("name");
	lazy_expunge_print_header_time("set");
	lazy_expunge_print_header_time("until");
	lazy_expunge_print_header("by");
}

static struct doveadm_mail_cmd_context *hold_alloc(void)
{
	struct hold_cmd *hcmd =
		lazy_expunge_cmd_alloc(struct hold_cmd,
				       DOVEADM_PRINT_TYPE_TABLE,
				       hold_init, hold_run);

	hcmd->cmd.needs_plugin = TRUE;
	return &hcmd->cmd.ctx;
}

struct doveadm_cmd_ver2 lazy_expunge_cmd_hold = {
	.name = "lazy-expunge hold",
	.mail_cmd = hold_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX
		"-N <name> [-r <reason>] [-e <until>] [-b <by>] "
		"[<search query>]",
DOVEADM_CMD_PARAMS_START
LAZY_EXPUNGE_CMD_COMMON_PARAMS
DOVEADM_CMD_PARAM('N', "name", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('r', "reason", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('e', "until", CMD_PARAM_STR, 0)
LAZY_EXPUNGE_CMD_BY_PARAM
DOVEADM_CMD_PARAM('\0', "query", CMD_PARAM_ARRAY, CMD_PARAM_FLAG_POSITIONAL)
DOVEADM_CMD_PARAMS_END
};
