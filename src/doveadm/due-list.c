/* See the header. */

#include "lib.h"
#include "array.h"
#include "hostpid.h"
#include "ioloop.h"
#include "compat/compat-command.h"
#include "compat/compat-service.h"
#include "account/user.h"
#include "catalog/reader.h"
#include "catalog/writer.h"
#include "core/text.h"
#include "doveadm/command.h"
#include "doveadm/due-list.h"

#include <bsd/stdlib.h>

#define MAX_AGE_DAYS 7
#define DAY_SECS (24 * 60 * 60)

struct lazy_expunge_due_list {
	pool_t pool;
	struct event *event;
	/* on 2.3 */
	const char *uri;
	struct lazy_expunge_catalog *catalog;
	unsigned int max_age;
	/* nothing is written */
	bool plan;
	/* read when the first is asked for */
	ARRAY_TYPE(lazy_expunge_catalog_entry) entries;
	unsigned int next;
	bool read;
	/* who was named and not done */
	ARRAY_TYPE(const_string) not_run;
};

static int due_list_options(struct lazy_expunge_cmd *cmd,
			    struct lazy_expunge_due_list *list,
			    const char **error_r)
{
	const char *days, *error;
	unsigned int max_age = MAX_AGE_DAYS;

	if (doveadm_cmd_param_str(cmd->ctx.cctx, "max-age", &days)) {
		max_age = strtonum(days, 1, 3650, &error);
		if (error != NULL) {
			*error_r = t_strdup_printf("-M %s: the age must be a "
				"number of days from 1 on", days);
			return -1;
		}
	}
	list->max_age = max_age * DAY_SECS;
	return 0;
}

static int due_list_open(struct lazy_expunge_cmd *cmd,
			 struct lazy_expunge_due_list *list,
			 const char **error_r)
{
	list->event = lazy_expunge_compat_cmd_event(cmd->ctx.cctx);
	list->uri = p_strdup(list->pool, lazy_expunge_compat_cmd_plugin_setting(
					cmd->ctx.set, "lazy_expunge_catalog"));
	return lazy_expunge_catalog_need(list->event, list->uri,
					 &list->catalog, error_r);
}

/* Returns 1, 0 if there is no -D for this process, -1 and the error. */
static int due_list_wanted(struct lazy_expunge_cmd *cmd, const char **error_r)
{
	if (!lazy_expunge_cmd_flag(cmd, "due")) {
		*error_r = "-M is for -D: who was not visited for so long is "
			"visited, too";
		return lazy_expunge_cmd_has_param(cmd, "max-age") ? -1 : 0;
	}
	if (lazy_expunge_cmd_has_param(cmd, "make-room")) {
		*error_r = "-D and --make-room cannot be used together: the "
			"oldest mails of all users go first";
		return -1;
	}
	if (!cmd->ctx.iterate_single_user)
		return 1;
	*error_r = "-D takes its users from the catalog: it is for -A";
	/* another doveadm may have this one do its user */
	return lazy_expunge_cmd_is_multi(cmd) ? 0 : -1;
}

struct lazy_expunge_due_list *
lazy_expunge_due_list_init(struct lazy_expunge_cmd *cmd, bool plan)
{
	struct lazy_expunge_due_list *list;
	const char *error;
	pool_t pool;
	int ret;

	ret = due_list_wanted(cmd, &error);
	if (ret < 0)
		lazy_expunge_cmd_refuse(cmd, EX_USAGE, error);
	if (ret <= 0)
		return NULL;
	pool = pool_alloconly_create("lazy_expunge due list", 4096);
	list = p_new(pool, struct lazy_expunge_due_list, 1);
	list->pool = pool;
	list->plan = plan;
	p_array_init(&list->not_run, pool, 8);
	i_array_init(&list->entries, 128);
	if (due_list_options(cmd, list, &error) < 0)
		lazy_expunge_cmd_refuse(cmd, EX_USAGE, error);
	else if (due_list_open(cmd, list, &error) < 0)
		lazy_expunge_cmd_refuse(cmd, EX_CONFIG, error);
	if (cmd->refused)
		lazy_expunge_due_list_deinit(&list);
	return list;
}

void lazy_expunge_due_list_deinit(struct lazy_expunge_due_list **_list)
{
	struct lazy_expunge_due_list *list = *_list;

	*_list = NULL;
	if (list == NULL)
		return;
	lazy_expunge_catalog_close(&list->catalog);
	array_free(&list->entries);
	pool_unref(&list->pool);
}

