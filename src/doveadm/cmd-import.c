/* doveadm lazy-expunge import: an archive of export back into the storage, or into
   a mailbox. */

#include "lib.h"
#include "array.h"
#include "hash.h"
#include "export/contents.h"
#include "export/import.h"
#include "doveadm-print.h"
#include "doveadm/print.h"
#include "doveadm/command.h"
#include "doveadm/commands.h"

#include <fcntl.h>
#include <unistd.h>

struct import_cmd {
	struct lazy_expunge_cmd cmd;
	struct lazy_expunge_import_params params;
	/* opened by who runs doveadm, -1 = it could not be */
	int fd;
};

static int import_prerun(struct doveadm_mail_cmd_context *ctx,
			 struct mail_storage_service_user *service_user
				ATTR_UNUSED,
			 const char **error_r ATTR_UNUSED)
{
	struct lazy_expunge_cmd *cmd =
		container_of(ctx, struct lazy_expunge_cmd, ctx);
	struct import_cmd *icmd = container_of(cmd, struct import_cmd, cmd);

	if (cmd->refused)
		return 0;
	if (lazy_expunge_cmd_is_multi(cmd)) {
		lazy_expunge_cmd_refuse(cmd, EX_USAGE,
			"An archive is imported for one user: -u");
		return 0;
	}
	icmd->fd = open(icmd->params.path, O_RDONLY | O_CLOEXEC);
	if (icmd->fd == -1) {
		i_error("%s: open(%s) failed: %m", ctx->cmd->name,
			icmd->params.path);
		ctx->exit_code = EX_NOINPUT;
	}
	return 0;
}

static void import_progress(void *context, uint64_t mails)
{
	struct import_cmd *icmd = context;

	lazy_expunge_progress_mails(&icmd->cmd.progress, mails);
}

static int import_user(struct import_cmd *icmd, struct lazy_expunge_user *luser,
		       const struct lazy_expunge_contents *contents)
{
	ARRAY_TYPE(lazy_expunge_import_row) rows;
	const struct lazy_expunge_import_row *row;
	struct lazy_expunge_error error;
	pool_t pool = pool_alloconly_create("lazy_expunge import", 4096);
	int ret;

	p_array_init(&rows, pool, 8);
	ret = lazy_expunge_import(luser, icmd->fd, contents, &icmd->params,
				  pool, &rows, &error);
	lazy_expunge_progress_clear(&icmd->cmd.progress);
	array_foreach(&rows, row) {
		lazy_expunge_print_text(row->mailbox);
		lazy_expunge_print_number(row->imported);
		lazy_expunge_print_number(row->skipped);
	}
	if (ret < 0)
		ret = lazy_expunge_cmd_fail(&icmd->cmd, &error);
	pool_unref(&pool);
	return ret;
}

static int import_run(struct lazy_expunge_cmd *cmd,
		      struct lazy_expunge_user *luser)
{
	struct import_cmd *icmd = container_of(cmd, struct import_cmd, cmd);
	struct lazy_expunge_contents *contents;
	struct lazy_expunge_error error;
	int ret;

	if (icmd->fd == -1) {
		/* it was said */
		i_assert(cmd->ctx.exit_code != 0);
		return -1;
	}
	contents = lazy_expunge_contents_read(icmd->fd, icmd->params.path,
					      &error.text);
	if (contents != NULL &&
	    lazy_expunge_import_verify(contents, icmd->params.path,
				       &error.text) == 0) {
		ret = import_user(icmd, luser, contents);
	} else {
		error.code = MAIL_ERROR_PARAMS;
		ret = lazy_expunge_cmd_fail(cmd, &error);
		cmd->ctx.exit_code = EX_DATAERR;
	}
	lazy_expunge_contents_deinit(&contents);
	i_close_fd(&icmd->fd);
	return ret;
}

static void import_init(struct lazy_expunge_cmd *cmd)
{
	struct import_cmd *icmd = container_of(cmd, struct import_cmd, cmd);
	const struct doveadm_cmd_context *cctx = cmd->ctx.cctx;

	if (!doveadm_cmd_param_str(cctx, "archive", &icmd->params.path) ||
	    *icmd->params.path == '\0') {
		lazy_expunge_cmd_refuse(cmd, EX_USAGE,
					"The name of an archive is needed");
	} else if (cctx->conn_type != DOVEADM_CONNECTION_TYPE_CLI) {
		lazy_expunge_cmd_refuse(cmd, EX_USAGE, "import works only on "
			"the command line of the server that has the mail");
	}
	if (!doveadm_cmd_param_str(cctx, "target", &icmd->params.target))
		icmd->params.target = NULL;
	else if (*icmd->params.target == '\0') {
		lazy_expunge_cmd_refuse(cmd, EX_USAGE,
					"The target (-t) is empty");
	}
	icmd->params.is_killed = doveadm_is_killed;
	icmd->params.progress = import_progress;
	icmd->params.context = icmd;
	if (cmd->refused)
		return;
	lazy_expunge_print_header("mailbox");
	lazy_expunge_print_header_number("imported");
	lazy_expunge_print_header_number("skipped");
}

static struct doveadm_mail_cmd_context *import_alloc(void)
{
	struct import_cmd *icmd =
		lazy_expunge_cmd_alloc(struct import_cmd,
				       DOVEADM_PRINT_TYPE_TABLE,
				       import_init, import_run);

	icmd->fd = -1;
	icmd->cmd.ctx.v.prerun = import_prerun;
	icmd->cmd.needs_plugin = TRUE;
	return &icmd->cmd.ctx;
}

struct doveadm_cmd_ver2 lazy_expunge_cmd_import = {
	.name = "lazy-expunge import",
	.mail_cmd = import_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX "[-t <target mailbox>] <file>",
DOVEADM_CMD_PARAMS_START
LAZY_EXPUNGE_CMD_COMMON_PARAMS
DOVEADM_CMD_PARAM('t', "target", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('\0', "archive", CMD_PARAM_STR, CMD_PARAM_FLAG_POSITIONAL)
DOVEADM_CMD_PARAMS_END
};
