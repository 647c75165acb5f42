/* What a command is about: origins, times, a deletion and a search query, and the
   mails that they find. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "mail-search.h"
#include "mail-search-build.h"
#include "core/text.h"
#include "core/time-words.h"
#include "account/query.h"
#include "inventory/copies.h"
#include "inventory/deletions.h"
#include "inventory/select.h"
#include "doveadm/command.h"

#include <bsd/stdlib.h>

static void cmd_init_query(struct lazy_expunge_cmd *cmd,
			   const char *const query[])
{
	const char *error;

	if (lazy_expunge_query_build(query, &cmd->ctx.search_args, &error) < 0)
		lazy_expunge_cmd_refuse(cmd, EX_USAGE, error);
}

static void cmd_init_origins(struct lazy_expunge_cmd *cmd)
{
	const char *const *name;

	cmd->origins.below = lazy_expunge_cmd_flag(cmd, "recursive");
	if (!doveadm_cmd_param_array(cmd->ctx.cctx, "origin",
				     &cmd->origins.names)) {
		if (cmd->origins.below) {
			lazy_expunge_cmd_refuse(cmd, EX_USAGE,
				"-R needs an origin (-o)");
		}
		return;
	}
	for (name = cmd->origins.names; *name != NULL; name++) {
		if (**name == '\0') {
			lazy_expunge_cmd_refuse(cmd, EX_USAGE,
						"The origin (-o) is empty");
		}
	}
	cmd->range.origins = &cmd->origins;
}

static void cmd_init_time(struct lazy_expunge_cmd *cmd, const char *name,
			  time_t *first_r, time_t *last_r)
{
	const char *text, *error;

	if (doveadm_cmd_param_str(cmd->ctx.cctx, name, &text) &&
	    lazy_expunge_time_parse(text, ioloop_time, first_r, last_r,
				    &error) < 0) {
		lazy_expunge_cmd_refuse(cmd, EX_USAGE,
					t_strdup_printf("--%s: %s", name,
							error));
	}
}

/* Since a day or minute is since it began. Until a day is until it ended, but
   until 14:00 is not until 14:01. */
static void cmd_init_times(struct lazy_expunge_cmd *cmd)
{
	struct lazy_expunge_select_range *range = &cmd->range;
	time_t last = 0, first = 0;

	cmd_init_time(cmd, "since", &range->since, &last);
	last = 0;
	cmd_init_time(cmd, "until", &first, &last);
	range->until = last - first < 60 ? first : last;
	if (range->until != 0 && range->since > range->until) {
		lazy_expunge_cmd_refuse(cmd, EX_USAGE, t_strdup_printf(
			"--since %s is later than --until %s",
			lazy_expunge_text_time(range->since),
			lazy_expunge_text_time(range->until)));
	}
}

static void cmd_init_deletion(struct lazy_expunge_cmd *cmd)
{
	if (doveadm_cmd_param_str(cmd->ctx.cctx, "deletion", &cmd->deletion) &&
	    *cmd->deletion == '\0')
		lazy_expunge_cmd_refuse(cmd, EX_USAGE,
					"The deletion (-d) is empty");
}

void lazy_expunge_cmd_init_query(struct lazy_expunge_cmd *cmd, bool required)
{
	static const char *const all[] = { "ALL", NULL };
	const char *const *query = NULL;

	cmd_init_origins(cmd);
	cmd_init_times(cmd);
	cmd_init_deletion(cmd);
	if (cmd->refused)
		return;
	cmd->has_query = doveadm_cmd_param_array(cmd->ctx.cctx, "query",
						 &query) && query[0] != NULL;
	if (cmd->has_query)
		cmd_init_query(cmd, query);
	else if (!required)
		cmd_init_query(cmd, all);
	else {
		lazy_expunge_cmd_refuse(cmd, EX_USAGE, t_strdup_printf(
			"A search query is needed: %s ALL takes everything",
			cmd->ctx.cmd->name));
	}
}

/* The names of -o that no mail of the storages comes from. */
static int cmd_check_origins(struct lazy_expunge_cmd *cmd,
			     struct lazy_expunge_select *select)
{
	struct mail_search_args *args = mail_search_build_init();
	struct lazy_expunge_error error;
	const char *const *name, *near;
	int ret;

	mail_search_build_add_all(args);
	ret = lazy_expunge_select_find(select, args, NULL, 0, &error);
	if (ret == 0) {
		ret = lazy_expunge_copies_find(select, args, NULL, NULL, 0,
					       &error);
	}
	mail_search_args_unref(&args);
	if (ret < 0)
		return lazy_expunge_cmd_fail(cmd, &error);
	for (name = cmd->origins.names; *name != NULL; name++) {
		if (lazy_expunge_select_has_origin(select, *name,
						   cmd->origins.below, &near))
			continue;
		error.code = MAIL_ERROR_NOTFOUND;
		error.text = near == NULL ?
			t_strdup_printf("No mail in the expunge storage comes "
					"from %s", *name) :
			t_strdup_printf("No mail in the expunge storage comes "
					"from %s; did you mean %s", *name, near);
		ret = lazy_expunge_cmd_fail(cmd, &error);
	}
	return ret;
}

