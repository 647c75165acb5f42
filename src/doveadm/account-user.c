/* Looking up users, with a return to the rights of before. */

#include "lib.h"
#include "array.h"
#include "hash.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mailbox-list-iter.h"
#include "restrict-access.h"
#include "compat/compat-service.h"
#include "compat/dovecot.h"
#include "account/never-used.h"
#include "account/user.h"
#include "accounts/moves.h"
#include "doveadm/account-command.h"
#include "doveadm/all-users.h"
#include "doveadm/catalog-users.h"
#include "doveadm/account-user.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define SERVICE_FLAGS \
	(MAIL_STORAGE_SERVICE_FLAG_USERDB_LOOKUP | \
	 MAIL_STORAGE_SERVICE_FLAG_NO_LOG_INIT | \
	 MAIL_STORAGE_SERVICE_FLAG_NO_CHDIR | \
	 MAIL_STORAGE_SERVICE_FLAG_TEMP_PRIV_DROP)

struct count {
	bool exact;
	int64_t messages, bytes;
};

static void count_open(struct mailbox *box, struct count *count)
{
	const struct mailbox_index_vsize *vsize;
	struct mailbox_status status;
	const void *data;
	size_t size;

	if (mailbox_open(box) < 0 ||
	    (count->exact && mailbox_sync(box, 0) < 0)) {
		if (mailbox_get_last_mail_error(box) != MAIL_ERROR_NOTFOUND)
			count->messages = count->bytes = -1;
		return;
	}
	mailbox_get_open_status(box, STATUS_MESSAGES, &status);
	mail_index_get_header_ext(box->view, box->vsize_hdr_ext_id, &data,
				  &size);
	vsize = data;
	if (count->messages >= 0)
		count->messages += status.messages;
	if (status.messages == 0 || count->bytes < 0)
		;
	else if (size < sizeof(*vsize) ||
		 vsize->message_count != status.messages)
		count->bytes = -1;
	else
		count->bytes += vsize->vsize;
}

static void count_mailbox(struct mail_namespace *ns, const char *vname,
			  struct count *count)
{
	enum mailbox_existence existence;
	struct mailbox *box;

	box = mailbox_alloc(ns->list, vname, MAILBOX_FLAG_IGNORE_ACLS);
	if (mailbox_exists(box, FALSE, &existence) < 0)
		count->messages = count->bytes = -1;
	else if (existence == MAILBOX_EXISTENCE_SELECT)
		count_open(box, count);
	mailbox_free(&box);
}

static void count_namespace(struct mail_namespace *ns, struct count *count)
{
	struct mailbox_list_iterate_context *iter;
	const struct mailbox_info *info;

	iter = mailbox_list_iter_init(ns->list, "*",
		MAILBOX_LIST_ITER_RAW_LIST | MAILBOX_LIST_ITER_NO_AUTO_BOXES |
		MAILBOX_LIST_ITER_SKIP_ALIASES |
		MAILBOX_LIST_ITER_RETURN_NO_FLAGS);
	while ((info = mailbox_list_iter_next(iter)) != NULL) T_BEGIN {
		count_mailbox(ns, info->vname, count);
	} T_END;
	if (mailbox_list_iter_deinit(&iter) < 0)
		count->messages = count->bytes = -1;
}

static void user_count(struct mail_user *user, struct count *count)
{
	struct mail_namespace *ns;

	if (lazy_expunge_user_never_used(user))
		return;
	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		if (ns->type == MAIL_NAMESPACE_TYPE_PRIVATE &&
		    ns->alias_for == NULL &&
		    strcmp(ns->list->name, "virtual") != 0)
			count_namespace(ns, count);
	}
}

static bool user_has_kernel_locks(struct mail_user *user)
{
	const struct mail_storage_settings *set;
	struct mail_namespace *ns;

	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		set = mail_namespace_get_default_storage(ns)->set;
		if (set->parsed_lock_method == FILE_LOCK_METHOD_DOTLOCK)
			return FALSE;
	}
	return TRUE;
}

