/* -h: what a command takes, a line an option. */

#include "lib.h"
#include "str.h"
#include "compat/dovecot.h"
#include "doveadm-mail.h"
#include "doveadm/help.h"

#include <stdio.h>

struct help_option {
	/* the long name, and where it is not the same everywhere, the last word
	   of the command */
	const char *name, *command;
	const char *argument, *text;
};

/* in the order in which they are shown */
static const struct help_option options[] = {
	{ "user", NULL, "user", "this user, or a mask: *@example.com" },
	{ "user", "delete", "user", "whose account" },
	{ "user", "rename", "user", "whose account, by its old name" },
	{ "new-name", NULL, "new name", "a user without mail" },
	{ "id", NULL, "id", "an account of \"account list\"" },
	{ "keep", NULL, "time",
	  "how long it can come back: 12h, 30 days, forever" },
	{ "own", NULL, NULL,
	  "the paths are this user's alone, though they have not the name" },
	{ "parent", NULL, "directory",
	  "also what was deleted from this directory; several add up" },
	{ "count", NULL, NULL, "count the bytes of the files" },
	{ "all-users", NULL, NULL, "every user" },
	{ "user-file", NULL, "file", "the users in this file, one a line" },
	{ "socket-path", NULL, "socket", "have this doveadm server do it" },
	{ "name", NULL, "name", "the name of the hold" },
	{ "reason", NULL, "text", "why" },
	{ "until", "hold", "time", "when the hold ends by itself" },
	{ "grace", NULL, "time", "how long nothing goes yet (default: 1 day)" },
	{ "by", NULL, "who", "who asks for it, for the log" },
	{ "plan", NULL, NULL, "say what would be done, and do nothing" },
	{ "make-room", NULL, "size",
	  "the oldest mails of all go, until so much is free: 500M, 2G" },
	{ "due", NULL, NULL, "only who is due by the catalog" },
	{ "max-age", NULL, "days", "with -D: also who was not visited for so long" },
	{ "jobs", NULL, "number", "with so many processes at once" },
	{ "ignore-acls", NULL, NULL, "whatever the ACLs say" },
	{ "origin", NULL, "mailbox",
	  "mail that was deleted in this mailbox; several add up" },
	{ "recursive", NULL, NULL, "with -o: also in the mailboxes below it" },
	{ "deletion", NULL, "id",
	  "what was deleted together: an id of \"deletions\"" },
	{ "since", NULL, "time",
	  "deleted then or later: 08:00, yesterday 14:00, 2h, 2026-11-28" },
	{ "until", NULL, "time", "deleted before then" },
	{ "target", NULL, "mailbox", "into this mailbox" },
	{ "target", "undelete", "user", "as this user" },
	{ "mailbox", NULL, "mailbox",
	  "the user has mail: copy the old below this mailbox" },
	{ "undo", NULL, "id", "take a restore back: an id of \"deletions\"" },
	{ "sort", NULL, "messages|bytes|oldest", "the users in this order" },
	{ "limit", NULL, "number", "so many rows at most" },
	{ "all-columns", NULL, NULL, "all that is known of each mail" },
	{ "columns", NULL, "name,...", "these columns, in this order" },
	{ "write", "export", "file",
	  "the archive: .zip, .tar, .tar.gz, .tar.zst, or - for a tar" },
	{ "write", "erase", "file", "the report, also into this file" },
	{ "all", NULL, NULL, "mail that was not deleted, too" },
	{ "file", NULL, "file", "an archive that export has written" },
	{ "archive", NULL, "file", "an archive that export has written" },
	{ "by-origin", NULL, NULL, "a row for each mailbox that mail came from" },
	{ "catalog", NULL, NULL, "as the catalog has it, and open no account" },
	{ "catalog", "holds", NULL, "only who has holds by the catalog" },
	{ "live", NULL, NULL,
	  "delete a mail as each protocol does, and see where it goes" },
	{ "quiet", NULL, NULL, "only what fails" },
	{ "query", NULL, NULL, "what mails: doveadm-search-query(7)" },
	{ "help", NULL, NULL, "this text" },
};

/* Dovecot's own and those between our own processes are not for people. */
static bool param_is_shown(const struct doveadm_cmd_param *param)
{
	return param->short_opt != '\0' ?
		strcmp(param->name, "worker") != 0 :
		(param->flags & CMD_PARAM_FLAG_POSITIONAL) != 0;
}

static const struct doveadm_cmd_param *
param_find(const struct doveadm_cmd_ver2 *cmd, const char *name)
{
	const struct doveadm_cmd_param *param;

	for (param = cmd->parameters; param->name != NULL; param++) {
		if (strcmp(param->name, name) == 0 && param_is_shown(param))
			return param;
	}
	return NULL;
}

static bool option_is_for(const struct help_option *option, const char *command)
{
	const char *last = strrchr(command, ' ');

	last = last == NULL ? command : last + 1;
	if (option->command != NULL)
		return strcmp(option->command, last) == 0;
	/* another line has the command's own meaning */
	for (unsigned int i = 0; i < N_ELEMENTS(options); i++) {
		if (strcmp(options[i].name, option->name) == 0 &&
		    options[i].command != NULL &&
		    strcmp(options[i].command, last) == 0)
			return FALSE;
	}
	return TRUE;
}

static void help_print_option(const struct help_option *option,
			      const struct doveadm_cmd_param *param)
{
	string_t *str = t_str_new(64);

	if ((param->flags & CMD_PARAM_FLAG_POSITIONAL) == 0)
		str_printfa(str, "-%c, --%s", param->short_opt, param->name);
	else if (option->argument == NULL)
		str_append(str, "<search query>");
	if (option->argument != NULL) {
		str_printfa(str, "%s<%s>", str_len(str) > 0 ? " " : "",
			    option->argument);
	}
	printf("  %-28s  %s\n", str_c(str), option->text);
}

static void help_print(const struct doveadm_cmd_context *cctx)
{
	const struct doveadm_cmd_param *param;

	printf("usage: doveadm [-Dv] [-f <formatter>] %s %s\n",
	       cctx->cmd->name, cctx->cmd->usage);
	for (unsigned int i = 0; i < N_ELEMENTS(options); i++) {
		param = param_find(cctx->cmd, options[i].name);
		if (param != NULL && option_is_for(&options[i], cctx->cmd->name))
			help_print_option(&options[i], param);
	}
	if (fflush(stdout) != 0)
		doveadm_exit_code = EX_IOERR;
}

bool lazy_expunge_help_asked(const struct doveadm_cmd_context *cctx)
{
	bool asked;

	if (cctx->conn_type != DOVEADM_CONNECTION_TYPE_CLI ||
	    !doveadm_cmd_param_bool(cctx, "help", &asked) || !asked)
		return FALSE;
	T_BEGIN {
		help_print(cctx);
	} T_END;
	return TRUE;
}

void lazy_expunge_help_or_run(struct doveadm_cmd_context *cctx)
{
	if (!lazy_expunge_help_asked(cctx))
		doveadm_cmd_ver2_to_mail_cmd_wrapper(cctx);
}
