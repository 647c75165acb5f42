/* Places of a user, and the parts in which they lie. */

#include "lib.h"
#include "array.h"
#include "path-util.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "compat/compat-service.h"
#include "core/account-record.h"
#include "account/storages.h"
#include "accounts/moves.h"
#include "accounts/others.h"
#include "accounts/places.h"

#include <sys/stat.h>

#define KEY_HOME "home"

struct place_type {
	enum mailbox_list_path_type type;
	const char *name;
};

static const struct place_type place_types[] = {
	{ MAILBOX_LIST_PATH_TYPE_DIR, "mail" },
	{ MAILBOX_LIST_PATH_TYPE_MAILBOX, "mailboxes" },
	{ MAILBOX_LIST_PATH_TYPE_ALT_DIR, "alt" },
	{ MAILBOX_LIST_PATH_TYPE_ALT_MAILBOX, "alt-mailboxes" },
	{ MAILBOX_LIST_PATH_TYPE_CONTROL, "control" },
	{ MAILBOX_LIST_PATH_TYPE_INDEX, "index" },
	{ MAILBOX_LIST_PATH_TYPE_INDEX_PRIVATE, "private-index" },
	{ MAILBOX_LIST_PATH_TYPE_INDEX_CACHE, "cache" },
	{ MAILBOX_LIST_PATH_TYPE_LIST_INDEX, "list-index" },
};

struct places {
	pool_t pool;
	ARRAY_TYPE(lazy_expunge_place_path) *paths;
};

static void places_add(struct places *places, const char *key,
		       const char *prefix, const char *path, bool is_volatile)
{
	struct lazy_expunge_place_path *place;
	const char *norm, *error;

	/* "" = in memory */
	if (path == NULL || *path != '/' ||
	    t_normpath(path, &norm, &error) < 0)
		return;
	place = array_append_space(places->paths);
	place->key = prefix == NULL ? p_strdup(places->pool, key) :
		p_strconcat(places->pool, key, " ", prefix, NULL);
	place->path = p_strdup(places->pool, norm);
	place->is_volatile = is_volatile;
}

/* What all users have together is nobody's, and may have the user's name by
   chance. What lies in the home goes with it. */
static bool attachments_are_own(struct mail_namespace *ns, const char *path)
{
	const char *setting = lazy_expunge_compat_attachment_setting(ns);

	return setting == NULL ?
		lazy_expunge_account_path_names_user(path,
						     ns->user->username) :
		lazy_expunge_account_setting_names_user(setting, path,
							ns->user->username);
}

static void places_add_namespace(struct places *places,
				 struct mail_namespace *ns)
{
	const char *path;

	for (unsigned int i = 0; i < N_ELEMENTS(place_types); i++) {
		if (mailbox_list_get_root_path(ns->list, place_types[i].type,
					       &path))
			places_add(places, place_types[i].name, ns->prefix,
				   path, FALSE);
	}
	/* it may lie elsewhere */
	if ((ns->flags & NAMESPACE_FLAG_INBOX_USER) != 0 &&
	    mailbox_list_get_path(ns->list, "INBOX",
				  MAILBOX_LIST_PATH_TYPE_MAILBOX, &path) > 0)
		places_add(places, "inbox", ns->prefix, path, FALSE);
	path = lazy_expunge_compat_attachment_dir(ns);
	if (attachments_are_own(ns, path))
		places_add(places, "attachments", ns->prefix, path, FALSE);
	places_add(places, "volatile", ns->prefix,
		   lazy_expunge_compat_list_volatile_dir(ns->list), TRUE);
}

void lazy_expunge_places_read(struct mail_user *user, pool_t pool,
			      ARRAY_TYPE(lazy_expunge_place_path) *paths_r)
{
	struct places places = { .pool = pool, .paths = paths_r };
	struct mail_namespace *ns, *inbox;
	const char *home;

	p_array_init(paths_r, pool, 16);
	inbox = mail_namespace_find_inbox(user->namespaces);
	places_add_namespace(&places, inbox);
	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		if (ns != inbox && ns->alias_for == NULL &&
		    ns->type == MAIL_NAMESPACE_TYPE_PRIVATE) T_BEGIN {
			places_add_namespace(&places, ns);
		} T_END;
	}
	if (mail_user_get_home(user, &home) > 0)
		places_add(&places, KEY_HOME, NULL, home, FALSE);
}

static void describe_storages(struct lazy_expunge_user *luser,
			      struct mail_namespace *ns, pool_t pool,
			      struct lazy_expunge_account_namespace *described)
{
	struct lazy_expunge_account_storage *to;
	struct lazy_expunge_storage *storage;
	const char *legal;

