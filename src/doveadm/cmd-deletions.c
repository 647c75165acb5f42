/* doveadm lazy-expunge deletions: what was deleted or restored together, the
   newest first. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "inventory/deletions.h"
#include "inventory/select.h"
#include "doveadm-print.h"
#include "doveadm/print.h"
#include "doveadm/command.h"
#include "doveadm/commands.h"

struct deletions_cmd {
	struct lazy_expunge_cmd cmd;
	/* -l, 0 = all */
	unsigned int limit;
};

static const char *row_kind(const struct lazy_expunge_deletion_row *row)
{
	if (row->record.kind == LAZY_EXPUNGE_DELETION_KIND_RESTORE)
		return "restore";
	return row->record.id == 0 ? "guess" : "deletion";
}

static bool row_has_mails_of(const struct lazy_expunge_deletion_row *row,
			     const char *box)
{
	const struct lazy_expunge_deletion_mails *mails;

	array_foreach(&row->record.mails, mails) {
		if (strcmp(mails->mailbox, box) == 0)
			return TRUE;
	}
	return FALSE;
}

/* "INBOX 812, Sent 3", and "Drafts 0" for a mailbox that was deleted empty */
static const char *row_origins(const struct lazy_expunge_deletion_row *row)
{
	const struct lazy_expunge_deletion_mails *mails;
	string_t *str = t_str_new(64);
	const char *box;

	array_foreach(&row->record.mails, mails) {
		if (str_len(str) > 0)
			str_append(str, ", ");
		str_printfa(str, "%s %u", *mails->mailbox == '\0' ? "?" :
			    mails->mailbox, mails->count);
	}
	array_foreach_elem(&row->record.boxes, box) {
		/* the mails of others are counted already */
		if (row_has_mails_of(row, box))
			continue;
		if (str_len(str) > 0)
			str_append(str, ", ");
		str_printfa(str, "%s 0", box);
	}
	return str_c(str);
}

static const char *row_by(const struct lazy_expunge_deletion_row *row)
{
	return *row->record.command == '\0' ? row->record.by :
		t_strconcat(row->record.by, " (", row->record.command, ")",
			    NULL);
}

static void row_print_left(const struct lazy_expunge_deletion_row *row)
{
	unsigned int count = lazy_expunge_deletion_count(&row->record);
	unsigned int known = row->there + row->passed + row->restored;

	if (row->record.kind == LAZY_EXPUNGE_DELETION_KIND_RESTORE) {
		lazy_expunge_print_none();
		lazy_expunge_print_none();
		lazy_expunge_print_none();
		lazy_expunge_print_none();
		return;
	}
	lazy_expunge_print_number(row->there);
	lazy_expunge_print_number(row->passed);
	lazy_expunge_print_number(row->restored);
	if (row->has_record && count > known)
		lazy_expunge_print_number(count - known);
	else if (row->has_record)
		lazy_expunge_print_number(0);
	else
		lazy_expunge_print_none();
}

static void row_print(const struct lazy_expunge_deletion_row *row,
		      uint64_t bytes)
{
	lazy_expunge_print_text(row->name);
	lazy_expunge_print_text(row_kind(row));
	lazy_expunge_print_time(row->record.first);
	lazy_expunge_print_time(row->record.last);
	lazy_expunge_print_number(lazy_expunge_deletion_count(&row->record));
	if (row->record.kind == LAZY_EXPUNGE_DELETION_KIND_RESTORE)
		lazy_expunge_print_none();
	else
		lazy_expunge_print_size(bytes);
	lazy_expunge_print_text(row_origins(row));
	lazy_expunge_print_text(row_by(row));
	lazy_expunge_print_text(row->record.address);
	lazy_expunge_print_text(row->record.session);
	row_print_left(row);
}

static bool row_is_wanted(struct lazy_expunge_cmd *cmd,
			  struct lazy_expunge_deletions_list *list,
			  const struct lazy_expunge_deletion_row *row)
{
	if (row->found > 0)
		return TRUE;
	/* what is gone, or in no storage, is known by its record alone */
	return !cmd->has_query && (cmd->deletion == NULL ||
			strcasecmp(cmd->deletion, row->name) == 0) &&
		lazy_expunge_deletions_match(list, row, &cmd->range);
}