int lazy_expunge_cmd_found_nothing(struct lazy_expunge_cmd *cmd,
				   struct lazy_expunge_select *select)
{
	if (lazy_expunge_cmd_is_multi(cmd)) {
		cmd->users_nothing++;
		return 0;
	}
	if (cmd->origins.names != NULL && cmd_check_origins(cmd, select) < 0)
		return -1;
	lazy_expunge_cmd_say(cmd, LAZY_EXPUNGE_CMD_NOTHING);
	return 0;
}

struct lazy_expunge_select *
lazy_expunge_cmd_select_all(struct lazy_expunge_user *luser,
			    struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_select *select =
		lazy_expunge_select_init(luser, error_r);
	struct mail_search_args *args;

	if (select == NULL)
		return NULL;
	args = mail_search_build_init();
	mail_search_build_add_all(args);
	if (lazy_expunge_select_find(select, args, NULL, 0, error_r) < 0)
		lazy_expunge_select_deinit(&select);
	mail_search_args_unref(&args);
	return select;
}

/* The mails of -d. Returns 0 if ok, -1 and the error. Lives as long as the data
   stack frame. */
static int cmd_find_deletion(struct lazy_expunge_cmd *cmd,
			     struct lazy_expunge_user *luser,
			     struct lazy_expunge_select_deletion *deletion_r,
			     struct lazy_expunge_error *error_r)
{
	const struct lazy_expunge_deletion_row *row;
	struct lazy_expunge_deletions_list *list;
	struct lazy_expunge_select *all;

	all = lazy_expunge_cmd_select_all(luser, error_r);
	if (all == NULL)
		return -1;
	list = lazy_expunge_deletions_list(all, NULL);
	row = lazy_expunge_deletions_find(list, cmd->deletion);
	error_r->code = MAIL_ERROR_NOTFOUND;
	error_r->text = NULL;
	if (row == NULL) {
		error_r->text = t_strdup_printf("There is no deletion %s",
						cmd->deletion);
	} else if (row->record.kind == LAZY_EXPUNGE_DELETION_KIND_RESTORE) {
		error_r->text = t_strdup_printf("%s is a restore, and no "
						"deletion", cmd->deletion);
	} else {
		lazy_expunge_deletions_select(row, deletion_r);
	}
	lazy_expunge_select_deinit(&all);
	return error_r->text == NULL ? 0 : -1;
}

enum cmd_parts {
	/* mails of the storages */
	CMD_KEPT = 0x01,
	/* copies of mails that passed */
	CMD_COPIES = 0x02
};

/* Returns 0 if ok, -1 and the error. */
static int cmd_find(struct lazy_expunge_cmd *cmd,
		    struct lazy_expunge_select *select, enum cmd_parts parts,
		    const struct lazy_expunge_copies_params *params,
		   unsigned int select_flags,
		    struct lazy_expunge_error *error_r)
{
	if ((parts & CMD_KEPT) != 0 &&
	    lazy_expunge_select_find(select, cmd->ctx.search_args,
				     &cmd->range, select_flags, error_r) < 0)
		return -1;
	return (parts & CMD_COPIES) == 0 ? 0 :
		lazy_expunge_copies_find(select, cmd->ctx.search_args,
					 &cmd->range, params, select_flags,
					 error_r);
}

/* What there is of the others is worth more than none. */
static void cmd_say_unread(struct lazy_expunge_cmd *cmd,
			   const struct lazy_expunge_select *select)
{
	const char *text;

	array_foreach_elem(&select->unread, text) T_BEGIN {
		i_warning("Copies in a mailbox are not found, nor what it "
			  "misses: %s", lazy_expunge_text_safe(text));
		(void)lazy_expunge_cmd_failed(cmd, MAIL_ERROR_TEMP);
	} T_END;
}

static int cmd_select(struct lazy_expunge_cmd *cmd,
		      struct lazy_expunge_user *luser, enum cmd_parts parts,
		      const struct lazy_expunge_copies_params *params,
		   unsigned int select_flags,
		      struct lazy_expunge_select **select_r,
		      struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_select_deletion deletion;
	int ret;

	*select_r = NULL;
	cmd->range.deletion = NULL;
	if (cmd->deletion != NULL) {
		i_zero(&deletion);
		/* nothing may be left of it but these */
		if (parts == CMD_COPIES) {
			deletion.id = lazy_expunge_deletion_id_parse(
							cmd->deletion);
		} else if (cmd_find_deletion(cmd, luser, &deletion,
					     error_r) < 0) {
			return -1;
		}
		cmd->range.deletion = &deletion;
	}
	*select_r = lazy_expunge_select_init(luser, error_r);
	if (*select_r == NULL)
		return -1;
	ret = cmd_find(cmd, *select_r, parts, params, select_flags, error_r);
	cmd->range.deletion = NULL;
	if (ret < 0)
		lazy_expunge_select_deinit(select_r);
	else
		cmd_say_unread(cmd, *select_r);
	return ret;
}