	array_foreach_elem(lazy_expunge_user_storages(luser), storage) {
		if (storage->ns != ns || storage->error != NULL)
			continue;
		to = array_append_space(&described->storages);
		to->tree = storage->ns_mode || storage->tree;
		to->name = to->name_end = "";
		if (storage->ns_mode)
			continue;
		to->name = p_strdup(pool, storage->name);
		if (storage->tree && storage->name_end != NULL)
			to->name_end = p_strdup(pool, storage->name_end);
		/* as the layout has it, where the plugin does not say so */
		legal = lazy_expunge_storage_legal_name(ns->list,
							storage->name);
		if (!storage->tree && strcmp(legal, storage->name) != 0) {
			to = array_append_space(&described->storages);
			to->name = p_strdup(pool, legal);
			to->name_end = "";
		}
	}
}

static void
describe_namespace(struct lazy_expunge_user *luser, struct mail_namespace *ns,
		   pool_t pool,
		   ARRAY_TYPE(lazy_expunge_account_namespace) *namespaces)
{
	const char *const *location =
		lazy_expunge_compat_list_location(ns->list);
	struct lazy_expunge_account_namespace *described;
	struct lazy_expunge_account_setting *set;
	const char *value, *error;
	struct stat st;

	described = array_append_space(namespaces);
	described->prefix = p_strdup(pool, ns->prefix);
	described->separator = mail_namespace_get_sep(ns);
	described->inbox = (ns->flags & NAMESPACE_FLAG_INBOX_USER) != 0;
	p_array_init(&described->settings, pool, 16);
	for (; location[0] != NULL; location += 2) {
		/* what may come to be there is of another account of the name */
		if (strcmp(location[0], LAZY_EXPUNGE_ACCOUNT_ATTACHMENTS) == 0 &&
		    attachments_are_own(ns, location[1]) &&
		    lstat(location[1], &st) < 0)
			continue;
		set = array_append_space(&described->settings);
		set->name = p_strdup(pool, location[0]);
		/* as those of the parts are */
		if (*location[1] != '/' ||
		    t_normpath(location[1], &value, &error) < 0)
			value = location[1];
		set->value = p_strdup(pool, value);
	}
	p_array_init(&described->storages, pool, 2);
	describe_storages(luser, ns, pool, described);
}

void lazy_expunge_places_describe(
	struct lazy_expunge_user *luser, pool_t pool,
	ARRAY_TYPE(lazy_expunge_account_namespace) *namespaces_r)
{
	struct mail_namespace *ns;

	p_array_init(namespaces_r, pool, 4);
	for (ns = luser->user->namespaces; ns != NULL; ns = ns->next) {
		if (ns->type == MAIL_NAMESPACE_TYPE_PRIVATE &&
		    ns->alias_for == NULL &&
		    strcmp(mail_namespace_get_default_storage(ns)->name,
			   "virtual") != 0) T_BEGIN {
			describe_namespace(luser, ns, pool, namespaces_r);
		} T_END;
	}
}

/* A link is one part, and what it leads to another. */
static void
split_follow_links(const ARRAY_TYPE(lazy_expunge_place_path) *paths,
		   pool_t pool, ARRAY_TYPE(lazy_expunge_place_path) *all,
		   ARRAY_TYPE(const_string) *absent)
{
	const struct lazy_expunge_place_path *path;
	struct lazy_expunge_place_path target;
	const char *real, *error;
	struct stat st;

	array_foreach(paths, path) {
		if (lstat(path->path, &st) < 0) {
			array_push_back(absent, &path->path);
			continue;
		}
		array_push_back(all, path);
		if (!S_ISLNK(st.st_mode) ||
		    t_realpath(path->path, &real, &error) < 0)
			continue;
		target = *path;
		target.key = p_strconcat(pool, path->key, " ->", NULL);
		target.path = p_strdup(pool, real);
		target.linked = st.st_uid != 0;
		array_push_back(all, &target);
	}
}

/* Returns TRUE if it is no part of its own: it is below another, or was before. */
static bool
split_is_inside(const ARRAY_TYPE(lazy_expunge_place_path) *all,
		const struct lazy_expunge_place_path *path)
{
	const struct lazy_expunge_place_path *other;

	array_foreach(all, other) {
		if (other == path)
			continue;
		if (strcmp(other->path, path->path) == 0) {
			if (other < path)
				return TRUE;
		} else if (lazy_expunge_account_path_is_below(path->path,
							      other->path))
			return TRUE;
	}
	return FALSE;
}