static void user_read_groups(pool_t pool,
			     struct lazy_expunge_account_user *user_r)
{
	const gid_t gid = getegid();
	const int max = I_MAX(getgroups(0, NULL), 0);
	gid_t *gids = t_new(gid_t, max + 1);
	int count = max == 0 ? 0 : getgroups(max, gids);

	p_array_init(&user_r->gids, pool, max + 1);
	array_push_back(&user_r->gids, &gid);
	array_append(&user_r->gids, gids, I_MAX(count, 0));
}

static int user_read(struct mail_user *user, pool_t pool, bool exact,
		     struct lazy_expunge_account_user *user_r,
		     const char **error_r)
{
	struct lazy_expunge_user *luser;
	struct count count = { .exact = exact };
	bool own = lazy_expunge_user_find(user) == NULL;
	int ret = 0;

	luser = lazy_expunge_user_get(user);
	user_r->username = p_strdup(pool, user->username);
	user_r->uid = geteuid();
	user_read_groups(pool, user_r);
	user_r->keep_secs = luser->set.account_keep;
	user_r->hold = luser->set.hold;
	user_r->kernel_locks = user_has_kernel_locks(user);
	user_r->acl_loaded = lazy_expunge_compat_user_has_plugin(user, "acl");
	if (luser->set.error != NULL) {
		*error_r = t_strdup(luser->set.error);
		user_r->misconfigured = TRUE;
		ret = -1;
	} else {
		lazy_expunge_places_read(user, pool, &user_r->paths);
		lazy_expunge_places_describe(luser, pool, &user_r->namespaces);
		user_count(user, &count);
	}
	user_r->messages = count.messages;
	user_r->bytes = count.bytes;
	if (own)
		lazy_expunge_user_deinit(luser);
	return ret;
}

/* Returns 1, 0 if there is no such user, -1 and the error. */
static int user_get(struct mail_storage_service_ctx *service,
		    const char *username, struct mail_user **user_r,
		    const char **error_r)
{
	struct mail_storage_service_input input = { .username = username };
	struct mail_storage_service_user *service_user;
	int ret;

	lazy_expunge_compat_service_input(&input);
	ret = mail_storage_service_lookup(service, &input, &service_user,
					  error_r);
	if (ret <= 0)
		return ret < 0 ? -1 : 0;
	ret = mail_storage_service_next(service, service_user, user_r, error_r);
	mail_storage_service_user_unref(&service_user);
	if (ret == 0 && restrict_access_get_current_chroot() != NULL) {
		/* paths are others from now on: nothing can be done with them */
		mail_user_deinit(user_r);
		*error_r = "Users with a chroot are not supported";
		return -1;
	}
	return ret < 0 ? -1 : 1;
}

/* Take back the rights that were put down for the user. */
static int rights_restore(uid_t uid, gid_t gid, const char **error_r)
{
	if (geteuid() == uid && getegid() == gid)
		return 0;
	if (seteuid(uid) == 0 && setegid(gid) == 0)
		return 0;
	*error_r = t_strdup_printf("seteuid(%ld) failed: %m", (long)uid);
	return -1;
}

int lazy_expunge_account_user_get(struct lazy_expunge_account_cmd *cmd,
				  const char *username, bool exact,
				  struct lazy_expunge_account_user *user_r,
				  const char **error_r)
{
	const uid_t uid = geteuid();
	const gid_t gid = getegid();
	struct mail_storage_service_ctx *service;
	struct mail_user *user;
	const char *error;
	int ret;

	i_zero(user_r);
	service = lazy_expunge_compat_service_init(SERVICE_FLAGS);
	ret = user_get(service, username, &user, error_r);
	if (ret > 0) {
		if (user_read(user, cmd->pool, exact, user_r, error_r) < 0)
			ret = -1;
		mail_user_deinit(&user);
	}
	if (ret < 0)
		*error_r = t_strdup(*error_r);
	mail_storage_service_deinit(&service);
	if (rights_restore(uid, gid, &error) < 0) {
		*error_r = error;
		ret = -1;
	}
	return ret;
}

