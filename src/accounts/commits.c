/* Commits: the locks of mdbox. */

#include "lib.h"
#include "array.h"
#include "core/account-record.h"
#include "accounts/commits.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* below the directory of the mail, or of the indexes, of a namespace */
#define MAP_LOG "/storage/dovecot.map.index.log"

/* On NFS flock() is a lock of the other kind, of another owner: it would be in the
   way of our own. */
static bool is_nfs(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == NFS_SUPER_MAGIC;
}

/* Returns 1, 0 if somebody has it, -1 on failure. */
static int lock_fd(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_SETLK, &lock) < 0)
		return errno == EACCES || errno == EAGAIN ? 0 : -1;
	if (!is_nfs(fd) && flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? 0 : -1;
	return 1;
}

static bool same_file(const struct stat *st, const struct stat *other)
{
	return st->st_dev == other->st_dev && st->st_ino == other->st_ino;
}

/* Two places may be one, by a link. */
static bool is_locked(const struct lazy_expunge_commits *commits,
		      const struct stat *st)
{
	struct stat held;
	int fd;

	array_foreach_elem(&commits->fds, fd) {
		if (fstat(fd, &held) == 0 && same_file(st, &held))
			return TRUE;
	}
	return FALSE;
}

/* Returns 1 if the file is locked, 0 if somebody has it or another has taken its
   place, -1 on failure. */
static int lock_file(struct lazy_expunge_commits *commits, const char *path,
		     int fd)
{
	struct stat st, now;
	bool locked;
	int ret;

	if (fstat(fd, &st) < 0) {
		i_close_fd(&fd);
		return -1;
	}
	/* once closed, no descriptor of the file has the lock any more */
	locked = is_locked(commits, &st);
	array_push_back(&commits->fds, &fd);
	if (locked)
		return 1;
	ret = lock_fd(fd);
	if (ret > 0 && (stat(path, &now) < 0 || !same_file(&st, &now)))
		ret = 0;
	return ret;
}

/* Returns 1 if there is none, or it is locked, 0 if somebody has it, -1 and the
   error. */
static int lock_map(struct lazy_expunge_commits *commits, const char *path,
		    const char **error_r)
{
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int ret;

	if (fd == -1) {
		if (errno == ENOENT || errno == ENOTDIR)
			return 1;
		*error_r = t_strdup_printf("open(%s) failed: %m", path);
		return -1;
	}
	ret = lock_file(commits, path, fd);
	if (ret < 0)
		*error_r = t_strdup_printf("Locking %s failed: %m", path);
	return ret;
}

int lazy_expunge_commits_lock(const struct lazy_expunge_account *account,
			      struct lazy_expunge_commits *commits_r,
			      const char **error_r)
{
	const struct lazy_expunge_account_place *place;
	const struct lazy_expunge_account_part *part;
	const char *path;
	int ret = 1;

	i_array_init(&commits_r->fds, 4);
	array_foreach(&account->places, place) {
		part = array_idx(&account->parts, place->part);
		path = t_strconcat(part->from, place->below, MAP_LOG, NULL);
		ret = lock_map(commits_r, path, error_r);
		if (ret <= 0)
			break;
	}
	if (ret <= 0)
		lazy_expunge_commits_unlock(commits_r);
	return ret;
}

void lazy_expunge_commits_unlock(struct lazy_expunge_commits *commits)
{
	int fd;

	array_foreach_elem(&commits->fds, fd)
		i_close_fd(&fd);
	array_free(&commits->fds);
}
