/* The end of a Maildir that is deleted, see the header. */

#include "lib.h"
#include "mkdir-parents.h"
#include "mail-namespace.h"
#include "mailbox-list-private.h"
#include "maildir-storage.h"
#include "formats/format.h"
#include "formats/maildir-delete.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const mail_dirs[] = { "new", "cur" };

/* NULL if the list's mailboxes are no Maildirs (data stack). */
static const char *
maildir_path(struct mailbox_list *list, const char *name)
{
	struct mail_storage *storage =
		mail_namespace_get_default_storage(list->ns);
	const char *path;

	if (lazy_expunge_storage_format(storage) !=
	    LAZY_EXPUNGE_FORMAT_MAILDIR ||
	    mailbox_list_get_path(list, name, MAILBOX_LIST_PATH_TYPE_MAILBOX,
				  &path) <= 0)
		return NULL;
	return path;
}

/* What cannot be read may have some. A Maildir takes no notice of names that
   begin with a dot, as those of files that are still open on NFS. */
static bool dir_has_mail(const char *path)
{
	const struct dirent *d;
	bool found = FALSE;
	DIR *dir = opendir(path);

	if (dir == NULL)
		return errno != ENOENT;
	while (!found && (d = readdir(dir)) != NULL)
		found = d->d_name[0] != '.' && d->d_type != DT_DIR;
	(void)closedir(dir);
	return found;
}

int lazy_expunge_maildir_delete_begin(struct mailbox_list *list,
				      const char *name)
{
	const char *path = maildir_path(list, name), *dir;

	if (path == NULL)
		return 0;
	for (unsigned int i = 0; i < N_ELEMENTS(mail_dirs); i++) {
		dir = t_strconcat(path, "/", mail_dirs[i], NULL);
		if (rmdir(dir) == 0 || !dir_has_mail(dir))
			continue;
		lazy_expunge_maildir_delete_undo(list, name);
		mailbox_list_set_error(list, MAIL_ERROR_EXISTS,
			"Mail has come while the mailbox was being deleted, "
			"so it was not deleted");
		return -1;
	}
	return 0;
}

void lazy_expunge_maildir_delete_undo(struct mailbox_list *list,
				      const char *name)
{
	const char *path = maildir_path(list, name), *dir;
	struct mailbox_permissions perm;
	struct stat st;

	if (path == NULL || stat(path, &st) < 0)
		return;
	mailbox_list_get_permissions(list, name, &perm);
	for (unsigned int i = 0; i < N_ELEMENTS(mail_dirs); i++) {
		dir = t_strconcat(path, "/", mail_dirs[i], NULL);
		if (mkdir_chgrp(dir, perm.dir_create_mode,
				perm.file_create_gid,
				perm.file_create_gid_origin) < 0 &&
		    errno != EEXIST)
			e_error(list->ns->user->event, "lazy_expunge: "
				"mkdir(%s) failed: %m", dir);
	}
}
