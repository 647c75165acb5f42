/* Commits: the locks of mdbox. */

#include "lib.h"
#include "array.h"
#include "hostpid.h"
#include "write-full.h"
#include "core/account-record.h"
#include "accounts/commits.h"

#include <fcntl.h>
#include <signal.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

/* below the directory of the mail, or of the indexes, of a namespace */
#define MAP_DIR "/storage"
#define MAP_LOG "dovecot.map.index.log"
#define MAP_DOTLOCK MAP_LOG ".lock"

/* As with Dovecot's own for a log: so long after its last change one of another host
   is no lock any more. */
#define MAP_DOTLOCK_SECS (3 * 60)
/* how many dead ones are removed in a row */
#define DOTLOCK_TRIES 10

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

/* What stands in it is read by Dovecot, with the rights of the user. */
static int dotlock_fill(int fd, const struct stat *st)
{
	const char *text = t_strdup_printf("%s:%s", my_pid, my_hostname);

	if (fchmod(fd, st->st_mode & 0666) < 0 ||
	    fchown(fd, st->st_uid, st->st_gid) < 0)
		return -1;
	return write_full(fd, text, strlen(text));
}

/* Returns 0, or -1 on failure, when it may be there all the same. */
static int dotlock_prepare(int dir_fd, const char *name, const struct stat *st)
{
	int fd, ret;

	/* from a process of the same PID that was killed */
	(void)unlinkat(dir_fd, name, 0);
	fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
		    O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	ret = dotlock_fill(fd, st);
	i_close_fd(&fd);
	return ret < 0 ? -1 : 0;
}

/* Who has it is in it, as PID:host. Of a process on another host nothing is known. */
static bool dotlock_is_dead(int fd, const struct stat *st)
{
	char text[256];
	const char *host;
	ssize_t ret;
	pid_t pid;

	ret = pread(fd, text, sizeof(text) - 1, 0);
	text[I_MAX(ret, 0)] = '\0';
	host = strchr(text, ':');
	if (host != NULL && strcmp(host + 1, my_hostname) == 0 &&
	    str_to_pid(t_strdup_until(text, host), &pid) == 0 && pid > 0)
		return kill(pid, 0) < 0 && errno == ESRCH;
	return I_MAX(st->st_mtime, st->st_ctime) < time(NULL) - MAP_DOTLOCK_SECS;
}

/* Returns TRUE if it was one of the dead. */
static bool dotlock_remove_dead(int dir_fd)
{
	struct stat st, now;
	int fd = openat(dir_fd, MAP_DOTLOCK,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool dead;

	if (fd == -1)
		return errno == ENOENT;
	dead = fstat(fd, &st) == 0 && dotlock_is_dead(fd, &st) &&
		fstatat(dir_fd, MAP_DOTLOCK, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
		same_file(&st, &now) && unlinkat(dir_fd, MAP_DOTLOCK, 0) == 0;
	i_close_fd(&fd);
	return dead;
}

/* It must have a PID in it from the first moment: without one all wait for it for
   minutes, when its process was killed. */
static int dotlock_create(int dir_fd, const struct stat *st)
{
	const char *name = t_strconcat(MAP_DOTLOCK, ".", my_pid, NULL);
	int ret, saved_errno;

	ret = dotlock_prepare(dir_fd, name, st);
	for (unsigned int i = 0; ret == 0 && i < DOTLOCK_TRIES; i++) {
		if (linkat(dir_fd, name, dir_fd, MAP_DOTLOCK, 0) == 0)
			break;
		if (errno != EEXIST) {
			ret = -1;
		} else if (i + 1 == DOTLOCK_TRIES ||
			   !dotlock_remove_dead(dir_fd)) {
			errno = EEXIST;
			ret = -1;
		}
	}
	saved_errno = errno;
	(void)unlinkat(dir_fd, name, 0);
	errno = saved_errno;
	return ret;
}

/* Returns 1, 0 if somebody has it, -1 on failure. Dovecot's own functions would
   look for it by its path when it is to go, and that is another one then. */
static int lock_by_dotlock(struct lazy_expunge_commits *commits,
			   const char *dir, const struct stat *st)
{
	int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat now;

	if (dir_fd == -1)
		return -1;
	/* closed with the others */
	array_push_back(&commits->fds, &dir_fd);
	/* a lock is made in no directory but that of the map */
	if (fstatat(dir_fd, MAP_LOG, &now, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !same_file(st, &now))
		return 0;
	if (dotlock_create(dir_fd, st) < 0)
		return errno == EEXIST ? 0 : -1;
	array_push_back(&commits->dotlock_dirs, &dir_fd);
	return 1;
}

/* Returns 1 if the file is locked, or is none, 0 if somebody has it or another has
   taken its place, -1 on failure. */
static int lock_file(struct lazy_expunge_commits *commits, const char *dir,
		     int fd, bool dotlock)
{
	struct stat st, now;
	bool locked;
	int ret;

	if (fstat(fd, &st) < 0) {
		i_close_fd(&fd);
		return -1;
	}
	/* no log of Dovecot's */
	if (!S_ISREG(st.st_mode)) {
		i_close_fd(&fd);
		return 1;
	}
	/* once closed, no descriptor of the file has the lock any more */
	locked = is_locked(commits, &st);
	array_push_back(&commits->fds, &fd);
	if (locked)
		return 1;
	ret = lock_fd(fd);
	if (ret > 0 && dotlock)
		ret = lock_by_dotlock(commits, dir, &st);
	if (ret > 0 && (stat(t_strconcat(dir, "/" MAP_LOG, NULL), &now) < 0 ||
			!same_file(&st, &now)))
		ret = 0;
	return ret;
}

/* What else a user may have put there, a link for instance, is left alone: Dovecot
   makes nothing but a file, and nobody must be able to stand in the way with
   something that cannot be locked. */
static bool is_no_log(int open_errno)
{
	return open_errno == ENOENT || open_errno == ENOTDIR ||
		open_errno == ELOOP || open_errno == EISDIR ||
		open_errno == ENXIO;
}

/* Returns 1 if there is none, or it is locked, 0 if somebody has it, -1 and the
   error. */
static int lock_map(struct lazy_expunge_commits *commits, const char *dir,
		    bool dotlock, const char **error_r)
{
	const char *path = t_strconcat(dir, "/" MAP_LOG, NULL);
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int ret;

	if (fd == -1) {
		if (is_no_log(errno))
			return 1;
		*error_r = t_strdup_printf("open(%s) failed: %m", path);
		return -1;
	}
	ret = lock_file(commits, dir, fd, dotlock);
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
	const char *dir;
	int ret = 1;

	i_array_init(&commits_r->fds, 4);
	i_array_init(&commits_r->dotlock_dirs, 2);
	array_foreach(&account->places, place) {
		part = array_idx(&account->parts, place->part);
		dir = t_strconcat(part->from, place->below, MAP_DIR, NULL);
		ret = lock_map(commits_r, dir, !account->kernel_locks, error_r);
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

	/* if this fails, what is left has the process in it, which ends */
	array_foreach_elem(&commits->dotlock_dirs, fd)
		(void)unlinkat(fd, MAP_DOTLOCK, 0);
	array_free(&commits->dotlock_dirs);
	array_foreach_elem(&commits->fds, fd)
		i_close_fd(&fd);
	array_free(&commits->fds);
}
