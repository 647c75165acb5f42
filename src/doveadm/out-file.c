/* The file of -w. */

#include "lib.h"
#include "str.h"
#include "export/output.h"
#include "mail-storage-service.h"
#include "doveadm/command.h"
#include "doveadm/out-file.h"

#include <unistd.h>

void lazy_expunge_out_file_preinit(struct doveadm_mail_cmd_context *ctx)
{
	/* not for good, also where there is one user to do */
	ctx->service_flags |= MAIL_STORAGE_SERVICE_FLAG_TEMP_PRIV_DROP;
}

/* The name of the user's file. */
static const char *out_file_name(const char *path, const char *username)
{
	string_t *name = t_str_new(128);
	const char *p;

	for (p = path; *p != '\0'; p++) {
		if (p[0] == '%' && p[1] == '%')
			str_append_c(name, *p++);
		else if (p[0] != '%' || p[1] != 'u')
			str_append_c(name, *p);
		else {
			/* a user is no directory */
			str_append(name, t_str_replace(username, '/', '_'));
			p++;
		}
	}
	return str_c(name);
}

void lazy_expunge_out_file_begin(struct lazy_expunge_cmd *cmd,
				 struct lazy_expunge_out_file *file)
{
	const char *error;

	if (cmd->refused)
		return;
	i_free(file->username);
	i_free(file->name);
	file->username = i_strdup(cmd->ctx.cctx->username);
	if (file->path == NULL)
		return;
	if (lazy_expunge_cmd_is_multi(cmd) &&
	    strstr(file->path, "%u") == NULL) {
		lazy_expunge_cmd_refuse(cmd, EX_USAGE, t_strdup_printf(
			"-w %s: over several users the name needs a %%u, "
			"which becomes the user", file->path));
		return;
	}
	file->name = i_strdup(out_file_name(file->path, file->username));
	if (lazy_expunge_output_open(file->name, &file->output, &error) < 0) {
		i_error("%s: %s", cmd->ctx.cmd->name, error);
		cmd->ctx.exit_code = EX_CANTCREAT;
	}
}

bool lazy_expunge_out_file_finish(struct lazy_expunge_cmd *cmd,
				  struct lazy_expunge_out_file *file)
{
	const char *error;

	if (file->output == NULL)
		return FALSE;
	if (getuid() == 0 && geteuid() != 0 && seteuid(0) < 0)
		i_fatal("seteuid(0) failed: %m");
	if (!file->whole) {
		lazy_expunge_output_abort(&file->output);
		return FALSE;
	}
	file->whole = FALSE;
	if (lazy_expunge_output_finish(&file->output, &error) == 0)
		return TRUE;
	i_error("%s: %s", cmd->ctx.cmd->name, error);
	cmd->ctx.exit_code = EX_IOERR;
	return FALSE;
}

bool lazy_expunge_out_file_finish_now(struct lazy_expunge_cmd *cmd,
				      struct lazy_expunge_out_file *file)
{
	uid_t euid = geteuid();
	bool finished = lazy_expunge_out_file_finish(cmd, file);

	if (geteuid() != euid && seteuid(euid) < 0)
		i_fatal("seteuid(%s) failed: %m", dec2str(euid));
	return finished;
}

void lazy_expunge_out_file_deinit(struct lazy_expunge_out_file *file)
{
	i_assert(file->output == NULL);
	i_free(file->username);
	i_free(file->name);
}