/* A directory may have the name by chance, as /var/vmail where all users are below
   it has that of a user vmail: then it comes once more in a path below. */
static const char *
split_named_again(const ARRAY_TYPE(lazy_expunge_place_path) *all,
		  const char *path, const char *username)
{
	const struct lazy_expunge_place_path *other;

	array_foreach(all, other) {
		if (strcmp(other->path, path) != 0 &&
		    lazy_expunge_account_path_is_below(other->path, path) &&
		    lazy_expunge_account_path_names_user(
				other->path + strlen(path), username))
			return other->path;
	}
	return NULL;
}

static int split_check(const struct lazy_expunge_account *account,
		       const ARRAY_TYPE(lazy_expunge_place_path) *all,
		       const struct lazy_expunge_place_path *path, uid_t uid,
		       bool own, const char **error_r)
{
	const char *again = own ? NULL :
		split_named_again(all, path->path, account->user);
	const char *parent = lazy_expunge_path_parent(path->path), *other;
	struct stat st, parent_st;

	if (strcmp(path->path, "/") == 0 || (!own &&
	    !lazy_expunge_account_path_names_user(path->path, account->user))) {
		*error_r = t_strdup_printf("%s (%s) does not have the user's "
			"name in it, and may belong to others, too: if it is "
			"this user's alone, say so with -y", path->path,
			path->key);
		return -1;
	}
	if (again != NULL) {
		*error_r = t_strdup_printf("%s (%s) has the user's name in it, "
			"but so has %s below it, and so it may belong to "
			"others, too: if it is this user's alone, say so with "
			"-y", path->path, path->key, again);
		return -1;
	}
	other = own ? NULL : lazy_expunge_others_find(all, path->path,
					strcmp(path->key, KEY_HOME) == 0);
	if (other != NULL) {
		*error_r = t_strdup_printf("%s (%s) has what looks like "
			"another user's in it, %s: if it is this user's alone, "
			"say so with -y", path->path, path->key, other);
		return -1;
	}
	if (lstat(path->path, &st) < 0 || stat(parent, &parent_st) < 0) {
		*error_r = t_strdup_printf("stat(%s) failed: %m", path->path);
		return -1;
	}
	if (!own && path->linked && st.st_uid != uid) {
		*error_r = t_strdup_printf("%s (%s) belongs to uid %ld, and a "
			"link that is not root's leads there: if it is this "
			"user's alone, say so with -y", path->path, path->key,
			(long)st.st_uid);
		return -1;
	}
	if (st.st_dev != parent_st.st_dev) {
		*error_r = t_strdup_printf("%s (%s) is where a file system is "
			"mounted, and cannot be renamed", path->path, path->key);
		return -1;
	}
	return 0;
}

static void split_add(struct lazy_expunge_account *account, pool_t pool,
		      const struct lazy_expunge_place_path *path)
{
	struct lazy_expunge_account_part *part;

	part = array_append_space(&account->parts);
	part->from = p_strdup(pool, path->path);
	part->to = p_strdup_printf(pool, "%s/%s/%u",
		lazy_expunge_accounts_dir(path->path), account->id,
		array_count(&account->parts) - 1);
	part->dest = "";
	part->is_volatile = path->is_volatile;
}

static void split_add_place(struct lazy_expunge_account *account, pool_t pool,
			    const struct lazy_expunge_place_path *path)
{
	const struct lazy_expunge_account_part *parts;
	struct lazy_expunge_account_place *place;
	unsigned int count;

	parts = array_get(&account->parts, &count);
	for (unsigned int i = 0; i < count; i++) {
		if (!lazy_expunge_account_path_is_below(path->path,
							parts[i].from))
			continue;
		place = array_append_space(&account->places);
		place->key = p_strdup(pool, path->key);
		place->part = i;
		place->below = p_strdup(pool, path->path +
					strlen(parts[i].from));
		return;
	}
}

/* The INBOX's, or the one that it is in. */
static const struct lazy_expunge_place_path *
paths_first(const ARRAY_TYPE(lazy_expunge_place_path) *paths)
{
	const struct lazy_expunge_place_path *first = array_front(paths), *path;

	array_foreach(paths, path) {
		if (lazy_expunge_account_path_is_below(first->path, path->path))
			first = path;
	}
	return first;
}

const char *
lazy_expunge_places_first(const ARRAY_TYPE(lazy_expunge_place_path) *paths)
{
	ARRAY_TYPE(lazy_expunge_place_path) all;
	ARRAY_TYPE(const_string) absent;

	t_array_init(&all, 16);
	t_array_init(&absent, 16);
	split_follow_links(paths, pool_datastack_create(), &all, &absent);
	return paths_first(array_count(&all) == 0 ? paths : &all)->path;
}

