/* Storages on disk: directories are compared as text first and then by what
   stat() says, which is asked once for each namespace. */

#include "lib.h"
#include "array.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mailbox-list-private.h"
#include "compat/dovecot.h"
#include "account/storage-names.h"
#include "account/user.h"
#include "account/storage-identity.h"

#include <sys/stat.h>

/* A name to see where a namespace has the mailboxes of a name. */
#define SAMPLE_NAME "lazy_expunge"

/* Whether a list has the mailboxes that the storage's list has. */
struct lazy_expunge_storage_list {
	struct lazy_expunge_storage_list *next;
	struct mailbox_list *list;
	bool same;
};

static bool paths_are_one(const char *path1, const char *path2)
{
	struct stat st1, st2;

	return strcmp(path1, path2) == 0 ||
		(stat(path1, &st1) == 0 && stat(path2, &st2) == 0 &&
		 st1.st_ino == st2.st_ino && CMP_DEV_T(st1.st_dev, st2.st_dev));
}

static bool lists_are_one(struct mailbox_list *list1,
			  struct mailbox_list *list2)
{
	const char *path1, *path2;

	return strcmp(list1->name, list2->name) == 0 &&
		mailbox_list_get_root_path(list1,
				MAILBOX_LIST_PATH_TYPE_MAILBOX, &path1) &&
		mailbox_list_get_root_path(list2,
				MAILBOX_LIST_PATH_TYPE_MAILBOX, &path2) &&
		paths_are_one(path1, path2);
}

/* Others say where a mailbox is only after a look at their index, or cannot. */
static bool list_knows_paths(struct mailbox_list *list)
{
	return strcmp(list->name, MAILBOX_LIST_NAME_MAILDIRPLUSPLUS) == 0 ||
		strcmp(list->name, MAILBOX_LIST_NAME_FS) == 0;
}

static bool has_list_of_storage(struct lazy_expunge_user *luser,
				struct lazy_expunge_storage *storage,
				struct mailbox_list *list)
{
	struct lazy_expunge_storage_list *slist;

	if (list == storage->ns->list)
		return TRUE;
	for (slist = storage->lists; slist != NULL; slist = slist->next) {
		if (slist->list == list)
			return slist->same;
	}
	slist = p_new(luser->storages_pool, struct lazy_expunge_storage_list, 1);
	slist->list = list;
	T_BEGIN {
		slist->same = lists_are_one(list, storage->ns->list);
	} T_END;
	slist->next = storage->lists;
	storage->lists = slist;
	return slist->same;
}

static const char *storage_name(struct lazy_expunge_storage *storage)
{
	return mailbox_list_get_storage_name(storage->ns->list,
				lazy_expunge_storage_legal_vname(storage));
}

/* name is that of a mailbox of the storage's list, on disk. */
static bool storage_has_name(struct lazy_expunge_storage *storage,
			     const char *name)
{
	struct mailbox_list *list = storage->ns->list;

	if (!storage->tree)
		return strcmp(name, storage_name(storage)) == 0;
	return lazy_expunge_storage_own_name(storage, list,
		lazy_expunge_name_without_prefix(storage->ns,
			mailbox_list_get_vname(list, name))) != NULL;
}

/* Where the list has the mailbox, NULL if that is not known. */
static const char *list_path(struct mailbox_list *list, const char *name,
			     enum mailbox_list_path_type type)
{
	const char *path, *error;

	/* a user may give any name, and a path of an invalid one is asked for
	   in vain: mailbox_list_get_path() panics */
	return list_knows_paths(list) && *name != '\0' &&
		mailbox_list_is_valid_name(list, name, &error) &&
		mailbox_list_get_path(list, name, type, &path) > 0 ?
		path : NULL;
}

static bool path_is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 && path[len] == '/';
}

/* The names of users may be paths, or links that the mailbox_alias plugin makes. */
static bool list_has_links(const struct lazy_expunge_storage *storage,
			   struct mailbox_list *list)
{
	return storage->has_links ||
		list->mail_set->mail_full_filesystem_access;
}

/* In its own list the storage has one name, unless names are escaped or links. */
static bool list_has_other_names(const struct lazy_expunge_storage *storage,
				 struct mailbox_list *list)
{
	return lazy_expunge_compat_list_visible_escape_char(list) != '\0' ||
		list_has_links(storage, list);
}

