/* See the header. */

#include "lib.h"
#include "eacces-error.h"
#include "mail-namespace.h"
#include "mailbox-list.h"
#include "mail-user.h"
#include "account/never-used.h"

#include <sys/stat.h>

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

bool lazy_expunge_user_never_used(struct mail_user *user)
{
	struct mail_namespace *ns;
	bool own = FALSE, missing = TRUE;
	const char *home;
	struct stat st;

	if (mail_user_get_home(user, &home) > 0 &&
	    (stat(home, &st) == 0 || (errno != ENOENT && errno != ENOTDIR)))
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