bool lazy_expunge_account_user_fail(struct lazy_expunge_account_cmd *cmd,
				    const struct lazy_expunge_account_user *user,
				    int ret, const char *error,
				    const char *unknown)
{
	return lazy_expunge_account_cmd_fail(cmd,
		ret == 0 ? EX_NOUSER :
		user->misconfigured ? EX_CONFIG : EX_TEMPFAIL,
		ret == 0 ? unknown : error);
}

struct user_each {
	struct lazy_expunge_account_cmd *cmd;
	struct mail_storage_service_ctx *service;
	lazy_expunge_account_user_callback_t *callback;
	void *context;
	/* whom userdb has listed */
	HASH_TABLE(const char *, const char *) done;
};

static void each_user(const struct user_each *each, const char *username)
{
	struct mail_user *user;
	const char *error;
	int ret;

	ret = user_get(each->service, username, &user, &error);
	if (ret > 0) {
		each->callback(user, each->context);
		mail_user_deinit(&user);
	} else if (ret < 0) {
		(void)lazy_expunge_account_cmd_fail(each->cmd, EX_TEMPFAIL,
			t_strdup_printf("%s: %s", username, error));
	}
}

/* Returns -1 if userdb cannot list them, or broke off. */
static int each_of_userdb(const struct user_each *each)
{
	struct lazy_expunge_all_users *users;
	const char *username;
	int ret;

	mail_storage_service_all_init_mask(each->service, "*");
	users = lazy_expunge_all_users_init(each->service, "*");
	while ((ret = lazy_expunge_all_users_next(users, &username)) > 0) {
		username = p_strdup(each->cmd->pool, username);
		hash_table_insert(each->done, username, username);
		T_BEGIN {
			each_user(each, username);
		} T_END;
	}
	lazy_expunge_all_users_deinit(&users);
	return ret;
}

static int each_of_catalog(const struct user_each *each, const char **error_r)
{
	struct lazy_expunge_account_cmd *cmd = each->cmd;
	ARRAY_TYPE(const_string) names;
	const char *name;
	int ret;

	p_array_init(&names, cmd->pool, 128);
	ret = lazy_expunge_catalog_users_read(cmd->cctx, cmd->pool, &names,
					      error_r);
	if (ret == 0)
		*error_r = "The users cannot be listed";
	if (ret <= 0)
		return -1;
	lazy_expunge_account_cmd_say(cmd, t_strdup_printf(
		"userdb cannot list its users: the %u of the catalog are asked",
		array_count(&names)));
	array_foreach_elem(&names, name) {
		if (hash_table_lookup(each->done, name) == NULL) T_BEGIN {
			each_user(each, name);
		} T_END;
	}
	return 0;
}

int lazy_expunge_account_user_each(struct lazy_expunge_account_cmd *cmd,
				   lazy_expunge_account_user_callback_t *callback,
				   void *context, const char **error_r)
{
	const uid_t uid = geteuid();
	const gid_t gid = getegid();
	struct user_each each = {
		.cmd = cmd,
		.callback = callback,
		.context = context,
	};
	int ret;

	each.service = lazy_expunge_compat_service_init(SERVICE_FLAGS);
	hash_table_create(&each.done, default_pool, 0, str_hash, strcmp);
	ret = each_of_userdb(&each);
	if (ret < 0)
		ret = each_of_catalog(&each, error_r);
	hash_table_destroy(&each.done);
	mail_storage_service_deinit(&each.service);
	if (rights_restore(uid, gid, error_r) < 0)
		ret = -1;
	return ret;
}

int lazy_expunge_account_user_with(const char *username,
				   lazy_expunge_account_user_with_t *callback,
				   void *context, const char **error_r)
{
	const uid_t uid = geteuid();
	const gid_t gid = getegid();
	struct mail_storage_service_ctx *service;
	struct mail_user *user;
	const char *error;
	int ret;

	service = lazy_expunge_compat_service_init(SERVICE_FLAGS);
	ret = user_get(service, username, &user, error_r);
	if (ret > 0) {
		callback(service, user, context);
		mail_user_deinit(&user);
	} else {
		*error_r = ret < 0 ? t_strdup(*error_r) : t_strdup_printf(
			"userdb does not know %s: add the user first, or name "
			"another one", username);
	}
	mail_storage_service_deinit(&service);
	if (rights_restore(uid, gid, &error) < 0) {
		*error_r = error;
		return -1;
	}
	return ret > 0 ? 0 : -1;
}

