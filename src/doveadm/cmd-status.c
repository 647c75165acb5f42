/* doveadm lazy-expunge status: how much is kept, for how long, what goes
   next. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "hold/holds.h"
#include "report/report.h"
#include "core/text.h"
#include "doveadm-print.h"
#include "doveadm/print.h"
#include "doveadm/command.h"
#include "doveadm/commands.h"

/* not a name that a user can have with auth_username_format = %Lu */
#define STATUS_TOTAL_USERNAME "TOTAL"

struct status_cmd {
	struct lazy_expunge_cmd cmd;
	bool by_origin;
	/* over all users */
	struct lazy_expunge_report_sum total;
};

static void status_print_sum(const struct lazy_expunge_report_sum *sum)
{
	lazy_expunge_print_number(sum->messages);
	lazy_expunge_print_size(sum->bytes);
	lazy_expunge_print_time(sum->oldest);
	lazy_expunge_print_time(sum->newest);
}

static const char *status_next_name(enum lazy_expunge_report_next next)
{
	switch (next) {
	case LAZY_EXPUNGE_NEXT_NONE:
		break;
	case LAZY_EXPUNGE_NEXT_AGE:
		return "autoexpunge";
	case LAZY_EXPUNGE_NEXT_MAX_MAILS:
		return "autoexpunge_max_mails";
	case LAZY_EXPUNGE_NEXT_MAX_STORAGE:
		return "lazy_expunge_max_storage";
	}
	return "";
}

static const char *status_warning(const struct lazy_expunge_report *report)
{
	if (report->too_young > 0) {
		return t_strdup_printf("%u mails go before their retention is "
				       "over: %s is too small",
				       report->too_young,
				       status_next_name(report->next));
	}
	if (report->retention_missing && report->retention.max_mails == 0 &&
	    report->max_storage == 0)
		return "no retention is set: mail is kept for ever";
	return "";
}

static int status_run_by_origin(struct status_cmd *scmd,
				struct lazy_expunge_user *luser)
{
	ARRAY_TYPE(lazy_expunge_report_origin) rows;
	const struct lazy_expunge_report_origin *row;
	struct lazy_expunge_error error;

	t_array_init(&rows, 16);
	if (lazy_expunge_report_by_origin(luser, &rows, &error) < 0)
		return lazy_expunge_cmd_fail(&scmd->cmd, &error);
	array_foreach(&rows, row) {
		lazy_expunge_report_add(&scmd->total, &row->sum);
		lazy_expunge_print_text(row->origin);
		status_print_sum(&row->sum);
	}
	return 0;
}

static int status_run(struct lazy_expunge_cmd *cmd,
		      struct lazy_expunge_user *luser)
{
	struct status_cmd *scmd = container_of(cmd, struct status_cmd, cmd);
	struct lazy_expunge_report report;
	struct lazy_expunge_error error;
	struct lazy_expunge_holds *holds;

	if (scmd->by_origin)
		return status_run_by_origin(scmd, luser);
	if (lazy_expunge_report(luser, ioloop_time, &report, &error) < 0)
		return lazy_expunge_cmd_fail(cmd, &error);
	lazy_expunge_report_add(&scmd->total, &report.sum);
	status_print_sum(&report.sum);
	lazy_expunge_print_interval(report.retention.autoexpunge);
	if (report.retention.max_mails == 0)
		lazy_expunge_print_none();
	else
		lazy_expunge_print_number(report.retention.max_mails);
	if (report.max_storage == 0)
		lazy_expunge_print_none();
	else
		lazy_expunge_print_size(report.max_storage);
	if (report.next == LAZY_EXPUNGE_NEXT_NONE)
		lazy_expunge_print_none();
	else
		lazy_expunge_print_number(report.next_uid);
	lazy_expunge_print_time(report.next_time);
	lazy_expunge_print_text(status_next_name(report.next));
	lazy_expunge_print_text(status_warning(&report));
	lazy_expunge_print_number(report.held);
	holds = lazy_expunge_holds_get(luser);
	lazy_expunge_print_text(holds == NULL ? "" :
				lazy_expunge_holds_names(holds));
	return 0;
}

static void status_deinit(struct lazy_expunge_cmd *cmd)
{
	struct status_cmd *scmd = container_of(cmd, struct status_cmd, cmd);

	if (!lazy_expunge_cmd_knows_all(cmd))
		return;
	doveadm_print_sticky("username", STATUS_TOTAL_USERNAME);
	if (scmd->by_origin)
		doveadm_print("");
	status_print_sum(&scmd->total);
	if (scmd->by_origin)
		return;
	for (unsigned int i = 0; i < 5; i++)
		lazy_expunge_print_none();
	doveadm_print("");
	doveadm_print("");
	lazy_expunge_print_none();
	doveadm_print("");
}

static void status_init(struct lazy_expunge_cmd *cmd)
{
	struct status_cmd *scmd = container_of(cmd, struct status_cmd, cmd);

	scmd->by_origin = lazy_expunge_cmd_flag(cmd, "by-origin");
	if (scmd->by_origin)
		lazy_expunge_print_header("origin");
	lazy_expunge_print_header_number("messages");
	lazy_expunge_print_header_number("bytes");
	lazy_expunge_print_header_time("oldest");
	lazy_expunge_print_header_time("newest");
	if (scmd->by_origin)
		return;
	lazy_expunge_print_header_number("retention");
	lazy_expunge_print_header_number("max_mails");
	lazy_expunge_print_header_number("max_storage");
	lazy_expunge_print_header_number("next_uid");
	lazy_expunge_print_header_time("next_time");
	lazy_expunge_print_header("next_by");
	lazy_expunge_print_header("warning");
	lazy_expunge_print_header_number("held");
	lazy_expunge_print_header("holds");
}

static struct doveadm_mail_cmd_context *status_alloc(void)
{
	struct status_cmd *scmd =
		lazy_expunge_cmd_alloc(struct status_cmd,
				       DOVEADM_PRINT_TYPE_TABLE,
				       status_init, status_run);

	scmd->cmd.deinit = status_deinit;
	return &scmd->cmd.ctx;
}

struct doveadm_cmd_ver2 lazy_expunge_cmd_status = {
	.name = "lazy-expunge status",
	.mail_cmd = status_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX "[-v]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_MAIL_COMMON
DOVEADM_CMD_PARAM('v', "by-origin", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAMS_END
};