static int rows_print(struct deletions_cmd *dcmd,
		      struct lazy_expunge_deletions_list *list)
{
	const struct doveadm_cmd_context *cctx = dcmd->cmd.ctx.cctx;
	const struct lazy_expunge_deletion_row *row;
	struct lazy_expunge_error error;
	unsigned int printed = 0;
	uint64_t bytes;
	int ret = 0;

	array_foreach(&list->rows, row) {
		if ((dcmd->limit > 0 && printed == dcmd->limit) ||
		    doveadm_is_killed() || lazy_expunge_print_failed())
			break;
		if (!row_is_wanted(&dcmd->cmd, list, row))
			continue;
		T_BEGIN {
			if (lazy_expunge_deletions_bytes(list, row, &bytes,
							 &error) < 0)
				ret = lazy_expunge_cmd_fail(&dcmd->cmd, &error);
			else {
				row_print(row, bytes);
				/* the first at once, for whoever waits */
				if (printed++ == 0 && cctx->conn_type ==
				    DOVEADM_CONNECTION_TYPE_CLI)
					lazy_expunge_print_flush();
			}
		} T_END;
	}
	if (printed == 0 && ret == 0 &&
	    !lazy_expunge_cmd_is_multi(&dcmd->cmd))
		lazy_expunge_cmd_say(&dcmd->cmd, "No deletion matches");
	return ret;
}

static int deletions_run(struct lazy_expunge_cmd *cmd,
			 struct lazy_expunge_user *luser)
{
	struct deletions_cmd *dcmd =
		container_of(cmd, struct deletions_cmd, cmd);
	struct lazy_expunge_select *all, *found;
	struct lazy_expunge_error error;
	int ret;

	found = lazy_expunge_cmd_select_quietly(cmd, luser, 0, &ret);
	if (found == NULL)
		return ret;
	all = lazy_expunge_cmd_select_all(luser, &error);
	if (all == NULL)
		ret = lazy_expunge_cmd_fail(cmd, &error);
	else {
		ret = rows_print(dcmd, lazy_expunge_deletions_list(all, found));
	}
	lazy_expunge_select_deinit(&all);
	lazy_expunge_select_deinit(&found);
	return ret;
}

static void deletions_print_headers(void)
{
	lazy_expunge_print_header("id");
	lazy_expunge_print_header("kind");
	lazy_expunge_print_header_time("first");
	lazy_expunge_print_header_time("last");
	lazy_expunge_print_header_number("messages");
	lazy_expunge_print_header_number("bytes");
	lazy_expunge_print_header("origins");
	lazy_expunge_print_header("by");
	lazy_expunge_print_header("address");
	lazy_expunge_print_header("session");
	lazy_expunge_print_header_number("there");
	lazy_expunge_print_header_number("elsewhere");
	lazy_expunge_print_header_number("restored");
	lazy_expunge_print_header_number("expired");
}

static void deletions_init(struct lazy_expunge_cmd *cmd)
{
	struct deletions_cmd *dcmd =
		container_of(cmd, struct deletions_cmd, cmd);

	lazy_expunge_cmd_init_query(cmd, FALSE);
	lazy_expunge_cmd_init_limit(cmd, &dcmd->limit);
	if (!cmd->refused)
		deletions_print_headers();
}

static struct doveadm_mail_cmd_context *deletions_alloc(void)
{
	struct deletions_cmd *dcmd =
		lazy_expunge_cmd_alloc(struct deletions_cmd,
				       DOVEADM_PRINT_TYPE_TABLE,
				       deletions_init, deletions_run);
	return &dcmd->cmd.ctx;
}

struct doveadm_cmd_ver2 lazy_expunge_cmd_deletions = {
	.name = "lazy-expunge deletions",
	.mail_cmd = deletions_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX
		LAZY_EXPUNGE_CMD_QUERY_USAGE "[-l <limit>] [<search query>]",
DOVEADM_CMD_PARAMS_START
LAZY_EXPUNGE_CMD_COMMON_PARAMS
DOVEADM_CMD_PARAM('l', "limit", CMD_PARAM_STR, 0)
LAZY_EXPUNGE_CMD_QUERY_PARAMS
DOVEADM_CMD_PARAMS_END
};
