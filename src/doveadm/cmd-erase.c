/* doveadm lazy-expunge erase: mails for good and now, everywhere in the account,
   with a report. */

#include "lib.h"
#include "array.h"
#include "hostpid.h"
#include "ioloop.h"
#include "str.h"
#include "core/json-line.h"
#include "core/text.h"
#include "erase/erase.h"
#include "export/output.h"
#include "doveadm-print.h"
#include "doveadm/print.h"
#include "doveadm/command.h"
#include "doveadm/commands.h"
#include "doveadm/out-file.h"
#include "doveadm/who.h"

struct erase_cmd {
	struct lazy_expunge_cmd cmd;
	/* -w */
	struct lazy_expunge_out_file file;
	/* -n */
	bool plan;
	/* something was erased */
	bool erased;
};

/* What this server cannot know of. */
static const char *const out_of_reach[] = {
	"copies of other users (erase -n -A with the same query counts them)",
	"backups, snapshots and archives",
	"replicas, until they are synchronized",
	"the queries of holds, as they were set (for a year after their end)",
	"lines of logs with the mail's GUID, mailbox and size",
	("Dovecot's index logs, which name what was expunged by its UID and "
	 "GUID until they are written anew"),
	"blocks of the disk that the file system has not used again"
};

static int erase_prerun(struct doveadm_mail_cmd_context *ctx,
			struct mail_storage_service_user *service_user
				ATTR_UNUSED,
			const char **error_r ATTR_UNUSED)
{
	struct lazy_expunge_cmd *cmd =
		container_of(ctx, struct lazy_expunge_cmd, ctx);
	struct erase_cmd *ecmd = container_of(cmd, struct erase_cmd, cmd);

	(void)lazy_expunge_out_file_finish(cmd, &ecmd->file);
	lazy_expunge_out_file_begin(cmd, &ecmd->file);
	return 0;
}

static void report_text(string_t *str, const char *key, const char *text)
{
	str_printfa(str, "\"%s\":", key);
	lazy_expunge_json_append(str, text);
	str_append(str, ",\n");
}

static void report_head(struct erase_cmd *ecmd, string_t *str,
			const char *error)
{
	const struct doveadm_cmd_context *cctx = ecmd->cmd.ctx.cctx;

	str_append(str, "{");
	report_text(str, "user", ecmd->file.username);
	report_text(str, "by", lazy_expunge_cmd_who(cctx));
	report_text(str, "time", lazy_expunge_text_iso8601(ioloop_time));
	report_text(str, "server", my_hostname);
	if (error != NULL)
		report_text(str, "error", error);
	str_append(str, "\"mails\":[");
}

/* The report: no content of mails, which the query may have, too. error is NULL
   if all went well. */
static const char *
report_make(struct erase_cmd *ecmd,
	    const ARRAY_TYPE(lazy_expunge_erase_row) *rows, const char *error)
{
	const struct lazy_expunge_erase_row *row;
	string_t *str = str_new(ecmd->cmd.ctx.pool, 1024);

	report_head(ecmd, str, error);
	array_foreach(rows, row) {
		str_append(str, row == array_front(rows) ? "\n{\"guid\":" :
			   ",\n{\"guid\":");
		lazy_expunge_json_append(str, row->guid);
		str_append(str, ",\"mailbox\":");
		lazy_expunge_json_append(str, row->mailbox);
		str_printfa(str, ",\"uid\":%u,\"size\":%"PRIu64",\"state\":"
			    "\"%s\",\"held\":", row->uid, row->size,
			    lazy_expunge_erase_state_name(row->state));
		lazy_expunge_json_append(str, row->held);
		str_append_c(str, '}');
	}
	str_append(str, "\n],\n\"out_of_reach\":[");
	for (unsigned int i = 0; i < N_ELEMENTS(out_of_reach); i++) {
		str_append(str, i == 0 ? "\n" : ",\n");
		lazy_expunge_json_append(str, out_of_reach[i]);
	}
	str_append(str, "\n]}\n");
	return str_c(str);
}

static void report_write(struct erase_cmd *ecmd,
			 const ARRAY_TYPE(lazy_expunge_erase_row) *rows,
			 const char *error)
{
	const char *text;

	if (ecmd->file.output == NULL)
		return;
	text = report_make(ecmd, rows, error);
	ecmd->file.whole = lazy_expunge_output_write(ecmd->file.output, text,
						     strlen(text)) == 0;
	if (!ecmd->file.whole) {
		i_error("%s: The report cannot be written: %m",
			ecmd->cmd.ctx.cmd->name);
		ecmd->cmd.ctx.exit_code = EX_IOERR;
	}
}

static void erase_print(struct erase_cmd *ecmd,
			const ARRAY_TYPE(lazy_expunge_erase_row) *rows)
{
	const struct lazy_expunge_erase_row *row;
	struct lazy_expunge_error error = { .code = MAIL_ERROR_PERM };
	const char *held = "";
	unsigned int count = 0;

	array_foreach(rows, row) {
		lazy_expunge_print_text(row->guid);
		lazy_expunge_print_text(row->mailbox);
		lazy_expunge_print_number(row->uid);
		lazy_expunge_print_size(row->size);
		lazy_expunge_print_text(
			lazy_expunge_erase_state_name(row->state));
		lazy_expunge_print_text(row->held);
		if (row->state == LAZY_EXPUNGE_ERASE_ERASED)
			ecmd->erased = TRUE;
		if (row->state == LAZY_EXPUNGE_ERASE_HELD)
			count++;
		if (*row->held != '\0')
			held = row->held;
	}
	if (count == 0)
		return;
	error.text = t_strdup_printf("%u copies stay, because they or others "
		"are held (%s): release the hold first", count, held);
	(void)lazy_expunge_cmd_fail(&ecmd->cmd, &error);
}

