/* See the header. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "compat/compat-command.h"
#include "account/user.h"
#include "catalog/keys.h"
#include "catalog/reader.h"
#include "doveadm-print.h"
#include "doveadm/print.h"
#include "doveadm/command.h"
#include "doveadm/status-catalog.h"

#define LIST_LIMIT 10
#define DAY_SECS (24 * 60 * 60)

struct lazy_expunge_status_catalog {
	const char *order;
	unsigned int limit;
};

static int next_user_none(struct lazy_expunge_cmd *cmd ATTR_UNUSED,
			  const char **username_r ATTR_UNUSED)
{
	return 0;
}

struct lazy_expunge_status_catalog *
lazy_expunge_status_catalog_init(struct lazy_expunge_cmd *cmd,
				 const char *order, unsigned int limit)
{
	struct lazy_expunge_status_catalog *status;

	if (!lazy_expunge_cmd_flag(cmd, "catalog"))
		return NULL;
	if (cmd->mask != NULL || cmd->ctx.users_list_input != NULL) {
		lazy_expunge_cmd_refuse(cmd, EX_USAGE, "-c has the figures of "
			"one user, or with -A of all: none of a mask or of -F");
	}
	status = i_new(struct lazy_expunge_status_catalog, 1);
	status->order = order;
	status->limit = limit == 0 ? LIST_LIMIT : limit;
	if (!cmd->ctx.iterate_single_user)
		cmd->next_user = next_user_none;
	lazy_expunge_print_header_number("messages");
	lazy_expunge_print_header_number("bytes");
	lazy_expunge_print_header_time("oldest");
	lazy_expunge_print_header_time("newest");
	lazy_expunge_print_header_number("held");
	lazy_expunge_print_header_time("due");
	lazy_expunge_print_header_time("maintained");
	lazy_expunge_print_header_number("failed");
	lazy_expunge_print_header("server");
	lazy_expunge_print_header_number("users");
	lazy_expunge_print_header_number("due_day");
	lazy_expunge_print_header_number("due_week");
	lazy_expunge_print_header_number("week_bytes");
	return status;
}

void lazy_expunge_status_catalog_deinit(
	struct lazy_expunge_status_catalog **status)
{
	i_free(*status);
}

static void print_row(const struct lazy_expunge_catalog_row *row)
{
	/* nobody has looked yet: it may be due now */
	time_t due = row->due == 0 ? ioloop_time : row->due;

	lazy_expunge_print_number(row->messages);
	lazy_expunge_print_size(row->bytes);
	lazy_expunge_print_time(row->oldest);
	lazy_expunge_print_time(row->newest);
	lazy_expunge_print_number(row->held);
	lazy_expunge_print_time(due == LAZY_EXPUNGE_CATALOG_NEVER ? 0 : due);
	lazy_expunge_print_time(row->maintained);
	lazy_expunge_print_number(row->failed);
	lazy_expunge_print_text(row->server);
	lazy_expunge_print_number(1);
	lazy_expunge_print_number(due <= ioloop_time + DAY_SECS ? 1 : 0);
	lazy_expunge_print_number(due <= ioloop_time + 7 * DAY_SECS ? 1 : 0);
	lazy_expunge_print_size(lazy_expunge_catalog_row_week(row,
							      ioloop_time));
}

static void print_sums(const struct lazy_expunge_catalog_sums *sums)
{
	lazy_expunge_print_number(sums->messages);
	lazy_expunge_print_size(sums->bytes);
	lazy_expunge_print_time(sums->oldest);
	lazy_expunge_print_time(sums->newest);
	lazy_expunge_print_number(sums->held);
	lazy_expunge_print_none();
	/* of the user whose is the longest ago */
	lazy_expunge_print_time(sums->maintained);
	lazy_expunge_print_number(sums->failed);
	lazy_expunge_print_text("");
	lazy_expunge_print_number(sums->users);
	lazy_expunge_print_number(sums->due_day);
	lazy_expunge_print_number(sums->due_week);
	lazy_expunge_print_size(sums->week_bytes);
}

static int failed(struct lazy_expunge_cmd *cmd, int exit_code,
		  const char *error)
{
	i_error("%s: %s", cmd->ctx.cmd->name, error);
	cmd->ctx.exit_code = exit_code;
	return -1;
}

/* Returns 0, or -1 when it was said why not. */
static int catalog_open(struct lazy_expunge_cmd *cmd, struct event *event,
			const char *uri,
			struct lazy_expunge_catalog **catalog_r)
{
	const char *error;

	return lazy_expunge_catalog_need(event, uri, catalog_r, &error) == 0 ?
		0 : failed(cmd, EX_CONFIG, error);
}

int lazy_expunge_status_catalog_run(struct lazy_expunge_cmd *cmd,
				    struct lazy_expunge_status_catalog *status
				    	ATTR_UNUSED,
				    struct lazy_expunge_user *luser)
{
	struct lazy_expunge_catalog *catalog;
	struct lazy_expunge_catalog_row row;
	const char *error;
	int ret;

	if (catalog_open(cmd, luser->user->event, luser->set.catalog,
			 &catalog) < 0)
		return -1;
	ret = lazy_expunge_catalog_lookup(catalog, luser->user->username,
					  pool_datastack_create(), &row,
					  &error);
	lazy_expunge_catalog_close(&catalog);
	if (ret < 0)
		return failed(cmd, EX_TEMPFAIL, error);
	if (ret > 0)
		print_row(&row);
	else {
		lazy_expunge_cmd_say(cmd, "The catalog has no row of this "
				     "user: nothing was kept yet, or maintain "
				     "has not been here");
	}
	return 0;
}

static int print_list(struct lazy_expunge_status_catalog *status,
		      struct lazy_expunge_catalog *catalog, pool_t pool,
		      const char **error_r)
{
	ARRAY_TYPE(lazy_expunge_catalog_entry) entries;
	const struct lazy_expunge_catalog_entry *entry;

	p_array_init(&entries, pool, status->limit);
	if (lazy_expunge_catalog_list(catalog, status->order, status->limit,
				      pool, &entries, error_r) < 0)
		return -1;
	array_foreach(&entries, entry) {
		doveadm_print_sticky("username", entry->username);
		print_row(&entry->row);
	}
	return 0;
}

void lazy_expunge_status_catalog_print(
	struct lazy_expunge_cmd *cmd,
	struct lazy_expunge_status_catalog *status, const char *total_name)
{
	struct lazy_expunge_catalog *catalog;
	struct lazy_expunge_catalog_sums sums;
	const char *error;
	pool_t pool;
	int ret = 0;

	io_loop_time_refresh();
	if (catalog_open(cmd, lazy_expunge_compat_cmd_event(cmd->ctx.cctx),
			 lazy_expunge_compat_cmd_plugin_setting(cmd->ctx.set,
				"lazy_expunge_catalog"), &catalog) < 0)
		return;
	pool = pool_alloconly_create("lazy_expunge status", 4096);
	if (status->order != NULL)
		ret = print_list(status, catalog, pool, &error);
	if (ret == 0)
		ret = lazy_expunge_catalog_read_sums(catalog, &sums, &error);
	if (ret < 0)
		(void)failed(cmd, EX_TEMPFAIL, error);
	else {
		doveadm_print_sticky("username", total_name);
		print_sums(&sums);
	}
	pool_unref(&pool);
	lazy_expunge_catalog_close(&catalog);
}
