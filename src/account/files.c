/* Place of a user's files: finds it, locks there, and replaces files. */

#include "lib.h"
#include "str.h"
#include "fdatasync-path.h"
#include "file-create-locked.h"
#include "mkdir-parents.h"
#include "safe-mkstemp.h"
#include "write-full.h"
#include "mail-user.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mail-storage-settings.h"
#include "compat/dovecot.h"
#include "core/account-record.h"
#include "account/files.h"

#include <dirent.h>
#include <stdio.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/stat.h>

/* what the names of all of them begin with */
#define PLACE_FNAME_PREFIX "dovecot.lazy-expunge"

static bool place_has_home(struct mail_user *user)
{
	const char *home;

	return mail_user_get_home(user, &home) > 0;
}

static const char *place_control_dir(struct mail_user *user)
{
	struct mail_namespace *ns = mail_namespace_find_inbox(user->namespaces);
	const char *dir;

	if (!mailbox_list_get_root_path(ns->list,
					MAILBOX_LIST_PATH_TYPE_CONTROL, &dir))
		return NULL;
	return dir;
}

bool lazy_expunge_place_has_name(const char *fname)
{
	return str_begins_with(fname, "."PLACE_FNAME_PREFIX);
}

const char *lazy_expunge_place_path_in(const char *home, const char *fname)
{
	return t_strconcat(home, "/.", fname, NULL);
}

const char *lazy_expunge_place_path(struct mail_user *user, const char *fname)
{
	const char *dir;

	if (mail_user_get_home(user, &dir) > 0)
		return lazy_expunge_place_path_in(dir, fname);
	dir = user->namespaces == NULL ? NULL : place_control_dir(user);
	return dir == NULL ? NULL : t_strconcat(dir, "/", fname, NULL);
}

void lazy_expunge_place_adopt(struct mail_user *user, const char *fname)
{
	const char *home, *old;

	if (mail_user_get_home(user, &home) <= 0)
		return;
	old = t_strconcat(home, "/", fname, NULL);
	/* never over one that is there */
	if (link(old, lazy_expunge_place_path(user, fname)) == 0)
		i_unlink(old);
}

static bool is_lock(const char *fname)
{
	const char *suffix = strrchr(fname, '.');

	return suffix != NULL && (strcmp(suffix, ".lock") == 0 ||
				  strcmp(suffix, ".dotlock") == 0);
}

void lazy_expunge_place_adopt_all(struct mail_user *user)
{
	const char *home;
	struct dirent *entry;
	DIR *dir;

	if (mail_user_get_home(user, &home) <= 0)
		return;
	dir = opendir(home);
	/* whoever needs something of it says so */
	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		if (!str_begins_with(entry->d_name, PLACE_FNAME_PREFIX))
			continue;
		/* nobody takes them any more */
		if (is_lock(entry->d_name)) T_BEGIN {
			(void)i_unlink_if_exists(t_strconcat(home, "/",
						entry->d_name, NULL));
		} T_END; else T_BEGIN {
			lazy_expunge_place_adopt(user, entry->d_name);
		} T_END;
	}
	(void)closedir(dir);
}

/* The directory of a user without a home may not be there yet. */
static void place_mkdir(struct mail_user *user)
{
	struct mail_namespace *ns;
	const char *dir;

	if (place_has_home(user) || user->namespaces == NULL)
		return;
	ns = mail_namespace_find_inbox(user->namespaces);
	dir = place_control_dir(user);
	/* a failure shows when the file is made */
	if (dir != NULL) {
		(void)mailbox_list_mkdir_root(ns->list, dir,
					      MAILBOX_LIST_PATH_TYPE_CONTROL);
	}
}

/* With its parents, of which other users may have theirs: where the directory above
   has the setgid bit, it says who may enter, as it does for Dovecot's own. */
static void home_mkdir(const char *home)
{
	mode_t mode = 0700;
	const char *above;
	struct stat st;

	if (stat(home, &st) == 0)
		return;
	if (stat_first_parent(home, &above, &st) == 0 &&
	    (st.st_mode & S_ISGID) != 0)
		mode |= st.st_mode & 0070;
	/* a failure shows when the file is made. Without regard to the umask. */
	(void)mkdir_parents_chgrp(home, mode, (gid_t)-1, NULL);
}

void lazy_expunge_place_make(struct mail_user *user)
{
	const char *home;

	if (mail_user_get_home(user, &home) > 0)
		home_mkdir(home);
	else
		place_mkdir(user);
}

static const struct mail_storage_settings *
place_settings(struct mail_user *user)
{
	return mail_namespace_get_default_storage(
			mail_namespace_find_inbox(user->namespaces))->set;
}

