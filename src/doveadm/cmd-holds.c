/* doveadm lazy-expunge holds: which holds there are, the oldest first, also
   those that are over. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "str.h"
#include "account/error.h"
#include "hold/holds.h"
#include "doveadm-print.h"
#include "doveadm/print.h"
#include "doveadm/command.h"
#include "doveadm/commands.h"
#include "doveadm/holds-catalog.h"

struct holds_cmd {
	struct lazy_expunge_cmd cmd;
	/* -c, else NULL */
	struct lazy_expunge_holds_catalog *catalog;
};

static const char *holds_state(const struct lazy_expunge_hold *hold)
{
	if (!lazy_expunge_hold_is_active(hold, ioloop_time))
		return hold->released != 0 ? "released" : "over";
	return hold->released != 0 ? "grace" : "held";
}

/* The words as a shell would take them. */
static const char *holds_query(const char *const *words)
{
	string_t *str = t_str_new(64);

	for (; *words != NULL; words++) {
		if (str_len(str) > 0)
			str_append_c(str, ' ');
		if (**words != '\0' && strpbrk(*words, " \t\"'\\*?$") == NULL) {
			str_append(str, *words);
			continue;
		}
		str_append_c(str, '\'');
		for (const char *p = *words; *p != '\0'; p++) {
			if (*p == '\'')
				str_append(str, "'\\''");
			else
				str_append_c(str, *p);
		}
		str_append_c(str, '\'');
	}
	return str_c(str);
}

static void holds_print(const struct lazy_expunge_hold *hold, const char *state)
{
	lazy_expunge_print_text(hold->name);
	lazy_expunge_print_text(state);
	lazy_expunge_print_time(hold->set_time);
	lazy_expunge_print_text(hold->set_by);
	lazy_expunge_print_time(hold->until);
	lazy_expunge_print_text(hold->reason);
	lazy_expunge_print_text(holds_query(hold->query));
	lazy_expunge_print_time(hold->released);
	lazy_expunge_print_text(hold->released_by);
}

static int holds_print_all(struct lazy_expunge_cmd *cmd,
			   struct lazy_expunge_user *luser, pool_t pool)
{
	static const char *const no_words[] = { NULL };
	struct lazy_expunge_hold setting = {
		.name = LAZY_EXPUNGE_HOLD_SETTING, .reason = "", .set_by = "",
		.released_by = "", .query = no_words,
	};
	ARRAY_TYPE(lazy_expunge_hold) holds;
	const struct lazy_expunge_hold *hold;
	struct lazy_expunge_error error;

	if (luser->set.hold)
		holds_print(&setting, "held");
	p_array_init(&holds, pool, 4);
	if (lazy_expunge_holds_read(luser, pool, &holds, &error.text) < 0) {
		setting.name = "";
		setting.reason = error.text;
		holds_print(&setting, "unreadable");
		error.code = MAIL_ERROR_TEMP;
		return lazy_expunge_cmd_fail(cmd, &error);
	}
	array_foreach(&holds, hold)
		holds_print(hold, holds_state(hold));
	if (array_count(&holds) == 0 && !luser->set.hold &&
	    !lazy_expunge_cmd_is_multi(cmd))
		lazy_expunge_cmd_say(cmd, "There is no hold");
	return 0;
}

static int holds_run(struct lazy_expunge_cmd *cmd,
		     struct lazy_expunge_user *luser)
{
	pool_t pool = pool_alloconly_create("lazy_expunge holds", 1024);
	int ret;

	io_loop_time_refresh();
	ret = holds_print_all(cmd, luser, pool);
	pool_unref(&pool);
	return ret;
}

static int holds_next_user(struct lazy_expunge_cmd *cmd,
			   const char **username_r)
{
	struct holds_cmd *hcmd = container_of(cmd, struct holds_cmd, cmd);

	return lazy_expunge_holds_catalog_next(cmd, hcmd->catalog, username_r);
}

static void holds_init(struct lazy_expunge_cmd *cmd)
{
	struct holds_cmd *hcmd = container_of(cmd, struct holds_cmd, cmd);

	hcmd->catalog = lazy_expunge_holds_catalog_init(cmd);
	if (hcmd->catalog != NULL) {
		cmd->next_user = holds_next_user;
		cmd->not_run = lazy_expunge_holds_catalog_not_run;
	}
	lazy_expunge_print_header("name");
	lazy_expunge_print_header("state");
	lazy_expunge_print_header_time("set");
	lazy_expunge_print_header("by");
	lazy_expunge_print_header_time("until");
	lazy_expunge_print_header("reason");
	lazy_expunge_print_header("query");
	lazy_expunge_print_header_time("released");
	lazy_expunge_print_header("released_by");
}

static void holds_deinit(struct lazy_expunge_cmd *cmd)
{
	struct holds_cmd *hcmd = container_of(cmd, struct holds_cmd, cmd);

	lazy_expunge_holds_catalog_deinit(&hcmd->catalog);
}

static struct doveadm_mail_cmd_context *holds_alloc(void)
{
	struct holds_cmd *hcmd =
		lazy_expunge_cmd_alloc(struct holds_cmd,
				       DOVEADM_PRINT_TYPE_TABLE,
				       holds_init, holds_run);

	hcmd->cmd.runs_when_off = TRUE;
	hcmd->cmd.deinit = holds_deinit;
	return &hcmd->cmd.ctx;
}

struct doveadm_cmd_ver2 lazy_expunge_cmd_holds = {
	.name = "lazy-expunge holds",
	.mail_cmd = holds_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX"[-c]",
DOVEADM_CMD_PARAMS_START
LAZY_EXPUNGE_CMD_COMMON_PARAMS
DOVEADM_CMD_PARAM('c', "catalog", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAMS_END
};
