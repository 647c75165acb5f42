/* Holds in force: reads the user's file when it changed. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "istream.h"
#include "str.h"
#include "time-util.h"
#include "mail-search.h"
#include "account/files.h"
#include "account/never-used.h"
#include "account/query.h"
#include "account/storages.h"
#include "account/user.h"
#include "compat/dovecot.h"
#include "hold/answers.h"
#include "hold/fields.h"
#include "hold/holds.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is known of a user's file. */
struct lazy_expunge_holds_cache {
	struct lazy_expunge_user *luser;
	/* NULL before the first look */
	struct lazy_expunge_holds *holds;
	/* it was looked at, in this turn of the ioloop */
	struct timeval looked;
	struct stat st;
	bool exists;
	/* of the home, in which it would be, nothing is there */
	bool away;
};

static int holds_fail(const char *path, const char *text, const char **error_r)
{
	*error_r = t_strdup_printf("%s: %s: until it is mended or removed, "
				   "all mail is held", path, text);
	return -1;
}

static int holds_read_file(const char *path, int fd, pool_t pool,
			   ARRAY_TYPE(lazy_expunge_hold) *holds,
			   const char **error_r)
{
	struct istream *input;
	const unsigned char *data;
	const char *error;
	size_t size;
	int ret;

	input = i_stream_create_fd(fd, LAZY_EXPUNGE_HOLD_FILE_MAX);
	while ((ret = i_stream_read(input)) > 0) ;
	data = i_stream_get_data(input, &size);
	if (input->stream_errno != 0)
		ret = holds_fail(path, i_stream_get_error(input), error_r);
	else if (ret == -2)
		ret = holds_fail(path, "it is too large", error_r);
	else if (lazy_expunge_hold_file_parse((const char *)data, size, pool,
					      holds, &error) < 0)
		ret = holds_fail(path, error, error_r);
	else
		ret = 1;
	i_stream_unref(&input);
	return ret;
}

int lazy_expunge_holds_read(struct lazy_expunge_user *luser, pool_t pool,
			    ARRAY_TYPE(lazy_expunge_hold) *holds,
			    const char **error_r)
{
	const char *path, *home, *error;
	int fd, ret;

	path = lazy_expunge_place_path(luser->user, LAZY_EXPUNGE_HOLDS_FNAME);
	if (path == NULL)
		return 0;
	ret = lazy_expunge_place_open(path, O_RDONLY, &fd, &error);
	if (ret == 0 && lazy_expunge_user_home_is_away(luser->user, &home)) {
		*error_r = t_strdup_printf("The home %s is not there, and "
			"cannot be made: holds that are in it cannot be read, "
			"and until then all mail is held", home);
		return -1;
	}
	if (ret == 0)
		return 0;
	if (ret < 0) {
		*error_r = t_strdup_printf("%s: until then all mail is held",
					   error);
		return -1;
	}
	ret = holds_read_file(path, fd, pool, holds, error_r);
	i_close_fd(&fd);
	return ret;
}

/* TRUE if the query names mails by what they lose when they are moved. */
static bool args_are_of_a_place(const struct mail_search_arg *arg)
{
	for (; arg != NULL; arg = arg->next) {
		switch (arg->type) {
		case SEARCH_OR:
		case SEARCH_SUB:
			if (args_are_of_a_place(arg->value.subargs))
				return TRUE;
			break;
		case SEARCH_SEQSET:
		case SEARCH_UIDSET:
		case SEARCH_MAILBOX:
		case SEARCH_MAILBOX_GUID:
		case SEARCH_MAILBOX_GLOB:
		case SEARCH_INTHREAD:
			return TRUE;
		default:
			break;
		}
	}
	return FALSE;
}

int lazy_expunge_hold_build_query(const char *const *query,
				  struct mail_search_args **args_r,
				  const char **error_r)
{
	int ret = lazy_expunge_query_build(query, args_r, error_r);

	if (ret == 0 && args_are_of_a_place((*args_r)->args)) {
		mail_search_args_unref(args_r);
		*error_r = "A hold cannot go by mailboxes, UIDs, message "
			"numbers or threads, which change when mail is moved: "
			"use guid, from, subject, header, savedsince …";
		ret = -1;
	}
	return ret;
}

static int hold_build_at(const struct lazy_expunge_hold *hold, time_t when,
			 struct mail_search_args **args_r, const char **error_r)
{
	const time_t now = ioloop_time;
	int ret;

	/* the search parser asks for no other clock */
	ioloop_time = when;
	ret = lazy_expunge_hold_build_query(hold->query, args_r, error_r);
	ioloop_time = now;
	return ret;
}