/* Where a directory of each user has the places in it: those of users whom userdb
   does not list any more are found by the names that are there. */
struct add_pattern {
	/* before and after the user's directory */
	const char *above, *below;
};

struct add_all {
	struct lazy_expunge_account_cmd *cmd;
	ARRAY(struct add_pattern) patterns;
};

static void add_pattern(struct add_all *all, const char *above,
			const char *below)
{
	struct add_pattern *pattern;

	array_foreach_modifiable(&all->patterns, pattern) {
		if (strcmp(pattern->above, above) == 0 &&
		    strcmp(pattern->below, below) == 0)
			return;
	}
	pattern = array_append_space(&all->patterns);
	pattern->above = p_strdup(all->cmd->pool, above);
	pattern->below = p_strdup(all->cmd->pool, below);
}

static void add_pattern_of(struct add_all *all, const char *username,
			   const char *path)
{
	const char *dir = lazy_expunge_accounts_dir(path);
	const char *parent = lazy_expunge_path_parent(path);
	const char *above;

	for (; strcmp(parent, "/") != 0; parent = above) {
		above = lazy_expunge_path_parent(parent);
		if (!lazy_expunge_account_path_names_user(
				strrchr(parent, '/') + 1, username))
			continue;
		add_pattern(all, above, dir + strlen(parent));
		return;
	}
}

static void user_add(struct mail_user *user, void *context)
{
	struct add_all *all = context;
	ARRAY_TYPE(lazy_expunge_place_path) paths;
	const struct lazy_expunge_place_path *path;
	pool_t pool = pool_alloconly_create("lazy_expunge places", 1024);
	const char *home;

	if (mail_user_get_home(user, &home) <= 0)
		home = NULL;
	lazy_expunge_places_read(user, pool, &paths);
	array_foreach(&paths, path) {
		/* what lies in a home goes with it, and the user may make what
		   looks like such a directory there */
		if (home != NULL && strcmp(path->path, home) != 0 &&
		    lazy_expunge_account_path_is_below(path->path, home))
			continue;
		lazy_expunge_registry_add_dir(&all->cmd->registry,
			lazy_expunge_accounts_dir(path->path));
		add_pattern_of(all, user->username, path->path);
	}
	pool_unref(&pool);
}

/* What is not these commands' own may be a user's, and is passed over. */
static void add_by_pattern(struct lazy_expunge_account_cmd *cmd,
			   const struct add_pattern *pattern)
{
	const struct dirent *entry;
	const char *user_dir, *path, *error;
	struct stat st;
	DIR *dir = opendir(pattern->above);

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) T_BEGIN {
		user_dir = t_strconcat(strcmp(pattern->above, "/") == 0 ? "" :
				       pattern->above, "/", entry->d_name, NULL);
		path = t_strconcat(user_dir, pattern->below, NULL);
		/* a link would show the same accounts once more */
		if (*entry->d_name != '.' && lstat(user_dir, &st) == 0 &&
		    S_ISDIR(st.st_mode) && lstat(path, &st) == 0 &&
		    lazy_expunge_moves_check_dir(path, &st, &error) == 0)
			lazy_expunge_registry_add_dir(&cmd->registry, path);
	} T_END;
	(void)closedir(dir);
}

int lazy_expunge_account_user_add_all(struct lazy_expunge_account_cmd *cmd,
				      const char **error_r)
{
	struct add_all all = { .cmd = cmd };
	const struct add_pattern *pattern;
	int ret;

	p_array_init(&all.patterns, cmd->pool, 4);
	ret = lazy_expunge_account_user_each(cmd, user_add, &all, error_r);
	array_foreach(&all.patterns, pattern)
		add_by_pattern(cmd, pattern);
	return ret;
}
