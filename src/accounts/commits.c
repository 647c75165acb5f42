/* Commits: the locks of mdbox. */

#include "lib.h"
#include "array.h"
#include "core/account-record.h"
#include "accounts/commits.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

/* below the directory of the mail, or of the indexes, of a namespace */
#define MAP_LOG "/storage/dovecot.map.index.log"

/* Returns 1, 0 if somebody has it, -1 on failure. */
static int lock_fd(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_SETLK, &lock) < 0)
		return errno == EACCES || errno == EAGAIN ? 0 : -1;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? 0 : -1;
	return 1;
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
	array_push_back(&commits->fds, &fd);
	ret = lock_fd(fd);
	if (ret < 0)
		*error_r = t_strdup_printf("Locking %s failed: %m", path);
	return ret;
}

/* Two places may be one: a second lock on the same file by another descriptor
   would be in the way of the first (flock()), so each path is locked once. */
static int path_cmp(const char *const *path, const char *const *other)
{
	return strcmp(*path, *other);
}

int lazy_expunge_commits_lock(const struct lazy_expunge_account *account,
			      struct lazy_expunge_commits *commits_r,
			      const char **error_r)
{
	const struct lazy_expunge_account_place *place;
	const struct lazy_expunge_account_part *part;
	ARRAY_TYPE(const_string) seen;
	const char *path;
	int ret = 1;

	i_array_init(&commits_r->fds, 4);
	t_array_init(&seen, 16);
	array_foreach(&account->places, place) {
		part = array_idx(&account->parts, place->part);
		path = t_strconcat(part->from, place->below, MAP_LOG, NULL);
		if (array_lsearch(&seen, &path, path_cmp) != NULL)
			continue;
		array_push_back(&seen, &path);
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