const char *lazy_expunge_place_lock_name(struct mail_user *user,
					 const char *fname,
					 const char *dotlock_fname)
{
	return place_settings(user)->parsed_lock_method ==
		FILE_LOCK_METHOD_DOTLOCK ? dotlock_fname : fname;
}

int lazy_expunge_place_lock(struct mail_user *user, const char *fname,
			    unsigned int timeout_secs,
			    struct file_lock **lock_r, const char **error_r)
{
	const struct mail_storage_settings *set;
	struct file_create_settings lock_set = {
		.lock_timeout_secs = timeout_secs,
	};
	const char *path;

	/* this one knows of volatile directories */
	if (place_has_home(user)) {
		return mail_user_lock_file_create(user,
				t_strconcat(".", fname, NULL), timeout_secs,
				lock_r, error_r);
	}
	/* beside the control files, for there is no home */
	path = lazy_expunge_place_path(user, fname);
	if (path == NULL) {
		*error_r = "The user has no home and no directory for "
			"control files";
		return -1;
	}
	place_mkdir(user);
	set = place_settings(user);
	lock_set.lock_settings.lock_method = set->parsed_lock_method;
	return mail_storage_lock_create(path, &lock_set, set, lock_r, error_r);
}

static const char *
place_file_error(int fd, const char *path, struct stat *st_r)
{
	if (fstat(fd, st_r) < 0)
		return t_strdup_printf("fstat(%s) failed: %m", path);
	if (!S_ISREG(st_r->st_mode)) {
		return t_strdup_printf("%s is not a regular file: remove it",
				       path);
	}
	if (st_r->st_uid != geteuid()) {
		return t_strdup_printf("%s belongs to uid %ld instead of %ld: "
			"remove it, or change its owner", path,
			(long)st_r->st_uid, (long)geteuid());
	}
	return NULL;
}

int lazy_expunge_place_open(const char *path, int flags, int *fd_r,
			    const char **error_r)
{
	struct stat st;

	return lazy_expunge_place_open_stat(path, flags, fd_r, &st, error_r);
}

int lazy_expunge_place_open_stat(const char *path, int flags, int *fd_r,
				 struct stat *st_r, const char **error_r)
{
	int fd;

	fd = open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd == -1) {
		if (errno == ENOENT || errno == ENOTDIR)
			return 0;
		/* ENXIO: a FIFO that nobody reads, or a socket */
		*error_r = errno == ENXIO || errno == ELOOP || errno == EISDIR ?
			t_strdup_printf("%s is not a regular file: remove it",
					path) :
			t_strdup_printf("open(%s) failed: %m", path);
		return -1;
	}
	*error_r = place_file_error(fd, path, st_r);
	if (*error_r != NULL) {
		i_close_fd(&fd);
		return -1;
	}
	*fd_r = fd;
	return 1;
}

static int place_replace(struct mail_user *user, const char *path,
			 const void *data, size_t size, bool sync,
			 const char **error_r)
{
	string_t *temp_path = t_str_new(256);
	int fd;

	place_mkdir(user);
	str_append(temp_path, path);
	fd = safe_mkstemp_hostpid(temp_path, 0600, (uid_t)-1, (gid_t)-1);
	if (fd == -1) {
		*error_r = t_strdup_printf("safe_mkstemp(%s) failed: %m",
					   str_c(temp_path));
		return -1;
	}
	if (write_full(fd, data, size) < 0) {
		*error_r = t_strdup_printf("write(%s) failed: %m",
					   str_c(temp_path));
		i_close_fd(&fd);
	} else if (sync && fdatasync(fd) < 0) {
		*error_r = t_strdup_printf("fdatasync(%s) failed: %m",
					   str_c(temp_path));
		i_close_fd(&fd);
	} else if (close(fd) < 0) {
		*error_r = t_strdup_printf("close(%s) failed: %m",
					   str_c(temp_path));
	} else if (rename(str_c(temp_path), path) < 0) {
		*error_r = t_strdup_printf("rename(%s, %s) failed: %m",
					   str_c(temp_path), path);
	} else {
		return 0;
	}
	i_unlink_if_exists(str_c(temp_path));
	return -1;
}

int lazy_expunge_place_replace(struct mail_user *user, const char *path,
			       const void *data, size_t size,
			       const char **error_r)
{
	return place_replace(user, path, data, size, FALSE, error_r);
}

int lazy_expunge_place_replace_durably(struct mail_user *user, const char *path,
				       const void *data, size_t size,
				       const char **error_r)
{
	const char *dir = lazy_expunge_path_parent(path);

	if (place_replace(user, path, data, size, TRUE, error_r) < 0)
		return -1;
	if (fdatasync_path(dir) < 0) {
		*error_r = t_strdup_printf("fdatasync_path(%s) failed: %m",
					   dir);
		return -1;
	}
	return 0;
}
