/* Storages by their directories. */

#include "lib.h"
#include "array.h"
#include "path-util.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mailbox-list-private.h"
#include "compat/dovecot.h"
#include "account/storage-list.h"
#include "account/storage-names.h"
#include "account/storages.h"
#include "account/storage-box.h"

#include <sys/stat.h>

struct storage_box_search {
	/* of the mailbox that is looked for */
	struct stat st;
	bool found;
};

/* The mailbox has this directory. */
static bool mailbox_is_at(struct mailbox_list *list, const char *vname,
			  const struct stat *wanted)
{
	const char *name, *path, *error;
	struct stat st;

	name = mailbox_list_get_storage_name(list, vname);
	return mailbox_list_is_valid_name(list, name, &error) &&
		mailbox_list_get_path(list, name,
			MAILBOX_LIST_PATH_TYPE_MAILBOX, &path) > 0 &&
		stat(path, &st) == 0 && st.st_ino == wanted->st_ino &&
		CMP_DEV_T(st.st_dev, wanted->st_dev);
}

static int search_one(struct mail_namespace *ns, const char *vname,
		      void *context)
{
	struct storage_box_search *search = context;

	T_BEGIN {
		search->found = mailbox_is_at(ns->list, vname, &search->st);
	} T_END;
	return search->found ? -1 : 0;
}

/* No link below the root of the list leads to this path. */
static bool path_is_plain(struct mailbox_list *list, const char *path)
{
	const char *root, *end;
	struct stat st;
	size_t len;

	if (!mailbox_list_get_root_path(list, MAILBOX_LIST_PATH_TYPE_MAILBOX,
					&root))
		return FALSE;
	len = strlen(root);
	if (strncmp(path, root, len) != 0)
		return FALSE;
	/* cheaper than what asks for each directory above as well */
	for (end = path + len; *end != '\0'; ) {
		end++;
		end += strcspn(end, "/");
		if (lstat(t_strdup_until(path, end), &st) < 0 ||
		    S_ISLNK(st.st_mode))
			return FALSE;
	}
	return TRUE;
}

static bool storage_has(struct lazy_expunge_user *luser,
			struct lazy_expunge_storage *storage,
			struct mailbox *box, const char *path,
			struct storage_box_search *search)
{
	enum mail_error code;
	const char *error;

	/* a list of all is dear: there the name has told already */
	if (lazy_expunge_storage_is_many(storage) &&
	    box->list == storage->ns->list && path_is_plain(box->list, path))
		return FALSE;
	if (lazy_expunge_storage_list(luser, storage, search_one, search,
				      &error, &code) < 0 && error != NULL) {
		e_warning(box->event, "lazy_expunge: %s", error);
		return TRUE;
	}
	return search->found;
}

bool lazy_expunge_storage_has_box(struct lazy_expunge_user *luser,
				  struct mailbox *box)
{
	struct storage_box_search search;
	struct lazy_expunge_storage *storage;
	const char *path;
	bool has = FALSE;

	/* another account's has storages of its own, and what has no directory
	   is none */
	if (mailbox_get_namespace(box)->type == MAIL_NAMESPACE_TYPE_SHARED ||
	    mailbox_get_path_to(box, MAILBOX_LIST_PATH_TYPE_MAILBOX,
				&path) <= 0)
		return FALSE;
	i_zero(&search);
	if (stat(path, &search.st) < 0)
		return FALSE;
	array_foreach_elem(lazy_expunge_user_storages(luser), storage) {
		if (storage->ns != NULL && !has) T_BEGIN {
			has = storage_has(luser, storage, box, path, &search);
		} T_END;
	}
	return has;
}

static bool path_is_or_is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 &&
		(path[len] == '\0' || path[len] == '/');
}

/* Where it really is is among the mailboxes of one of the user's namespaces. */
static bool path_is_live(struct lazy_expunge_storage *storage, const char *real)
{
	struct mail_namespace *ns;
	const char *root, *real_root, *error;

	for (ns = storage->ns->user->namespaces; ns != NULL; ns = ns->next) {
		if (ns->type == MAIL_NAMESPACE_TYPE_SHARED ||
		    (ns == storage->ns && storage->ns_mode))
			continue;
		if (mailbox_list_get_root_path(ns->list,
				MAILBOX_LIST_PATH_TYPE_MAILBOX, &root) &&
		    t_realpath(root, &real_root, &error) == 0 &&
		    path_is_or_is_below(real, real_root))
			return TRUE;
	}
	return FALSE;
}

static bool is_inbox(struct lazy_expunge_storage *storage, const char *path)
{
	struct mail_namespace *ns =
		mail_namespace_find_inbox(storage->ns->user->namespaces);
	struct stat st;

	/* which may be outside of all of them */
	return stat(path, &st) == 0 && mailbox_is_at(ns->list, "INBOX", &st);
}

bool lazy_expunge_storage_box_is_live(struct lazy_expunge_storage *storage,
				      struct mailbox *box,
				      const char **error_r)
{
	const char *path, *real, *error;

	if (mailbox_get_path_to(box, MAILBOX_LIST_PATH_TYPE_MAILBOX,
				&path) <= 0 ||
	    path_is_plain(box->list, path) ||
	    t_realpath(path, &real, &error) < 0 ||
	    (!path_is_live(storage, real) && !is_inbox(storage, path)))
		return FALSE;
	*error_r = t_strdup_printf("%s = %s: a link leads from there to %s, "
		"where the user's own mail is, so it cannot be the storage: "
		"remove the link", LE_STORAGE_SETTING, storage->setting, real);
	return TRUE;
}
