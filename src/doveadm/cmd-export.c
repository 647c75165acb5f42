/* doveadm lazy-expunge export: mails into an archive that can be trusted. */

#include "lib.h"
#include "array.h"
#include "hostpid.h"
#include "ioloop.h"
#include "str.h"
#include "export/archive-format.h"
#include "export/archive-writer.h"
#include "export/export.h"
#include "export/output.h"
#include "doveadm-print.h"
#include "doveadm/print.h"
#include "doveadm/command.h"
#include "doveadm/commands.h"
#include "doveadm/out-file.h"
#include "doveadm/who.h"

struct export_cmd {
	struct lazy_expunge_cmd cmd;
	/* -w */
	struct lazy_expunge_out_file file;
	enum lazy_expunge_archive_format format;
	/* -a */
	bool live;
	struct lazy_expunge_export_params params;
	struct lazy_expunge_manifest_head head;
};

/* The archive of the user before is whole: it gets its name, and its row. */
static void export_finish(struct export_cmd *ecmd)
{
	struct lazy_expunge_out_file *file = &ecmd->file;
	uint64_t size = 0;
	const char *sum = "";

	if (file->output != NULL && file->whole) {
		size = lazy_expunge_output_bytes(file->output);
		sum = lazy_expunge_output_sum(file->output);
	}
	if (!lazy_expunge_out_file_finish(&ecmd->cmd, file))
		return;
	lazy_expunge_progress_clear(&ecmd->cmd.progress);
	if (lazy_expunge_cmd_is_multi(&ecmd->cmd))
		doveadm_print_sticky("username", file->username);
	lazy_expunge_print_text(file->name);
	lazy_expunge_print_number(ecmd->head.messages);
	lazy_expunge_print_size(ecmd->head.bytes);
	lazy_expunge_print_size(size);
	lazy_expunge_print_text(sum);
}

static int export_prerun(struct doveadm_mail_cmd_context *ctx,
			 struct mail_storage_service_user *service_user
				ATTR_UNUSED,
			 const char **error_r ATTR_UNUSED)
{
	struct lazy_expunge_cmd *cmd =
		container_of(ctx, struct lazy_expunge_cmd, ctx);
	struct export_cmd *ecmd = container_of(cmd, struct export_cmd, cmd);

	export_finish(ecmd);
	lazy_expunge_out_file_begin(cmd, &ecmd->file);
	return 0;
}

/* What was asked for, as it was written. */
static const char *export_query(struct export_cmd *ecmd)
{
	const struct doveadm_cmd_context *cctx = ecmd->cmd.ctx.cctx;
	static const char *const texts[][2] = {
		{ "deletion", "-d" }, { "since", "--since" },
		{ "until", "--until" }
	};
	const char *const *words = NULL, *text;
	string_t *str = t_str_new(128);

	if (ecmd->live)
		str_append(str, " -a");
	for (words = ecmd->cmd.origins.names; words != NULL && *words != NULL;
	     words++)
		str_printfa(str, " -o %s", *words);
	if (ecmd->cmd.origins.below)
		str_append(str, " -R");
	for (unsigned int i = 0; i < N_ELEMENTS(texts); i++) {
		if (doveadm_cmd_param_str(cctx, texts[i][0], &text))
			str_printfa(str, " %s %s", texts[i][1], text);
	}
	if (!doveadm_cmd_param_array(cctx, "query", &words))
		words = NULL;
	for (; words != NULL && *words != NULL; words++)
		str_printfa(str, " %s", *words);
	return str_len(str) == 0 ? "ALL" : str_c(str) + 1;
}

static void export_progress(void *context, uint64_t mails)
{
	struct export_cmd *ecmd = context;

	lazy_expunge_progress_mails(&ecmd->cmd.progress, mails);
}

/* Returns 1 if the archive is whole, 0 if there is nothing to put into it, -1 and
   the error. */
static int export_write(struct export_cmd *ecmd,
			struct lazy_expunge_user *luser,
			struct lazy_expunge_archive_writer *writer,
			struct lazy_expunge_select *select,
			struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_export *exported;
	int ret;

	exported = lazy_expunge_export_init(luser, writer, &ecmd->params,
					    error_r);
	if (exported == NULL)
		return -1;
	ret = lazy_expunge_export_select(exported, select, error_r);
	if (ret == 0 && ecmd->live) {
		ret = lazy_expunge_export_live(exported,
			ecmd->cmd.ctx.search_args, ecmd->cmd.range.origins,
			error_r);
	}
	if (ret == 0) {
		ecmd->head.user = ecmd->file.username;
		ecmd->head.query = export_query(ecmd);
		ecmd->head.by = lazy_expunge_cmd_who(ecmd->cmd.ctx.cctx);
		ecmd->head.server = my_hostname;
		ecmd->head.created = ioloop_time;
		ret = lazy_expunge_export_finish(exported, &ecmd->head,
						 error_r);
	}
	lazy_expunge_export_deinit(&exported);
	return ret < 0 ? -1 : (ecmd->head.messages > 0 ? 1 : 0);
}

static int export_user(struct export_cmd *ecmd,
		       struct lazy_expunge_user *luser,
		       struct lazy_expunge_select *select)
{
	struct lazy_expunge_archive_writer *writer;
	struct lazy_expunge_error error = { .code = MAIL_ERROR_TEMP };
	int ret;

