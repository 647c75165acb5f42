/* See the header. */

#include "lib.h"
#include "array.h"
#include "compat/compat-command.h"
#include "account/user.h"
#include "catalog/keys.h"
#include "catalog/reader.h"
#include "core/text.h"
#include "doveadm/command.h"
#include "doveadm/holds-catalog.h"

struct lazy_expunge_holds_catalog {
	pool_t pool;
	struct lazy_expunge_catalog *catalog;
	/* read when the first is asked for */
	ARRAY_TYPE(lazy_expunge_catalog_entry) entries;
	unsigned int next;
	bool read;
};

struct lazy_expunge_holds_catalog *
lazy_expunge_holds_catalog_init(struct lazy_expunge_cmd *cmd)
{
	struct lazy_expunge_holds_catalog *list;
	const char *error;
	pool_t pool;
	int ret;

	if (!lazy_expunge_cmd_flag(cmd, "catalog"))
		return NULL;
	if (cmd->ctx.iterate_single_user) {
		/* another doveadm may have this one do its user */
		if (!lazy_expunge_cmd_is_multi(cmd)) {
			lazy_expunge_cmd_refuse(cmd, EX_USAGE, "-c takes its "
				"users from the catalog: it is for -A");
		}
		return NULL;
	}
	pool = pool_alloconly_create("lazy_expunge holds catalog", 4096);
	list = p_new(pool, struct lazy_expunge_holds_catalog, 1);
	list->pool = pool;
	ret = lazy_expunge_catalog_need(
		lazy_expunge_compat_cmd_event(cmd->ctx.cctx),
		lazy_expunge_compat_cmd_plugin_setting(cmd->ctx.set,
			"lazy_expunge_catalog"), &list->catalog, &error);
	if (ret == 0) {
		i_array_init(&list->entries, 64);
		return list;
	}
	lazy_expunge_cmd_refuse(cmd, EX_CONFIG, error);
	pool_unref(&pool);
	return NULL;
}

void lazy_expunge_holds_catalog_deinit(
	struct lazy_expunge_holds_catalog **_list)
{
	struct lazy_expunge_holds_catalog *list = *_list;

	*_list = NULL;
	if (list == NULL)
		return;
	lazy_expunge_catalog_close(&list->catalog);
	array_free(&list->entries);
	pool_unref(&list->pool);
}

static int entry_cmp(const struct lazy_expunge_catalog_entry *e1,
		     const struct lazy_expunge_catalog_entry *e2)
{
	return strcmp(e1->username, e2->username);
}

/* How far the answer can be behind is said with it. */
static int list_read(struct lazy_expunge_cmd *cmd,
		     struct lazy_expunge_holds_catalog *list,
		     const char **error_r)
{
	struct lazy_expunge_catalog_sums sums;

	if (lazy_expunge_catalog_list(list->catalog,
				      LAZY_EXPUNGE_CATALOG_BY_HOLDS, 0,
				      list->pool, &list->entries,
				      error_r) < 0 ||
	    lazy_expunge_catalog_read_sums(list->catalog, &sums, error_r) < 0)
		return -1;
	array_sort(&list->entries, entry_cmp);
	lazy_expunge_cmd_say(cmd, "%u of %"PRIu64" users of the catalog have "
		"holds, and are asked. maintain was last with all of them %s%s: "
		"without -c everybody is asked", array_count(&list->entries),
		sums.users, sums.maintained == 0 ? "never" : "at ",
		sums.maintained == 0 ? "" :
		lazy_expunge_text_time(sums.maintained));
	return 0;
}

int lazy_expunge_holds_catalog_next(struct lazy_expunge_cmd *cmd,
				    struct lazy_expunge_holds_catalog *list,
				    const char **username_r)
{
	const struct lazy_expunge_catalog_entry *entry;
	const char *error;
	int exit_code = EX_TEMPFAIL, ret = 0;

	if (!list->read && cmd->ctx.users_list_input != NULL) {
		error = "-c takes its users from the catalog: it is for -A, "
			"not for -F";
		exit_code = EX_USAGE;
		ret = -1;
	} else if (!list->read)
		ret = list_read(cmd, list, &error);
	list->read = TRUE;
	if (ret < 0) {
		i_error("%s: %s", cmd->ctx.cmd->name, error);
		cmd->ctx.exit_code = exit_code;
		/* which said all that is to be said */
		return 0;
	}
	if (list->next == array_count(&list->entries))
		return 0;
	entry = array_idx(&list->entries, list->next++);
	*username_r = entry->username;
	return 1;
}

void lazy_expunge_holds_catalog_not_run(struct lazy_expunge_cmd *cmd,
					const char *username)
{
	lazy_expunge_cmd_say(cmd, "%s: The catalog has holds of this user, who "
			     "could not be asked", lazy_expunge_text_safe(username));
}