int lazy_expunge_places_split(struct lazy_expunge_account *account, pool_t pool,
			      const ARRAY_TYPE(lazy_expunge_place_path) *paths,
			      uid_t uid, bool own, const char **error_r)
{
	ARRAY_TYPE(lazy_expunge_place_path) all;
	const struct lazy_expunge_place_path *path;
	struct lazy_expunge_place_path first;

	p_array_init(&account->parts, pool, 4);
	p_array_init(&account->places, pool, 16);
	p_array_init(&all, pool, 16);
	p_array_init(&account->absent, pool, 4);
	split_follow_links(paths, pool, &all, &account->absent);
	if (array_count(&all) == 0)
		return 0;
	first = *paths_first(&all);
	array_push_front(&all, &first);
	array_foreach(&all, path) {
		if (split_is_inside(&all, path))
			continue;
		if (split_check(account, &all, path, uid, own, error_r) < 0)
			return -1;
		split_add(account, pool, path);
	}
	array_foreach(&all, path)
		split_add_place(account, pool, path);
	return 1;
}

static const char *
aim_find(const ARRAY_TYPE(lazy_expunge_place_path) *paths, const char *key)
{
	const struct lazy_expunge_place_path *path;

	array_foreach(paths, path) {
		if (strcmp(path->key, key) == 0)
			return path->path;
	}
	return NULL;
}

static int aim_place(struct lazy_expunge_account *account, pool_t pool,
		     const struct lazy_expunge_account_place *place,
		     const char *path, const char **error_r)
{
	struct lazy_expunge_account_part *part =
		array_idx_modifiable(&account->parts, place->part);
	size_t len = strlen(path), below_len = strlen(place->below);
	const char *dest;

	if (len <= below_len ||
	    strcmp(path + len - below_len, place->below) != 0)
		dest = NULL;
	else
		dest = p_strndup(pool, path, len - below_len);
	if (dest != NULL && *part->dest == '\0')
		part->dest = dest;
	if (dest != NULL && strcmp(part->dest, dest) == 0)
		return 0;
	*error_r = t_strdup_printf("The settings put %s at %s. In the account "
		"it is %s%s, and does not get there by a rename",
		place->key, path, part->from, place->below);
	return -1;
}

/* Returns 0 if both are, or will be, on one file system. */
static int aim_check(const struct lazy_expunge_account_part *part,
		     const char **error_r)
{
	const char *dir = lazy_expunge_path_parent(part->dest);
	struct stat st, dest_st;

	while (stat(dir, &dest_st) < 0) {
		if (errno != ENOENT || strcmp(dir, "/") == 0) {
			*error_r = t_strdup_printf("stat(%s) failed: %m", dir);
			return -1;
		}
		dir = lazy_expunge_path_parent(dir);
	}
	if (lstat(part->to, &st) < 0 && lstat(part->from, &st) < 0) {
		/* a volatile one is gone, or it was brought */
		return 0;
	}
	if (st.st_dev == dest_st.st_dev)
		return 0;
	*error_r = t_strdup_printf("%s would go to another file system (%s): "
		"copy the account with doveadm backup", part->from, dir);
	return -1;
}

int lazy_expunge_places_aim(struct lazy_expunge_account *account, pool_t pool,
			    const ARRAY_TYPE(lazy_expunge_place_path) *paths,
			    const char **error_r)
{
	const struct lazy_expunge_account_place *place;
	struct lazy_expunge_account_part *part, *other;
	const char *path;

	array_foreach_modifiable(&account->parts, part)
		part->dest = "";
	array_foreach(&account->places, place) {
		path = aim_find(paths, place->key);
		if (path != NULL && aim_place(account, pool, place, path,
					      error_r) < 0)
			return -1;
	}
	array_foreach_modifiable(&account->parts, part) {
		/* what the settings do not name any more, and where links
		   lead, goes back */
		if (*part->dest == '\0')
			part->dest = part->from;
		array_foreach_modifiable(&account->parts, other) {
			if (other != part && *other->dest != '\0' &&
			    lazy_expunge_account_path_is_below(part->dest,
							       other->dest)) {
				*error_r = t_strdup_printf("%s and %s would "
					"both go to %s", part->from,
					other->from, other->dest);
				return -1;
			}
		}
		if (aim_check(part, error_r) < 0)
			return -1;
	}
	return 0;
}