static struct lazy_expunge_select *
cmd_select_or_fail(struct lazy_expunge_cmd *cmd,
		   struct lazy_expunge_user *luser, enum cmd_parts parts,
		   const struct lazy_expunge_copies_params *params,
		   unsigned int select_flags, int *ret_r)
{
	struct lazy_expunge_select *select;
	struct lazy_expunge_error error;

	if (cmd_select(cmd, luser, parts, params, select_flags, &select,
		       &error) < 0)
		*ret_r = lazy_expunge_cmd_fail(cmd, &error);
	return select;
}

/* Says it if nothing is found. */
static struct lazy_expunge_select *
cmd_select_any(struct lazy_expunge_cmd *cmd, struct lazy_expunge_user *luser,
	       enum cmd_parts parts, unsigned int select_flags, int *ret_r)
{
	struct lazy_expunge_select *select;

	select = cmd_select_or_fail(cmd, luser, parts, NULL, select_flags,
				    ret_r);
	if (select != NULL && array_count(&select->mails) == 0) {
		/* or it is not known whether there is something */
		*ret_r = array_count(&select->unread) > 0 ? -1 :
			lazy_expunge_cmd_found_nothing(cmd, select);
		lazy_expunge_select_deinit(&select);
	}
	return select;
}

struct lazy_expunge_select *
lazy_expunge_cmd_select_quietly(struct lazy_expunge_cmd *cmd,
				struct lazy_expunge_user *luser,
				unsigned int select_flags, int *ret_r)
{
	return cmd_select_or_fail(cmd, luser, CMD_KEPT, NULL, select_flags,
				  ret_r);
}

struct lazy_expunge_select *
lazy_expunge_cmd_select(struct lazy_expunge_cmd *cmd,
			struct lazy_expunge_user *luser,
			unsigned int select_flags, int *ret_r)
{
	return cmd_select_any(cmd, luser, CMD_KEPT, select_flags, ret_r);
}

struct lazy_expunge_select *
lazy_expunge_cmd_select_with_copies(struct lazy_expunge_cmd *cmd,
				    struct lazy_expunge_user *luser,
				    unsigned int select_flags, int *ret_r)
{
	return cmd_select_any(cmd, luser, CMD_KEPT | CMD_COPIES, select_flags,
			      ret_r);
}

/* Take out what is no copy of a mail that passed. */
static void select_leave_copies(struct lazy_expunge_select *select)
{
	struct lazy_expunge_select_mail *mails;
	unsigned int count, left = 0;

	mails = array_get_modifiable(&select->mails, &count);
	for (unsigned int i = 0; i < count; i++) {
		if (mails[i].passed != NULL)
			mails[left++] = mails[i];
	}
	array_delete(&select->mails, left, count - left);
}

struct lazy_expunge_select *
lazy_expunge_cmd_select_copies(struct lazy_expunge_cmd *cmd,
			       struct lazy_expunge_user *luser,
			       const struct lazy_expunge_copies_params *params,
			       bool plan, int *ret_r)
{
	struct lazy_expunge_select *select;

	select = cmd_select_or_fail(cmd, luser,
		plan ? CMD_KEPT | CMD_COPIES : CMD_COPIES, params,
		LAZY_EXPUNGE_SELECT_OLDEST_FIRST, ret_r);
	if (select != NULL)
		select_leave_copies(select);
	return select;
}

void lazy_expunge_cmd_find_boxes(struct lazy_expunge_cmd *cmd,
				 struct lazy_expunge_user *luser, pool_t pool,
				 ARRAY_TYPE(const_string) *boxes)
{
	const struct mail_search_arg *args = cmd->ctx.search_args->args;
	uint32_t id = cmd->deletion == NULL ? 0 :
		lazy_expunge_deletion_id_parse(cmd->deletion);

	if (args == NULL || args->type != SEARCH_ALL || args->match_not ||
	    args->next != NULL)
		return;
	if (id == 0 && cmd->deletion != NULL)
		return;
	if (id != 0 || cmd->range.origins != NULL) {
		lazy_expunge_deletions_boxes(luser, pool, &cmd->range, id,
					     boxes);
	} else {
		lazy_expunge_deletions_all_boxes(luser, pool, &cmd->range,
						 boxes);
	}
}

void lazy_expunge_cmd_init_limit(struct lazy_expunge_cmd *cmd,
				 unsigned int *limit_r)
{
	const char *limit, *error;

	*limit_r = 0;
	if (!doveadm_cmd_param_str(cmd->ctx.cctx, "limit", &limit))
		return;
	*limit_r = strtonum(limit, 1, UINT_MAX, &error);
	if (error != NULL) {
		lazy_expunge_cmd_refuse(cmd, EX_USAGE, t_strdup_printf(
			"-l %s: the limit must be a number from 1 on", limit));
	}
}
