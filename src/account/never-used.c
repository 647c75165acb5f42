/* See the header. */

#include "lib.h"
#include "eacces-error.h"
#include "mail-namespace.h"
#include "mailbox-list.h"
#include "mail-user.h"
#include "mkdir-parents.h"
#include "account/never-used.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* TRUE if the list has its files somewhere, and there is nothing. */
static bool list_is_missing(struct mailbox_list *list)
{
	static const enum mailbox_list_path_type types[] = {
		MAILBOX_LIST_PATH_TYPE_DIR,
		MAILBOX_LIST_PATH_TYPE_CONTROL,
		MAILBOX_LIST_PATH_TYPE_INDEX,
	};
	const char *path;
	struct stat st;
	bool known = FALSE;

	for (unsigned int i = 0; i < N_ELEMENTS(types); i++) {
		if (!mailbox_list_get_root_path(list, types[i], &path) ||
		    *path == '\0')
			continue;
		known = TRUE;
		if (stat(path, &st) == 0 ||
		    (errno != ENOENT && errno != ENOTDIR))
			return FALSE;
	}
	/* INBOX may lie elsewhere */
	if (mailbox_list_get_path(list, "INBOX", MAILBOX_LIST_PATH_TYPE_MAILBOX,
				  &path) > 0 &&
	    (stat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR)))
		return FALSE;
	return known;
}

/* st: what stat() says of it. */
static bool is_writable(const char *dir, const struct stat *st)
{
	/* so it is for nearly all, without asking */
	return (st->st_uid == geteuid() &&
		(st->st_mode & S_IRWXU) == S_IRWXU) ||
		faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) == 0;
}

/* No home: a device, as who is to have none gets /dev/null; and what is not the
   user's, as / and the directories of programs for the users of services. */
static bool home_is_missing(const char *home)
{
	struct stat st;

	return stat(home, &st) == 0 ?
		S_ISCHR(st.st_mode) || !is_writable(home, &st) :
		errno == ENOENT || errno == ENOTDIR;
}

bool lazy_expunge_user_never_used(struct mail_user *user)
{
	struct mail_namespace *ns;
	bool own = FALSE, missing = TRUE;
	const char *home;

	if (mail_user_get_home(user, &home) > 0 && !home_is_missing(home))
		return FALSE;

	for (ns = user->namespaces; ns != NULL && missing; ns = ns->next) {
		if (ns->type != MAIL_NAMESPACE_TYPE_PRIVATE ||
		    ns->alias_for != NULL)
			continue;
		own = TRUE;
		T_BEGIN {
			missing = list_is_missing(ns->list);
		} T_END;
	}
	return own && missing;
}

/* Where the user's home is to be, or else what the mail is to lie in. */
static const char *user_path(struct mail_user *user)
{
	struct mail_namespace *ns =
		mail_namespace_find_inbox(user->namespaces);
	const char *path;

	if (mail_user_get_home(user, &path) > 0 ||
	    mailbox_list_get_root_path(ns->list, MAILBOX_LIST_PATH_TYPE_DIR,
				       &path))
		return path;
	return "";
}

static bool dir_is_empty(const char *path)
{
	const struct dirent *entry;
	DIR *dir = opendir(path);
	bool empty = TRUE;

	if (dir == NULL)
		return FALSE;
	while (empty && (entry = readdir(dir)) != NULL) {
		empty = strcmp(entry->d_name, ".") == 0 ||
			strcmp(entry->d_name, "..") == 0;
	}
	(void)closedir(dir);
	return empty;
}

/* Of what nothing is there that is the user's. */
static enum lazy_expunge_place path_place(const char *path)
{
	const char *parent;
	struct stat st;

	if (*path != '/' || stat_first_parent(path, &parent, &st) < 0)
		return LAZY_EXPUNGE_PLACE_UNKNOWN;
	if (is_writable(parent, &st))
		return LAZY_EXPUNGE_PLACE_CAN_BE_MADE;
	/* an empty directory may be a mount point */
	return S_ISCHR(st.st_mode) || strcmp(parent, "/") == 0 ||
		(strcmp(parent, path) == 0 && !dir_is_empty(path)) ?
		LAZY_EXPUNGE_PLACE_NONE : LAZY_EXPUNGE_PLACE_UNKNOWN;
}

enum lazy_expunge_place lazy_expunge_user_place(struct mail_user *user)
{
	return !lazy_expunge_user_never_used(user) ?
		LAZY_EXPUNGE_PLACE_THERE : path_place(user_path(user));
}

bool lazy_expunge_user_home_is_away(struct mail_user *user,
				    const char **home_r)
{
	struct stat st;

	return mail_user_get_home(user, home_r) > 0 &&
		stat(*home_r, &st) < 0 &&
		(errno == ENOENT || errno == ENOTDIR) &&
		path_place(*home_r) == LAZY_EXPUNGE_PLACE_UNKNOWN;
}

bool lazy_expunge_user_is_new(struct mail_user *user)
{
	enum lazy_expunge_place place = lazy_expunge_user_place(user);

	return place == LAZY_EXPUNGE_PLACE_CAN_BE_MADE ||
		place == LAZY_EXPUNGE_PLACE_NONE;
}

bool lazy_expunge_user_home_is_closed(struct mail_user *user,
				      const char **error_r)
{
	const char *home, *path;
	struct stat st;

	if (mail_user_get_home(user, &home) <= 0)
		return FALSE;
	path = t_strconcat(home, "/.", NULL);
	if (stat(path, &st) == 0 || (errno != EACCES && errno != ENOTDIR))
		return FALSE;
	*error_r = errno == EACCES ? eacces_error_get("stat", path) :
		t_strdup_printf("stat(%s) failed: %m", path);
	return TRUE;
}
