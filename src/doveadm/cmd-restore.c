/* doveadm lazy-expunge restore: puts mail back, a row for each origin. */

#include "lib.h"
#include "array.h"
#include "core/deletion-lines.h"
#include "inventory/copies.h"
#include "inventory/missed.h"
#include "restore/boxes.h"
#include "restore/intent.h"
#include "restore/restore.h"
#include "restore/undo.h"
#include "core/text.h"
#include "doveadm-print.h"
#include "doveadm/print.h"
#include "doveadm/command.h"
#include "doveadm/commands.h"

struct restore_cmd {
	struct lazy_expunge_cmd cmd;
	struct lazy_expunge_restore_params params;
	/* -U: the restore that is taken back, NULL = none */
	const char *undo;
};

static void restore_say(struct restore_cmd *rcmd,
			const struct lazy_expunge_restore_row *row)
{
	if (*row->origin == '\0' && rcmd->params.target == NULL &&
	    row->restored > 0) {
		lazy_expunge_cmd_say(&rcmd->cmd, "%u mails do not say where "
			"they came from: %s INBOX (-t chooses another mailbox)",
			row->restored, rcmd->params.plan ? "they would go to" :
			"they are in");
	}
	if (row->renamed && row->restored + row->copied + row->skipped > 0) {
		lazy_expunge_cmd_say(&rcmd->cmd, "%s was renamed: its mails "
			"%s %s (-t chooses another mailbox)",
			lazy_expunge_text_safe(row->origin),
			rcmd->params.plan ? "would go to" : "are in",
			lazy_expunge_text_safe(row->target));
	}
	if (row->copy_error.text != NULL) {
		i_error("%u mails from %s cannot be copied from where they "
			"live: %s", row->not_copied,
			lazy_expunge_text_safe(row->origin),
			lazy_expunge_text_safe(row->copy_error.text));
		(void)lazy_expunge_cmd_failed(&rcmd->cmd, row->copy_error.code);
	}
	if (row->error.text != NULL) {
		i_error("%u mails from %s %s in the expunge storage: %s",
			row->failed, *row->origin == '\0' ?
			"an unknown mailbox" :
			lazy_expunge_text_safe(row->origin),
			rcmd->params.plan ? "would stay" : "stay",
			lazy_expunge_text_safe(row->error.text));
		(void)lazy_expunge_cmd_failed(&rcmd->cmd, row->error.code);
	}
}

static void row_print(const struct lazy_expunge_restore_row *row)
{
	lazy_expunge_print_text(row->origin);
	lazy_expunge_print_text(row->target);
	lazy_expunge_print_number(row->restored);
	lazy_expunge_print_number(row->copied);
	lazy_expunge_print_number(row->skipped);
	lazy_expunge_print_number(row->failed + row->not_copied);
}

static void undo_say(struct restore_cmd *rcmd,
		     const struct lazy_expunge_restore_row *row)
{
	if (row->skipped > 0) {
		lazy_expunge_cmd_say(&rcmd->cmd, "%u mails of %s are changed or "
			"gone: they %s as they are", row->skipped,
			lazy_expunge_text_safe(row->origin),
			rcmd->params.plan ? "would stay" : "stay");
	}
	if (row->error.text != NULL) {
		i_error("%u mails stay in %s: %s", row->failed,
			lazy_expunge_text_safe(row->origin),
			lazy_expunge_text_safe(row->error.text));
		(void)lazy_expunge_cmd_failed(&rcmd->cmd, row->error.code);
	}
}

static int undo_run(struct restore_cmd *rcmd, struct lazy_expunge_user *luser)
{
	ARRAY_TYPE(lazy_expunge_restore_row) rows;
	const struct lazy_expunge_restore_row *row;
	struct lazy_expunge_error error;
	pool_t pool = pool_alloconly_create("lazy_expunge undo", 4096);
	int ret;

	p_array_init(&rows, pool, 4);
	ret = lazy_expunge_undo(luser, rcmd->undo, rcmd->params.plan, pool,
				&rows, &error);
	array_foreach(&rows, row) T_BEGIN {
		row_print(row);
		undo_say(rcmd, row);
	} T_END;
	if (ret < 0 && error.text != NULL)
		ret = lazy_expunge_cmd_fail(&rcmd->cmd, &error);
	pool_unref(&pool);
	return ret;
}

