/* doveadm lazy-expunge verify: is an archive as export has written it? */

#include "lib.h"
#include "array.h"
#include "hash.h"
#include "core/text.h"
#include "export/contents.h"
#include "doveadm.h"
#include "doveadm-print.h"
#include "doveadm/load-failure.h"
#include "doveadm/print.h"
#include "doveadm/commands.h"
#include "doveadm/help.h"

#include <fcntl.h>
#include <sysexits.h>
#include <unistd.h>

static void verify_fail(int exit_code, const char *error)
{
	i_error("lazy-expunge verify: %s", lazy_expunge_text_safe(error));
	doveadm_exit_code = exit_code;
}

static void verify_print(const char *path,
			 const struct lazy_expunge_contents *contents)
{
	const struct lazy_expunge_contents_problem *problem;
	const char *error;

	lazy_expunge_print_begin();
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	lazy_expunge_print_wait_for_reader();
	lazy_expunge_print_header("file");
	lazy_expunge_print_header("state");
	lazy_expunge_print_header("text");
	array_foreach(&contents->problems, problem) {
		lazy_expunge_print_text(problem->file);
		lazy_expunge_print_text(problem->state);
		lazy_expunge_print_text(problem->text);
	}
	if (lazy_expunge_print_finish(&error) < 0)
		verify_fail(EX_IOERR, error);
	else if (array_count(&contents->problems) > 0) {
		verify_fail(1, t_strdup_printf("%s is not as it was written: "
			"%u problems", path, array_count(&contents->problems)));
	} else {
		i_info("%s: %"PRIu64" mails of %"PRIu64" bytes, all as they "
		       "were written", lazy_expunge_text_safe(path),
		       contents->messages, contents->bytes);
	}
}

static void verify_run(struct doveadm_cmd_context *cctx)
{
	struct lazy_expunge_contents *contents;
	const char *path, *error;
	int fd;

	lazy_expunge_startup_done();
	if (lazy_expunge_help_asked(cctx))
		return;
	if (cctx->conn_type != DOVEADM_CONNECTION_TYPE_CLI) {
		verify_fail(EX_USAGE, "verify works only on the command line");
		return;
	}
	if (!doveadm_cmd_param_str(cctx, "file", &path) || *path == '\0') {
		verify_fail(EX_USAGE, "The name of an archive is needed");
		return;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1) {
		verify_fail(EX_NOINPUT, t_strdup_printf("open(%s) failed: %m",
							path));
		return;
	}
	contents = lazy_expunge_contents_read(fd, path, &error);
	if (contents == NULL)
		verify_fail(1, error);
	else
		verify_print(path, contents);
	lazy_expunge_contents_deinit(&contents);
	i_close_fd(&fd);
}

struct doveadm_cmd_ver2 lazy_expunge_cmd_verify = {
	.name = "lazy-expunge verify",
	.cmd = verify_run,
	.usage = "<file>",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('\0', "file", CMD_PARAM_STR, CMD_PARAM_FLAG_POSITIONAL)
LAZY_EXPUNGE_CMD_HELP_PARAM
DOVEADM_CMD_PARAMS_END
};
