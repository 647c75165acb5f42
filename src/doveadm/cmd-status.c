/* doveadm lazy-expunge status: how much is kept, for how long, what goes
   next. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "hold/holds.h"
#include "report/disk-report.h"
#include "report/report.h"
#include "core/text.h"
#include "doveadm-print.h"
#include "doveadm/print.h"
#include "catalog/keys.h"
#include "doveadm/status-catalog.h"
#include "doveadm/top.h"
#include "doveadm/command.h"
#include "doveadm/commands.h"

#include <bsd/stdlib.h>

/* not a name that a user can have with auth_username_format = %Lu */
#define STATUS_TOTAL_USERNAME "TOTAL"

static const char *const status_orders[] = { "messages", "bytes", "oldest" };
enum status_order {
	ORDER_MESSAGES,
	ORDER_BYTES,
	ORDER_OLDEST
};

static const char *const status_catalog_orders[] = {
	LAZY_EXPUNGE_CATALOG_BY_MESSAGES,
	LAZY_EXPUNGE_CATALOG_BY_BYTES,
	LAZY_EXPUNGE_CATALOG_BY_OLDEST
};

struct status_cmd {
	struct lazy_expunge_cmd cmd;
	/* -c, else NULL */
	struct lazy_expunge_status_catalog *catalog;
	unsigned int limit;
	bool by_origin;
	/* -s and -l: NULL if rows are printed as they come */
	struct lazy_expunge_top *top;
	enum status_order order;
	/* over all users */
	struct lazy_expunge_report_sum total;
	struct lazy_expunge_disk_report total_disk;
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

/* Who fills the storage: what was kept before may have gone for it. */
static const char *status_together(const struct lazy_expunge_report *report)
{
	bool bytes = report->together_of == LAZY_EXPUNGE_NEXT_MAX_STORAGE;

	return t_strdup_printf("what was deleted together at %s has %s of the "
		"%s that %s gives", lazy_expunge_text_time(
						report->together_since),
		bytes ? lazy_expunge_text_size(report->together) :
		dec2str(report->together),
		bytes ? lazy_expunge_text_size(report->room) :
		t_strdup_printf("%"PRIu64" mails", report->room),
		status_next_name(report->together_of));
}

static const char *status_warning(const struct lazy_expunge_report *report)
{
	const char *const *warnings;
	ARRAY_TYPE(const_string) list;
	const char *text;

	t_array_init(&list, 3);
	if (report->too_young > 0) {
		text = t_strdup_printf("%u mails go before their retention is "
				       "over: %s is too small",
				       report->too_young,
				       status_next_name(report->next));
		array_push_back(&list, &text);
	}
	if (report->together_of != LAZY_EXPUNGE_NEXT_NONE) {
		text = status_together(report);
		array_push_back(&list, &text);
	}
	if (report->retention_missing && report->retention.max_mails == 0 &&
	    report->max_storage == 0) {
		text = "no retention is set: mail is kept for ever";
		array_push_back(&list, &text);
	}
	array_append_zero(&list);
	warnings = array_front(&list);
	return t_strarray_join(warnings, "; ");
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

static void status_print(struct lazy_expunge_user *luser,
			 const struct lazy_expunge_report *report)
{
	struct lazy_expunge_holds *holds;

	status_print_sum(&report->sum);
	lazy_expunge_print_interval(report->retention.autoexpunge);
	if (report->retention.max_mails == 0)
		lazy_expunge_print_none();
	else
		lazy_expunge_print_number(report->retention.max_mails);
	if (report->max_storage == 0)
		lazy_expunge_print_none();
	else
		lazy_expunge_print_size(report->max_storage);
	if (report->next == LAZY_EXPUNGE_NEXT_NONE)
		lazy_expunge_print_none();
	else
		lazy_expunge_print_number(report->next_uid);
	lazy_expunge_print_time(report->next_time);
	lazy_expunge_print_text(status_next_name(report->next));
	lazy_expunge_print_text(status_warning(report));
	lazy_expunge_print_number(report->held);
	holds = lazy_expunge_holds_get(luser);
	lazy_expunge_print_text(holds == NULL ? "" :
				lazy_expunge_holds_names(holds));
}

static void status_print_disk(const struct lazy_expunge_disk_report *disk)
{
	lazy_expunge_print_size(disk->disk);
	lazy_expunge_print_size(disk->purgeable);
}

/* Higher goes first. */
static uint64_t status_key(enum status_order order,
			   const struct lazy_expunge_report_sum *sum)
{
	switch (order) {
	case ORDER_MESSAGES:
		return sum->messages;
	case ORDER_BYTES:
		return sum->bytes;
	case ORDER_OLDEST:
		break;
	}
	return sum->oldest == 0 ? 0 : UINT64_MAX - (uint64_t)sum->oldest;
}

static int status_run(struct lazy_expunge_cmd *cmd,
		      struct lazy_expunge_user *luser)
{
	struct status_cmd *scmd = container_of(cmd, struct status_cmd, cmd);
	struct lazy_expunge_disk_report disk;
	struct lazy_expunge_report report;
	struct lazy_expunge_error error;

	if (scmd->catalog != NULL) {
		return lazy_expunge_status_catalog_run(cmd, scmd->catalog,
						       luser);
	}
	if (scmd->by_origin)
		return status_run_by_origin(scmd, luser);
	if (lazy_expunge_report(luser, ioloop_time, &report, &error) < 0)
		return lazy_expunge_cmd_fail(cmd, &error);
	if (scmd->top != NULL &&
	    lazy_expunge_disk_report(luser, &disk, &error) < 0)
		return lazy_expunge_cmd_fail(cmd, &error);
	lazy_expunge_report_add(&scmd->total, &report.sum);
	if (scmd->top == NULL) {
		status_print(luser, &report);
		return 0;
	}
	scmd->total_disk.disk += disk.disk;
	scmd->total_disk.purgeable += disk.purgeable;
	lazy_expunge_top_begin(scmd->top, luser->user->username,
			       status_key(scmd->order, &report.sum));
	status_print(luser, &report);
	status_print_disk(&disk);
	lazy_expunge_top_end(scmd->top);
	return 0;
}

static void status_deinit(struct lazy_expunge_cmd *cmd)
{
	struct status_cmd *scmd = container_of(cmd, struct status_cmd, cmd);
	const bool with_disk = scmd->top != NULL;

	if (scmd->catalog != NULL) {
		if (!cmd->ctx.iterate_single_user) {
			lazy_expunge_status_catalog_print(cmd, scmd->catalog,
						STATUS_TOTAL_USERNAME);
		}
		lazy_expunge_status_catalog_deinit(&scmd->catalog);
		lazy_expunge_top_deinit(&scmd->top);
		return;
	}
	if (with_disk) {
		lazy_expunge_top_print(scmd->top,
				       lazy_expunge_cmd_is_multi(cmd));
	}
	lazy_expunge_top_deinit(&scmd->top);
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
	if (with_disk)
		status_print_disk(&scmd->total_disk);
}

/* Read -s and -l. */
static int status_init_order(struct status_cmd *scmd, const char **error_r)
{
	struct doveadm_cmd_context *cctx = scmd->cmd.ctx.cctx;
	const char *order, *limit, *error = NULL;
	const bool has_limit = doveadm_cmd_param_str(cctx, "limit", &limit);
	unsigned int keep = 0, i = 0;

	if (scmd->by_origin && lazy_expunge_cmd_flag(&scmd->cmd, "catalog")) {
		*error_r = "-v and -c cannot be used together: the catalog "
			"knows no origins";
		return -1;
	}
	if (has_limit)
		keep = strtonum(limit, 1, UINT_MAX, &error);
	if (error != NULL) {
		*error_r = t_strdup_printf("-l %s: the limit must be a number "
					   "from 1 on", limit);
		return -1;
	}
	if (!doveadm_cmd_param_str(cctx, "sort", &order)) {
		*error_r = "-l needs -s: the first rows of which order?";
		return has_limit ? -1 : 0;
	}
	while (i < N_ELEMENTS(status_orders) &&
	       strcmp(order, status_orders[i]) != 0)
		i++;
	if (i == N_ELEMENTS(status_orders)) {
		*error_r = t_strdup_printf("-s %s: the order must be messages, "
					   "bytes or oldest", order);
		return -1;
	}
	if (scmd->by_origin) {
		*error_r = "-v and -s cannot be used together";
		return -1;
	}
	scmd->order = (enum status_order)i;
	scmd->limit = keep;
	scmd->top = lazy_expunge_top_init(keep);
	return 0;
}

static void status_init(struct lazy_expunge_cmd *cmd)
{
	struct status_cmd *scmd = container_of(cmd, struct status_cmd, cmd);
	const char *error;

	scmd->by_origin = lazy_expunge_cmd_flag(cmd, "by-origin");
	if (status_init_order(scmd, &error) < 0) {
		lazy_expunge_cmd_refuse(cmd, EX_USAGE, error);
		return;
	}
	scmd->catalog = lazy_expunge_status_catalog_init(cmd,
		scmd->top == NULL ? NULL : status_catalog_orders[scmd->order],
		scmd->limit);
	if (scmd->catalog != NULL)
		return;
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
	if (scmd->top == NULL)
		return;
	lazy_expunge_print_header_number("disk");
	lazy_expunge_print_header_number("purgeable");
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
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX
		"[-v] [-c] [-s messages|bytes|oldest [-l <limit>]]",
DOVEADM_CMD_PARAMS_START
LAZY_EXPUNGE_CMD_COMMON_PARAMS
DOVEADM_CMD_PARAM('v', "by-origin", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('c', "catalog", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('s', "sort", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('l', "limit", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAMS_END
};