/* Returns 1 if the user is still to be visited, 0 if not, -1 and the error. */
static int due_list_is_due(struct lazy_expunge_due_list *list,
			   const char *username, const char **error_r)
{
	struct lazy_expunge_catalog_row row;
	int ret;

	ret = lazy_expunge_catalog_lookup(list->catalog, username,
					  pool_datastack_create(), &row,
					  error_r);
	if (ret > 0 && lazy_expunge_catalog_row_visit(&row, list->max_age) >
	    ioloop_time)
		ret = 0;
	return ret;
}

static int due_list_read(struct lazy_expunge_cmd *cmd,
			 struct lazy_expunge_due_list *list,
			 const char **error_r)
{
	if (list->read)
		return 0;
	list->read = TRUE;
	if (cmd->ctx.users_list_input != NULL) {
		*error_r = "-D takes its users from the catalog: it is for -A, "
			"not for -F";
		cmd->ctx.exit_code = EX_USAGE;
		return -1;
	}
	io_loop_time_refresh();
	if (lazy_expunge_catalog_list_due(list->catalog, ioloop_time,
					  list->max_age, list->pool,
					  &list->entries, error_r) == 0)
		return 0;
	cmd->ctx.exit_code = EX_TEMPFAIL;
	return -1;
}

int lazy_expunge_due_list_next(struct lazy_expunge_cmd *cmd,
			       struct lazy_expunge_due_list *list,
			       const char **username_r)
{
	const struct lazy_expunge_catalog_entry *entry;
	const char *error;
	int ret;

	ret = due_list_read(cmd, list, &error);
	io_loop_time_refresh();
	while (ret == 0 && list->next < array_count(&list->entries)) {
		entry = array_idx(&list->entries, list->next++);
		ret = due_list_is_due(list, entry->username, &error);
		*username_r = entry->username;
	}
	if (ret >= 0)
		return ret;
	i_error("%s: %s", cmd->ctx.cmd->name, error);
	if (cmd->ctx.exit_code == 0)
		cmd->ctx.exit_code = EX_TEMPFAIL;
	/* which said all that is to be said */
	return 0;
}

void lazy_expunge_due_list_not_run(struct lazy_expunge_due_list *list,
				   const char *username)
{
	username = p_strdup(list->pool, username);
	array_push_back(&list->not_run, &username);
}

static void due_list_drop(struct lazy_expunge_due_list *list,
			  const char *username, const char *why)
{
	if (list->plan) {
		i_info("%s: %s: would be taken off the catalog",
		       lazy_expunge_text_safe(username), why);
		return;
	}
	i_info("%s: %s: taken off the catalog",
	       lazy_expunge_text_safe(username), why);
	lazy_expunge_catalog_remove(list->event, list->uri, username);
}

/* The home may be on a file system that is not mounted: the row goes only if it is
   so at the next visit, too. */
static void due_list_absent(struct lazy_expunge_due_list *list,
			    struct lazy_expunge_user *luser)
{
	struct lazy_expunge_catalog_row row;

	i_info("%s: The user has nothing on this server now: taken off the "
	       "catalog if that is so in a day, too",
	       lazy_expunge_text_safe(luser->user->username));
	if (list->plan)
		return;
	lazy_expunge_catalog_row_set_absent(&row, ioloop_time);
	lazy_expunge_catalog_write(luser, &row);
}

void lazy_expunge_due_list_not_here(struct lazy_expunge_cmd *cmd ATTR_UNUSED,
				    struct lazy_expunge_due_list *list,
				    struct lazy_expunge_user *luser)
{
	struct lazy_expunge_catalog_row row;
	const char *error;
	int ret;

	ret = lazy_expunge_catalog_lookup(list->catalog, luser->user->username,
					  pool_datastack_create(), &row,
					  &error);
	if (ret < 0)
		i_error("%s", error);
	else if (ret == 0 || strcmp(row.server, my_hostname) != 0)
		; /* taken off meanwhile, or another server's */
	else if (!lazy_expunge_catalog_row_is_absent(&row))
		due_list_absent(list, luser);
	else {
		due_list_drop(list, luser->user->username,
			      "The user has nothing on this server any more");
	}
}

void lazy_expunge_due_list_finish(struct lazy_expunge_cmd *cmd,
				  struct lazy_expunge_due_list *list)
{
	struct mail_storage_service_user *user;
	const char *username, *error;
	int ret;

	array_foreach_elem(&list->not_run, username) T_BEGIN {
		struct mail_storage_service_input input = {
			.username = username,
		};

		lazy_expunge_compat_service_input(&input);
		ret = mail_storage_service_lookup(cmd->ctx.storage_service,
						  &input, &user, &error);
		if (ret > 0)
			mail_storage_service_user_unref(&user);
		else if (ret < 0) {
			i_error("%s: %s", lazy_expunge_text_safe(username),
				error);
		} else {
			due_list_drop(list, username,
				      "userdb does not know the user");
		}
	} T_END;
}