/* Of one query, built at two times. */
static bool args_are_same(const struct mail_search_arg *arg1,
			  const struct mail_search_arg *arg2)
{
	for (; arg1 != NULL; arg1 = arg1->next, arg2 = arg2->next) {
		switch (arg1->type) {
		case SEARCH_OR:
		case SEARCH_SUB:
			if (!args_are_same(arg1->value.subargs,
					   arg2->value.subargs))
				return FALSE;
			break;
		case SEARCH_BEFORE:
		case SEARCH_ON:
		case SEARCH_SINCE:
			if (arg1->value.time != arg2->value.time)
				return FALSE;
			break;
		default:
			break;
		}
	}
	return TRUE;
}

static void holds_add_end(struct lazy_expunge_holds *holds, time_t end)
{
	if (end != 0 && (holds->next_end == 0 || end < holds->next_end))
		holds->next_end = end;
}

static void holds_add_active(struct lazy_expunge_holds *holds,
			     const struct lazy_expunge_hold *hold,
			     struct mail_search_args *args)
{
	struct lazy_expunge_hold_active *active =
		array_append_space(&holds->active);

	active->hold = hold;
	active->args = args;
	active->stays = args != NULL && lazy_expunge_answers_stay(args->args);
	/* full text search has its own idea of what matches */
	active->fields = active->stays &&
		lazy_expunge_fields_are_asked(args->args) &&
		!lazy_expunge_compat_user_has_plugin(holds->luser->user, "fts");
}

/* Spans of time count from when it was set, and from now: by "savedsince 1d" a mail
   would else be held for a day, and then go, and by "savedbefore 7d" nothing
   would ever be held that is deleted later. They are two queries: of "either"
   Dovecot's search makes something else where they are within NOT. */
static int holds_add_query(struct lazy_expunge_holds *holds,
			   const struct lazy_expunge_hold *hold, time_t now,
			   const char **error_r)
{
	struct mail_search_args *args, *args_now;

	if (hold_build_at(hold, hold->set_time, &args, error_r) < 0)
		return -1;
	holds_add_active(holds, hold, args);
	if (hold_build_at(hold, now, &args_now, error_r) < 0)
		return -1;
	if (args_are_same(args->args, args_now->args))
		mail_search_args_unref(&args_now);
	else
		holds_add_active(holds, hold, args_now);
	return 0;
}

/* Returns -1 if a query is not understood, which may be one of another
   version. */
static int holds_activate(struct lazy_expunge_holds *holds, time_t now)
{
	const struct lazy_expunge_hold *hold;
	const char *error;

	array_foreach(&holds->all, hold) {
		if (!lazy_expunge_hold_is_active(hold, now))
			continue;
		if (hold->query[0] == NULL) {
			holds->everything = hold->name;
			holds_add_active(holds, hold, NULL);
		} else if (holds_add_query(holds, hold, now, &error) < 0) {
			holds->error = p_strdup_printf(holds->pool,
				"hold %s: its query is not understood, and so "
				"all mail is held: %s", hold->name, error);
			return -1;
		}
		holds_add_end(holds, hold->until);
	}
	return 0;
}

void lazy_expunge_holds_ref(struct lazy_expunge_holds *holds)
{
	holds->refcount++;
}

void lazy_expunge_holds_unref(struct lazy_expunge_holds **_holds)
{
	struct lazy_expunge_holds *holds = *_holds;
	struct lazy_expunge_hold_active *active;

	if (holds == NULL)
		return;
	*_holds = NULL;
	if (--holds->refcount > 0)
		return;
	array_foreach_modifiable(&holds->active, active) {
		if (active->args != NULL)
			mail_search_args_unref(&active->args);
	}
	lazy_expunge_answers_deinit(&holds->answers);
	pool_unref(&holds->pool);
}

static struct lazy_expunge_holds *
holds_load(struct lazy_expunge_holds_cache *cache)
{
	struct lazy_expunge_holds *holds;
	const char *error;
	pool_t pool;

	pool = pool_alloconly_create("lazy_expunge holds", 1024);
	holds = p_new(pool, struct lazy_expunge_holds, 1);
	holds->pool = pool;
	holds->refcount = 1;
	holds->luser = cache->luser;
	holds->answers = lazy_expunge_answers_init();
	p_array_init(&holds->all, pool, 4);
	p_array_init(&holds->active, pool, 4);
	if (holds->luser->set.hold)
		holds->everything = LAZY_EXPUNGE_HOLD_SETTING;
	T_BEGIN {
		if (cache->exists &&
		    lazy_expunge_holds_read(holds->luser, pool, &holds->all,
					    &error) < 0)
			holds->error = p_strdup(pool, error);
		else
			(void)holds_activate(holds, ioloop_time);
	} T_END;
	if (holds->error != NULL) {
		holds->everything = "";
		e_error(holds->luser->user->event, "lazy_expunge: %s",
			holds->error);
	}
	return holds;
}