/* Another layout, or another root, may have it still. */
static bool path_is_of_storage(struct lazy_expunge_storage *storage,
			       struct mailbox_list *list, const char *name)
{
	struct mailbox_list *own = storage->ns->list;
	const char *path, *own_path, *live_path;
	struct mail_namespace *inbox_ns;

	path = list_path(list, name, MAILBOX_LIST_PATH_TYPE_MAILBOX);
	if (path == NULL || storage->tree)
		return FALSE;
	if (!storage->ns_mode) {
		own_path = list_path(own, storage_name(storage),
				     MAILBOX_LIST_PATH_TYPE_MAILBOX);
		return own_path != NULL &&
			(list_has_links(storage, list) ? paths_are_one(path, own_path) :
			 strcmp(path, own_path) == 0);
	}
	if (list == own || !mailbox_list_get_root_path(own,
				MAILBOX_LIST_PATH_TYPE_MAILBOX, &own_path))
		return FALSE;
	/* what is not deleted may lie in a directory of the storage, which
	   does not make it deleted */
	inbox_ns = mail_namespace_find_inbox(storage->ns->user->namespaces);
	return mailbox_list_get_root_path(inbox_ns->list,
			MAILBOX_LIST_PATH_TYPE_MAILBOX, &live_path) &&
		!path_is_below(live_path, own_path) &&
		path_is_below(path, own_path);
}

bool lazy_expunge_storage_is_on_disk(struct lazy_expunge_user *luser,
				     struct lazy_expunge_storage *storage,
				     struct mail_namespace *ns,
				     const char *vname)
{
	struct mailbox_list *list = ns->list;
	const char *name;
	bool same;

	/* shared mailboxes are known by their names; public ones are no
	   storage, but a private storage may be shown as one */
	if (list == NULL || ns->type == MAIL_NAMESPACE_TYPE_SHARED)
		return FALSE;
	if (list == storage->ns->list && !list_has_other_names(storage, list))
		return FALSE;
	T_BEGIN {
		name = mailbox_list_get_storage_name(list, vname);
		if (!has_list_of_storage(luser, storage, list))
			same = FALSE;
		else if (storage->ns_mode)
			same = TRUE;
		else
			same = storage_has_name(storage, name);
		if (!same)
			same = path_is_of_storage(storage, list, name);
	} T_END;
	return same;
}

bool lazy_expunge_storage_is_within(struct lazy_expunge_user *luser,
				    struct lazy_expunge_storage *storage,
				    struct lazy_expunge_storage *other)
{
	const char *vname, *path, *other_path;
	bool within;

	if (storage->root != other->root ||
	    (lazy_expunge_storage_is_many(storage) &&
	     !lazy_expunge_storage_is_many(other)))
		return FALSE;
	if (storage->tree && other->tree &&
	    (strcmp(storage->name, other->name) != 0 ||
	     strcmp(storage->name_end, other->name_end) != 0))
		return FALSE;
	T_BEGIN {
		vname = lazy_expunge_storage_vname(storage);
		within = lazy_expunge_storage_is_named(other, storage->ns,
						       vname) ||
			lazy_expunge_storage_is_on_disk(luser, other,
							storage->ns, vname);
		if (!within && !lazy_expunge_storage_is_many(storage) &&
		    !lazy_expunge_storage_is_many(other)) {
			path = list_path(storage->ns->list,
					 storage_name(storage),
					 MAILBOX_LIST_PATH_TYPE_MAILBOX);
			other_path = list_path(other->ns->list,
					       storage_name(other),
					       MAILBOX_LIST_PATH_TYPE_MAILBOX);
			within = path != NULL && other_path != NULL &&
				paths_are_one(path, other_path);
		}
	} T_END;
	return within;
}