	ret = lazy_expunge_archive_writer_init(ecmd->file.output, ecmd->format,
					       &writer, &error.text);
	if (ret == 0)
		ret = export_write(ecmd, luser, writer, select, &error);
	lazy_expunge_archive_writer_deinit(&writer);
	lazy_expunge_progress_clear(&ecmd->cmd.progress);
	if (ret < 0)
		return lazy_expunge_cmd_fail(&ecmd->cmd, &error);
	ecmd->file.whole = ret > 0;
	if (ret == 0)
		lazy_expunge_cmd_say(&ecmd->cmd, "No mail matches: there is "
				     "no archive");
	return 0;
}

static int export_run(struct lazy_expunge_cmd *cmd,
		      struct lazy_expunge_user *luser)
{
	struct export_cmd *ecmd = container_of(cmd, struct export_cmd, cmd);
	struct lazy_expunge_select *select;
	int ret = 0;

	if (ecmd->file.output == NULL) {
		/* it was said, or it is a doveadm server, which refused it */
		i_assert(cmd->ctx.exit_code != 0);
		return -1;
	}
	if (ecmd->live) {
		select = lazy_expunge_cmd_select_quietly(cmd, luser,
				LAZY_EXPUNGE_SELECT_OLDEST_FIRST, &ret);
	} else {
		select = lazy_expunge_cmd_select(cmd, luser,
				LAZY_EXPUNGE_SELECT_OLDEST_FIRST, &ret);
	}
	if (select == NULL)
		return ret;
	ret = export_user(ecmd, luser, select);
	lazy_expunge_select_deinit(&select);
	return ret;
}

static void export_deinit(struct lazy_expunge_cmd *cmd)
{
	struct export_cmd *ecmd = container_of(cmd, struct export_cmd, cmd);

	export_finish(ecmd);
	lazy_expunge_out_file_deinit(&ecmd->file);
}

/* About the time of a deletion. */
static void export_init_live(struct export_cmd *ecmd)
{
	struct lazy_expunge_cmd *cmd = &ecmd->cmd;

	if (ecmd->live && (cmd->deletion != NULL || cmd->range.since != 0 ||
			   cmd->range.until != 0)) {
		lazy_expunge_cmd_refuse(cmd, EX_USAGE, "-a takes mail that "
			"was not deleted: no -d, --since or --until");
	}
}

static void export_init(struct lazy_expunge_cmd *cmd)
{
	struct export_cmd *ecmd = container_of(cmd, struct export_cmd, cmd);

	if (!doveadm_cmd_param_str(cmd->ctx.cctx, "write", &ecmd->file.path) ||
	    *ecmd->file.path == '\0') {
		lazy_expunge_cmd_refuse(cmd, EX_USAGE,
					"An archive needs a name: -w");
	} else if (lazy_expunge_archive_format_find(ecmd->file.path,
						    &ecmd->format) < 0) {
		lazy_expunge_cmd_refuse(cmd, EX_USAGE, t_strdup_printf(
			"-w %s: the name of an archive ends in .zip, .tar, "
			".tar.gz or .tar.zst, or is - for standard output",
			ecmd->file.path));
	} else if (cmd->ctx.cctx->conn_type != DOVEADM_CONNECTION_TYPE_CLI) {
		lazy_expunge_cmd_refuse(cmd, EX_USAGE, "export works only on "
			"the command line of the server that has the mail");
	}
	ecmd->live = lazy_expunge_cmd_flag(cmd, "all");
	ecmd->params.is_killed = doveadm_is_killed;
	ecmd->params.progress = export_progress;
	ecmd->params.context = ecmd;
	lazy_expunge_cmd_init_query(cmd, FALSE);
	export_init_live(ecmd);
	if (cmd->refused)
		return;
	lazy_expunge_print_header("file");
	lazy_expunge_print_header_number("messages");
	lazy_expunge_print_header_number("bytes");
	lazy_expunge_print_header_number("size");
	lazy_expunge_print_header("sha256");
}

static struct doveadm_mail_cmd_context *export_alloc(void)
{
	struct export_cmd *ecmd =
		lazy_expunge_cmd_alloc(struct export_cmd,
				       DOVEADM_PRINT_TYPE_TABLE,
				       export_init, export_run);

	ecmd->cmd.ctx.v.preinit = lazy_expunge_out_file_preinit;
	ecmd->cmd.ctx.v.prerun = export_prerun;
	ecmd->cmd.deinit = export_deinit;
	return &ecmd->cmd.ctx;
}

struct doveadm_cmd_ver2 lazy_expunge_cmd_export = {
	.name = "lazy-expunge export",
	.mail_cmd = export_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX
		"-w <file> [-a] [-b <by>] " LAZY_EXPUNGE_CMD_QUERY_USAGE
		"[<search query>]",
DOVEADM_CMD_PARAMS_START
LAZY_EXPUNGE_CMD_COMMON_PARAMS
DOVEADM_CMD_PARAM('w', "write", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('a', "all", CMD_PARAM_BOOL, 0)
LAZY_EXPUNGE_CMD_BY_PARAM
LAZY_EXPUNGE_CMD_QUERY_PARAMS
DOVEADM_CMD_PARAMS_END
};