/* With -t, which takes mail from anywhere, copies of what lives are left where
   they are unless it is said whose they are. */
static bool restore_wants_copies(const struct restore_cmd *rcmd)
{
	return rcmd->params.target == NULL || rcmd->cmd.deletion != NULL ||
		rcmd->cmd.range.origins != NULL;
}

/* A user's run. */
struct restore_run {
	struct restore_cmd *rcmd;
	struct lazy_expunge_user *luser;
	/* NULL if there are none, or they were not looked for */
	struct lazy_expunge_select *copies;
	/* what it is about, which lives as long */
	pool_t pool;
	ARRAY_TYPE(lazy_expunge_passed) missed;
	/* some mailboxes cannot be read */
	bool unread;
};

/* A restore that was killed may have left it there without its flags. */
static bool restore_is_unfinished(void *context, const char *guid,
				  const char *vname)
{
	return lazy_expunge_restore_intent_has(context, guid, vname, TRUE);
}

/* What passed while a copy lived. */
static int restore_find_copies(void *context,
			       struct lazy_expunge_restore_intent *intent,
			       struct lazy_expunge_select **select_r)
{
	struct restore_run *run = context;
	struct restore_cmd *rcmd = run->rcmd;
	const struct lazy_expunge_copies_params params = {
		.target = rcmd->params.target,
		.missed = &run->missed,
		.is_unfinished = intent == NULL ? NULL : restore_is_unfinished,
		.context = intent,
	};
	int ret = 0;

	if (restore_wants_copies(rcmd))
		lazy_expunge_missed_read(run->luser, run->pool, &run->missed);
	/* the storages are opened once more */
	if (array_count(&run->missed) > 0) {
		run->copies = lazy_expunge_cmd_select_copies(&rcmd->cmd,
				run->luser, &params, rcmd->params.plan, &ret);
	}
	*select_r = run->copies;
	/* it was said, and what was found is wanted all the same */
	run->unread = run->copies != NULL &&
		array_count(&run->copies->unread) > 0;
	return ret;
}

static int restore_run(struct lazy_expunge_cmd *cmd,
		       struct lazy_expunge_user *luser)
{
	struct restore_cmd *rcmd = container_of(cmd, struct restore_cmd, cmd);
	struct restore_run run = { .rcmd = rcmd, .luser = luser };
	ARRAY_TYPE(lazy_expunge_restore_row) rows;
	const struct lazy_expunge_restore_row *row;
	struct lazy_expunge_select *select;
	ARRAY_TYPE(const_string) boxes, missing;
	const bool named = cmd->deletion != NULL || cmd->range.origins != NULL;
	pool_t pool;
	int ret;

	if (rcmd->undo != NULL)
		return undo_run(rcmd, luser);
	select = lazy_expunge_cmd_select_quietly(cmd, luser,
				LAZY_EXPUNGE_SELECT_OLDEST_FIRST, &ret);
	if (select == NULL)
		return ret;
	pool = pool_alloconly_create("lazy_expunge restore", 1024);
	run.pool = pool;
	p_array_init(&run.missed, pool, 4);
	p_array_init(&boxes, pool, 4);
	if (rcmd->params.target == NULL)
		lazy_expunge_cmd_find_boxes(cmd, luser, pool, &boxes);
	p_array_init(&missing, pool, 4);
	lazy_expunge_restore_boxes_missing(luser, &boxes, &missing);
	t_array_init(&rows, 8);
	rcmd->params.find_copies = restore_find_copies;
	rcmd->params.context = &run;
	ret = lazy_expunge_restore(select, &rcmd->params, &rows);
	if (lazy_expunge_restore_boxes(luser, &boxes, rcmd->params.plan, pool,
				       &rows) < 0 || run.unread)
		ret = -1;
	if (!rcmd->params.plan) {
		lazy_expunge_restore_boxes_finish(luser,
			cmd->deletion == NULL ? 0 :
			lazy_expunge_deletion_id_parse(cmd->deletion),
			&missing);
	}
	array_foreach(&rows, row) T_BEGIN {
		row_print(row);
		restore_say(rcmd, row);
	} T_END;
	if (ret == 0 && array_count(&rows) == 0 &&
	    (!named || array_count(&boxes) == 0))
		ret = lazy_expunge_cmd_found_nothing(cmd, select);
	lazy_expunge_select_deinit(&run.copies);
	lazy_expunge_select_deinit(&select);
	pool_unref(&pool);
	return ret;
}