bool lazy_expunge_storage_is_below(struct lazy_expunge_user *luser,
				   struct lazy_expunge_storage *storage,
				   struct mail_namespace *ns,
				   const char *vname)
{
	const char *name, *own_name;
	size_t len;
	bool below = FALSE;

	if (storage->ns == NULL || storage->ns_mode || ns->list == NULL ||
	    ns->type == MAIL_NAMESPACE_TYPE_SHARED ||
	    (ns != storage->ns && ns->alias_for != storage->ns &&
	     !has_list_of_storage(luser, storage, ns->list)))
		return FALSE;
	T_BEGIN {
		name = mailbox_list_get_storage_name(ns->list, vname);
		own_name = storage_name(storage);
		len = strlen(name);
		below = len > 0 && strncmp(own_name, name, len) == 0 &&
			own_name[len] == mailbox_list_get_hierarchy_sep(
							storage->ns->list);
	} T_END;
	return below;
}

/* Mailboxes of one name in both would have the same index or control files. */
static bool files_are_shared(struct mailbox_list *list1,
			     struct mailbox_list *list2,
			     enum mailbox_list_path_type type)
{
	const char *path1 = list_path(list1, SAMPLE_NAME, type);
	const char *path2 = list_path(list2, SAMPLE_NAME, type);

	return path1 != NULL && path2 != NULL && strcmp(path1, path2) == 0;
}

static bool inbox_is_in_storage(struct lazy_expunge_storage *storage,
				struct mail_namespace *inbox_ns)
{
	const char *name = storage->ns_mode ? "INBOX" : storage_name(storage);
	const char *path, *inbox_path;

	if (storage->ns == inbox_ns)
		return strcasecmp(name, "INBOX") == 0;
	path = list_path(storage->ns->list, name,
			 MAILBOX_LIST_PATH_TYPE_MAILBOX);
	inbox_path = list_path(inbox_ns->list, "INBOX",
			       MAILBOX_LIST_PATH_TYPE_MAILBOX);
	if (path == NULL || inbox_path == NULL)
		return FALSE;
	if (paths_are_one(path, inbox_path))
		return TRUE;
	return storage->root &&
		mailbox_list_get_root_path(storage->ns->list,
			MAILBOX_LIST_PATH_TYPE_MAILBOX, &path) &&
		paths_are_one(path, inbox_path);
}

/* What the storage's namespace shares with ns, or NULL. */
static const char *storage_shares(struct lazy_expunge_user *luser,
				  struct lazy_expunge_storage *storage,
				  struct mail_namespace *ns)
{
	struct mailbox_list *list = storage->ns->list;

	if (ns == storage->ns || ns->list == NULL ||
	    ns->alias_for == storage->ns || storage->ns->alias_for == ns ||
	    ns->type == MAIL_NAMESPACE_TYPE_SHARED)
		return NULL;
	if (has_list_of_storage(luser, storage, ns->list)) {
		return storage->ns_mode &&
			(ns->flags & NAMESPACE_FLAG_INBOX_USER) != 0 ?
			"mail" : NULL;
	}
	if (files_are_shared(list, ns->list, MAILBOX_LIST_PATH_TYPE_INDEX))
		return "index files";
	if (files_are_shared(list, ns->list, MAILBOX_LIST_PATH_TYPE_CONTROL))
		return "control files";
	return NULL;
}

bool lazy_expunge_storage_is_live(struct lazy_expunge_user *luser,
				  struct lazy_expunge_storage *storage,
				  const char **error_r)
{
	struct mail_namespace *inbox_ns, *ns;
	const char *what;
	bool live = FALSE;

	inbox_ns = mail_namespace_find_inbox(luser->user->namespaces);
	T_BEGIN {
		if (inbox_is_in_storage(storage, inbox_ns)) {
			*error_r = p_strdup_printf(luser->storages_pool,
				"%s = %s: this has the INBOX itself, so it "
				"cannot be the storage: "LE_INBOX_REMEDY,
				LE_STORAGE_SETTING, storage->setting);
			live = TRUE;
		}
		for (ns = luser->user->namespaces; ns != NULL && !live;
		     ns = ns->next) {
			what = storage_shares(luser, storage, ns);
			if (what == NULL)
				continue;
			*error_r = p_strdup_printf(luser->storages_pool,
				"%s = %s: its namespace has the same %s as "
				"the namespace with prefix = %s, so it cannot "
				"be the storage: "LE_PATHS_REMEDY,
				LE_STORAGE_SETTING, storage->setting, what,
				*ns->prefix == '\0' ? "(none)" : ns->prefix);
			live = TRUE;
		}
	} T_END;
	return live;
}