/* Whose copies the rows have beside those that match. */
static void erase_say_resumed(struct erase_cmd *ecmd,
			      const ARRAY_TYPE(lazy_expunge_erase_row) *rows)
{
	const struct lazy_expunge_erase_row *row;
	unsigned int count = 0;

	array_foreach(rows, row) {
		if (row->gone)
			count++;
	}
	if (count > 0) {
		lazy_expunge_cmd_say(&ecmd->cmd, "%u of these copies were "
			"taken by an erase that was cut off, which erase "
			"completes", count);
	}
}

/* Nobody needs to be told once more. */
static bool erase_is_told(struct erase_cmd *ecmd)
{
	return ecmd->file.path == NULL ||
		lazy_expunge_out_file_finish_now(&ecmd->cmd, &ecmd->file);
}

static int erase_run(struct lazy_expunge_cmd *cmd,
		     struct lazy_expunge_user *luser)
{
	struct erase_cmd *ecmd = container_of(cmd, struct erase_cmd, cmd);
	ARRAY_TYPE(lazy_expunge_erase_row) rows;
	struct lazy_expunge_error error;
	pool_t pool;
	int ret;

	if (ecmd->file.path != NULL && ecmd->file.output == NULL) {
		/* it was said */
		i_assert(cmd->ctx.exit_code != 0);
		return -1;
	}
	pool = pool_alloconly_create("lazy_expunge erase", 4096);
	p_array_init(&rows, pool, 16);
	ret = lazy_expunge_erase(luser, cmd->ctx.search_args, ecmd->plan, pool,
				 &rows, &error);
	if (ret == 0 && array_count(&rows) == 0 &&
	    !lazy_expunge_cmd_is_multi(cmd))
		lazy_expunge_cmd_say(cmd, "No mail matches");
	erase_say_resumed(ecmd, &rows);
	erase_print(ecmd, &rows);
	/* else there may be an error that was overcome, and its text is gone */
	report_write(ecmd, &rows, ret < 0 ? error.text : NULL);
	if (ret < 0)
		ret = lazy_expunge_cmd_fail(cmd, &error);
	else if (!ecmd->plan && erase_is_told(ecmd))
		lazy_expunge_erase_reported(luser);
	pool_unref(&pool);
	return ret;
}

static void erase_deinit(struct lazy_expunge_cmd *cmd)
{
	struct erase_cmd *ecmd = container_of(cmd, struct erase_cmd, cmd);

	(void)lazy_expunge_out_file_finish(cmd, &ecmd->file);
	lazy_expunge_out_file_deinit(&ecmd->file);
	if (!ecmd->erased ||
	    cmd->ctx.cctx->conn_type != DOVEADM_CONNECTION_TYPE_CLI)
		return;
	for (unsigned int i = 0; i < N_ELEMENTS(out_of_reach); i++)
		lazy_expunge_cmd_say(cmd, "Not reached: %s", out_of_reach[i]);
}

static void erase_init(struct lazy_expunge_cmd *cmd)
{
	struct erase_cmd *ecmd = container_of(cmd, struct erase_cmd, cmd);

	ecmd->plan = lazy_expunge_cmd_flag(cmd, "plan");
	lazy_expunge_cmd_init_query(cmd, !ecmd->plan);
	if (!doveadm_cmd_param_str(cmd->ctx.cctx, "write", &ecmd->file.path))
		ecmd->file.path = NULL;
	else if (*ecmd->file.path == '\0' || strcmp(ecmd->file.path, "-") == 0)
		lazy_expunge_cmd_refuse(cmd, EX_USAGE,
					"-w: the report needs a name");
	else if (cmd->ctx.cctx->conn_type != DOVEADM_CONNECTION_TYPE_CLI)
		lazy_expunge_cmd_refuse(cmd, EX_USAGE,
			"-w works only on the command line");
	if (cmd->refused)
		return;
	lazy_expunge_print_header("guid");
	lazy_expunge_print_header("mailbox");
	lazy_expunge_print_header_number("uid");
	lazy_expunge_print_header_number("size");
	lazy_expunge_print_header("state");
	lazy_expunge_print_header("held");
}

static struct doveadm_mail_cmd_context *erase_alloc(void)
{
	struct erase_cmd *ecmd =
		lazy_expunge_cmd_alloc(struct erase_cmd,
				       DOVEADM_PRINT_TYPE_TABLE,
				       erase_init, erase_run);

	ecmd->cmd.ctx.v.preinit = lazy_expunge_out_file_preinit;
	ecmd->cmd.ctx.v.prerun = erase_prerun;
	ecmd->cmd.deinit = erase_deinit;
	/* else what is deleted would be kept */
	ecmd->cmd.needs_plugin = TRUE;
	return &ecmd->cmd.ctx;
}

struct doveadm_cmd_ver2 lazy_expunge_cmd_erase = {
	.name = "lazy-expunge erase",
	.mail_cmd = erase_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX
		"[-n] [-w <file>] [-b <by>] <search query>",
DOVEADM_CMD_PARAMS_START
LAZY_EXPUNGE_CMD_COMMON_PARAMS
DOVEADM_CMD_PARAM('n', "plan", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('w', "write", CMD_PARAM_STR, 0)
LAZY_EXPUNGE_CMD_BY_PARAM
DOVEADM_CMD_PARAM('\0', "query", CMD_PARAM_ARRAY, CMD_PARAM_FLAG_POSITIONAL)
DOVEADM_CMD_PARAMS_END
};