static void restore_print_headers(void)
{
	lazy_expunge_print_header("origin");
	lazy_expunge_print_header("target");
	lazy_expunge_print_header_number("restored");
	lazy_expunge_print_header_number("copied");
	lazy_expunge_print_header_number("skipped");
	lazy_expunge_print_header_number("failed");
}

/* -U names all that it needs. */
static void restore_init_undo(struct restore_cmd *rcmd)
{
	struct lazy_expunge_cmd *cmd = &rcmd->cmd;

	if (*rcmd->undo == '\0')
		lazy_expunge_cmd_refuse(cmd, EX_USAGE,
					"The restore (-U) is empty");
	else if (cmd->has_query || cmd->deletion != NULL ||
		 rcmd->params.target != NULL || rcmd->params.ignore_acls ||
		 cmd->range.origins != NULL ||
		 cmd->range.since != 0 || cmd->range.until != 0) {
		lazy_expunge_cmd_refuse(cmd, EX_USAGE, "-U takes a whole restore "
			"back: no query, and no other option but -n");
	}
}

static void restore_init(struct lazy_expunge_cmd *cmd)
{
	struct restore_cmd *rcmd = container_of(cmd, struct restore_cmd, cmd);

	if (!doveadm_cmd_param_str(cmd->ctx.cctx, "undo", &rcmd->undo))
		rcmd->undo = NULL;
	/* a deletion says what is wanted */
	lazy_expunge_cmd_init_query(cmd, rcmd->undo == NULL &&
		!lazy_expunge_cmd_has_param(cmd, "deletion"));
	rcmd->params.plan = lazy_expunge_cmd_flag(cmd, "plan");
	rcmd->params.ignore_acls = lazy_expunge_cmd_flag(cmd, "ignore-acls");
	rcmd->params.is_killed = doveadm_is_killed;
	if (doveadm_cmd_param_str(cmd->ctx.cctx, "target",
				  &rcmd->params.target) &&
	    *rcmd->params.target == '\0') {
		lazy_expunge_cmd_refuse(cmd, EX_USAGE,
					"The target (-t) is empty");
	}
	if (rcmd->undo != NULL && !cmd->refused)
		restore_init_undo(rcmd);
	if (!cmd->refused)
		restore_print_headers();
}

static struct doveadm_mail_cmd_context *restore_alloc(void)
{
	struct restore_cmd *rcmd =
		lazy_expunge_cmd_alloc(struct restore_cmd,
				       DOVEADM_PRINT_TYPE_TABLE,
				       restore_init, restore_run);
	return &rcmd->cmd.ctx;
}

struct doveadm_cmd_ver2 lazy_expunge_cmd_restore = {
	.name = "lazy-expunge restore",
	.mail_cmd = restore_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX
		"[-n] [-I] " LAZY_EXPUNGE_CMD_QUERY_USAGE "[-t <target mailbox>] [-U <restore>] <search query>",
DOVEADM_CMD_PARAMS_START
LAZY_EXPUNGE_CMD_COMMON_PARAMS
DOVEADM_CMD_PARAM('n', "plan", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('I', "ignore-acls", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('t', "target", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('U', "undo", CMD_PARAM_STR, 0)
LAZY_EXPUNGE_CMD_QUERY_PARAMS
DOVEADM_CMD_PARAMS_END
};