static bool holds_is_same_file(const struct stat *st1, const struct stat *st2)
{
	return st1->st_ino == st2->st_ino && st1->st_size == st2->st_size &&
		st1->st_mtime == st2->st_mtime &&
		st1->st_mtim.tv_nsec == st2->st_mtim.tv_nsec &&
		st1->st_ctime == st2->st_ctime &&
		st1->st_ctim.tv_nsec == st2->st_ctim.tv_nsec;
}

/* Returns TRUE if the file, its absence included, is not what it was. */
static bool holds_has_changed(struct lazy_expunge_holds_cache *cache)
{
	struct mail_user *user = cache->luser->user;
	struct stat st;
	const char *path, *home;
	bool exists, changed;

	path = lazy_expunge_place_path(user, LAZY_EXPUNGE_HOLDS_FNAME);
	i_zero(&st);
	/* what is there and cannot be looked at cannot be read either, nor can
	   what a link leads to */
	exists = path != NULL &&
		(lstat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR));
	/* looked for once, and then until it is there */
	cache->away = !exists && (cache->holds == NULL || cache->away) &&
		lazy_expunge_user_home_is_away(user, &home) &&
		!lazy_expunge_user_never_used(user);
	exists = exists || cache->away;
	changed = cache->holds == NULL || exists != cache->exists ||
		!holds_is_same_file(&st, &cache->st) ||
		(cache->holds->next_end != 0 &&
		 cache->holds->next_end <= ioloop_time);
	cache->exists = exists;
	cache->st = st;
	return changed;
}

static void holds_deinit(struct lazy_expunge_user *luser, void *context)
{
	struct lazy_expunge_holds_cache *cache = context;

	luser->holds = NULL;
	lazy_expunge_holds_unref(&cache->holds);
	i_free(cache);
}

static struct lazy_expunge_holds *
holds_in_force(struct lazy_expunge_holds_cache *cache)
{
	return cache->holds->everything == NULL &&
		array_count(&cache->holds->active) == 0 ? NULL : cache->holds;
}

struct lazy_expunge_holds *
lazy_expunge_holds_get(struct lazy_expunge_user *luser)
{
	struct lazy_expunge_holds_cache *cache = luser->holds;
	bool changed;

	if (cache == NULL) {
		cache = luser->holds =
			i_new(struct lazy_expunge_holds_cache, 1);
		cache->luser = luser;
		lazy_expunge_user_on_deinit(luser, holds_deinit, cache);
	}
	if (timeval_cmp(&cache->looked, &ioloop_timeval) != 0) {
		cache->looked = ioloop_timeval;
		T_BEGIN {
			changed = holds_has_changed(cache);
		} T_END;
		if (changed) {
			lazy_expunge_holds_unref(&cache->holds);
			cache->holds = holds_load(cache);
		}
	}
	return holds_in_force(cache);
}

struct lazy_expunge_holds *
lazy_expunge_holds_known(struct lazy_expunge_user *luser)
{
	return luser->holds != NULL ? holds_in_force(luser->holds) :
		lazy_expunge_holds_get(luser);
}

unsigned int lazy_expunge_holds_count(struct lazy_expunge_user *luser)
{
	const struct lazy_expunge_holds_cache *cache;

	(void)lazy_expunge_holds_get(luser);
	cache = luser->holds;
	return array_count(&cache->holds->all) + (luser->set.hold ? 1 : 0) +
		(cache->holds->error != NULL ? 1 : 0);
}

const char *lazy_expunge_holds_describe(const struct lazy_expunge_holds *holds,
					const char *name)
{
	if (holds->error != NULL)
		return holds->error;
	if (strcmp(name, LAZY_EXPUNGE_HOLD_SETTING) == 0)
		return LAZY_EXPUNGE_HOLD_SETTING" = yes";
	return t_strconcat("hold ", name, NULL);
}

const char *lazy_expunge_holds_names(const struct lazy_expunge_holds *holds)
{
	const struct lazy_expunge_hold_active *active;
	const struct lazy_expunge_hold *last = NULL;
	string_t *str = t_str_new(64);

	if (holds->luser->set.hold)
		str_append(str, ", "LAZY_EXPUNGE_HOLD_SETTING);
	if (holds->error != NULL)
		str_append(str, ", (unreadable)");
	array_foreach(&holds->active, active) {
		if (active->hold != last)
			str_printfa(str, ", %s", active->hold->name);
		last = active->hold;
	}
	return str_c(str) + 2;
}
