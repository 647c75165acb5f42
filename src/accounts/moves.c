/* Moves of parts: gates, and renames that exchange. */

#include "lazy-expunge-config.h"
#include "lib.h"
#include "array.h"
#include "fdatasync-path.h"
#include "read-full.h"
#include "write-full.h"
#include "core/account-record.h"
#include "accounts/moves.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define GATE_FNAME "gate"
#define GATE_TEMP_FNAME "gate.new"
#define RECORD_FNAME "account"
#define GATE_MAX_SIZE 1024

static const char *gate_text(const char *id)
{
	return t_strdup_printf("lazy-expunge gate %s\n"
		"The account is being moved: doveadm lazy-expunge account list "
		"says how to end it.\n", id);
}

const char *lazy_expunge_accounts_dir(const char *path)
{
	const char *parent = lazy_expunge_path_parent(path);

	return t_strconcat(strcmp(parent, "/") == 0 ? "" : parent,
			   "/"LAZY_EXPUNGE_ACCOUNTS_DIR, NULL);
}

static int failed(const char *call, const char *path, const char **error_r)
{
	*error_r = t_strdup_printf("%s(%s) failed: %m", call, path);
	return -1;
}

static int sync_dir(const char *path, const char **error_r)
{
	return fdatasync_path(path) < 0 ?
		failed("fdatasync_path", path, error_r) : 0;
}

/* Is the file a gate, and whose? Returns 1 if it is that of the account, 0 if it
   is none, -1 and the error. */
static int gate_read(const struct lazy_expunge_account *account,
		     const char *path, const char **error_r)
{
	char buf[GATE_MAX_SIZE + 1];
	const char *text = gate_text(account->id);
	ssize_t ret;
	int fd;

	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return failed("open", path, error_r);
	ret = read(fd, buf, GATE_MAX_SIZE);
	i_close_fd(&fd);
	if (ret < 0)
		return failed("read", path, error_r);
	buf[ret] = '\0';
	if (strcmp(buf, text) == 0)
		return 1;
	if (strncmp(buf, text, strlen("lazy-expunge gate ")) != 0)
		return 0;
	*error_r = t_strdup_printf("%s is being moved as another account: "
		"doveadm lazy-expunge account list says how to end that", path);
	return -1;
}

int lazy_expunge_moves_look(const struct lazy_expunge_account *account,
			    const char *path, enum lazy_expunge_found *found_r,
			    const char **error_r)
{
	struct stat st;
	int ret;

	*found_r = LAZY_EXPUNGE_FOUND_SOMETHING;
	if (lstat(path, &st) < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			return failed("lstat", path, error_r);
		*found_r = LAZY_EXPUNGE_FOUND_NOTHING;
		return 0;
	}
	/* what users have put there is none */
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    st.st_size > GATE_MAX_SIZE)
		return 0;
	ret = gate_read(account, path, error_r);
	if (ret > 0)
		*found_r = LAZY_EXPUNGE_FOUND_GATE;
	return ret < 0 ? -1 : 0;
}

int lazy_expunge_moves_mkdir(const char *path, const char **error_r)
{
	struct stat st;

	if (mkdir(path, 0700) == 0)
		return sync_dir(lazy_expunge_path_parent(path), error_r);
	if (errno != EEXIST)
		return failed("mkdir", path, error_r);
	if (lstat(path, &st) < 0)
		return failed("lstat", path, error_r);
	return lazy_expunge_moves_check_dir(path, &st, error_r);
}

int lazy_expunge_moves_check_dir(const char *path, const struct stat *st,
				 const char **error_r)
{
	if (S_ISDIR(st->st_mode) && st->st_uid == geteuid() &&
	    (st->st_mode & 077) == 0)
		return 0;
	*error_r = t_strdup_printf("%s must be a directory of uid %ld that is "
		"open to nobody else: remove it, or mend it", path,
		(long)geteuid());
	return -1;
}

/* Each directory has a gate of its own, of which the others are links: there is
   never half a gate. */
static int gate_make(const struct lazy_expunge_account *account,
		     const char *dir, const char **error_r)
{
	const char *text = gate_text(account->id);
	const char *temp = t_strconcat(dir, "/"GATE_TEMP_FNAME, NULL);
	const char *path = t_strconcat(dir, "/"GATE_FNAME, NULL);
	struct stat st;
	int fd, ret = 0;

	if (lstat(path, &st) == 0)
		return 0;
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		  0444);
	if (fd == -1)
		return failed("open", temp, error_r);
	if (write_full(fd, text, strlen(text)) < 0)
		ret = failed("write", temp, error_r);
	else if (fdatasync(fd) < 0)
		ret = failed("fdatasync", temp, error_r);
	i_close_fd(&fd);
	if (ret == 0 && rename(temp, path) < 0)
		ret = failed("rename", temp, error_r);
	return ret < 0 ? -1 : sync_dir(dir, error_r);
}

int lazy_expunge_moves_prepare(const struct lazy_expunge_account *account,
			       const char **error_r)
{
	const struct lazy_expunge_account_part *part;
	const char *dir;

	array_foreach(&account->parts, part) {
		dir = lazy_expunge_path_parent(part->to);
		if (lazy_expunge_moves_mkdir(lazy_expunge_path_parent(dir),
					     error_r) < 0 ||
		    lazy_expunge_moves_mkdir(dir, error_r) < 0 ||
		    gate_make(account, dir, error_r) < 0)
			return -1;
	}
	return 0;
}

/* Returns 1 if linked, 0 if something is there. */
static int gate_link(const struct lazy_expunge_account_part *part,
		     const char *path, const char **error_r)
{
	const char *dir = lazy_expunge_path_parent(part->to);
	const char *gate = t_strconcat(dir, "/"GATE_FNAME, NULL);

	if (link(gate, path) == 0)
		return 1;
	return errno == EEXIST ? 0 : failed("link", path, error_r);
}

/* Have a part at from and a gate at to change their places. */
static int gate_exchange(const struct lazy_expunge_account_part *part,
			 const char *from, const char *to, const char **error_r)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
		return failed("rename", from, error_r);
	/* a file system that cannot: the name is free for a moment */
	if (unlink(to) < 0)
		return failed("unlink", to, error_r);
	if (rename(from, to) < 0)
		return failed("rename", from, error_r);
	return gate_link(part, from, error_r) < 0 ? -1 : 0;
}

static int exchange_durably(const struct lazy_expunge_account_part *part,
			    const char *from, const char *to,
			    const char **error_r)
{
	if (gate_exchange(part, from, to, error_r) < 0 ||
	    sync_dir(lazy_expunge_path_parent(from), error_r) < 0)
		return -1;
	return sync_dir(lazy_expunge_path_parent(to), error_r);
}

int lazy_expunge_moves_take(const struct lazy_expunge_account *account,
			    const struct lazy_expunge_account_part *part,
			    const char **error_r)
{
	enum lazy_expunge_found there, here;

	if (lazy_expunge_moves_look(account, part->from, &there, error_r) < 0 ||
	    lazy_expunge_moves_look(account, part->to, &here, error_r) < 0)
		return -1;
	if (here == LAZY_EXPUNGE_FOUND_SOMETHING ||
	    there != LAZY_EXPUNGE_FOUND_SOMETHING)
		return 0;
	if (here == LAZY_EXPUNGE_FOUND_NOTHING &&
	    gate_link(part, part->to, error_r) < 0)
		return -1;
	return exchange_durably(part, part->from, part->to, error_r);
}

/* The missing directories above a path, like the one that the part was in. */
static int make_parents(const char *path, const struct stat *like,
			const char **error_r)
{
	const char *dir = lazy_expunge_path_parent(path);
	struct stat st;

	if (stat(dir, &st) == 0)
		return 0;
	if (errno != ENOENT)
		return failed("stat", dir, error_r);
	if (make_parents(dir, like, error_r) < 0)
		return -1;
	if (mkdir(dir, like->st_mode & 07777) < 0)
		return errno == EEXIST ? 0 : failed("mkdir", dir, error_r);
	/* whoever may write above it might have put something else there */
	if (lchown(dir, like->st_uid, like->st_gid) < 0)
		return failed("lchown", dir, error_r);
	return sync_dir(lazy_expunge_path_parent(dir), error_r);
}

int lazy_expunge_moves_close(const struct lazy_expunge_account *account,
			     const struct lazy_expunge_account_part *part,
			     const char **error_r)
{
	const char *parent = lazy_expunge_path_parent(part->from);
	enum lazy_expunge_found here;
	struct stat st;
	int ret;

	if (lazy_expunge_moves_look(account, part->to, &here, error_r) < 0)
		return -1;
	/* it was brought */
	if (here != LAZY_EXPUNGE_FOUND_SOMETHING)
		return 0;
	if (stat(parent, &st) < 0)
		return failed("stat", parent, error_r);
	if (make_parents(part->dest, &st, error_r) < 0)
		return -1;
	ret = gate_link(part, part->dest, error_r);
	if (ret != 0)
		return ret < 0 ? -1 : sync_dir(
			lazy_expunge_path_parent(part->dest), error_r);
	if (lazy_expunge_moves_look(account, part->dest, &here, error_r) < 0)
		return -1;
	if (here == LAZY_EXPUNGE_FOUND_GATE)
		return 0;
	*error_r = t_strdup_printf("%s exists", part->dest);
	return -1;
}

int lazy_expunge_moves_bring(const struct lazy_expunge_account *account,
			     const struct lazy_expunge_account_part *part,
			     const char **error_r)
{
	enum lazy_expunge_found here;

	if (lazy_expunge_moves_look(account, part->to, &here, error_r) < 0)
		return -1;
	if (here != LAZY_EXPUNGE_FOUND_SOMETHING)
		return 0;
	return exchange_durably(part, part->to, part->dest, error_r);
}

int lazy_expunge_moves_open(const struct lazy_expunge_account *account,
			    const char *path, const char **error_r)
{
	enum lazy_expunge_found found;

	if (lazy_expunge_moves_look(account, path, &found, error_r) < 0)
		return -1;
	if (found != LAZY_EXPUNGE_FOUND_GATE)
		return 0;
	if (unlink(path) < 0)
		return failed("unlink", path, error_r);
	return sync_dir(lazy_expunge_path_parent(path), error_r);
}

static int remove_file(const char *path, const char **error_r)
{
	return unlink(path) < 0 && errno != ENOENT ?
		failed("unlink", path, error_r) : 0;
}

/* Without the gate whose account it is cannot be seen from its links, which are
   gone by now. */
static int forget_dir(const char *dir, const char **error_r)
{
	static const char *const names[] =
		{ GATE_TEMP_FNAME, GATE_FNAME, RECORD_FNAME };
	struct stat st;

	if (lstat(dir, &st) < 0 && errno == ENOENT)
		return 0;
	for (unsigned int i = 0; i < N_ELEMENTS(names); i++) {
		if (remove_file(t_strconcat(dir, "/", names[i], NULL),
				error_r) < 0)
			return -1;
	}
	if (rmdir(dir) < 0 && errno != ENOENT)
		return failed("rmdir", dir, error_r);
	return sync_dir(lazy_expunge_path_parent(dir), error_r);
}

int lazy_expunge_moves_forget(const struct lazy_expunge_account *account,
			      const char **error_r)
{
	const struct lazy_expunge_account_part *part;
	enum lazy_expunge_found found;
	const char *dir, *first;

	array_foreach(&account->parts, part) {
		if (lazy_expunge_moves_open(account, part->to, error_r) < 0 ||
		    lazy_expunge_moves_look(account, part->to, &found,
					    error_r) < 0)
			return -1;
		if (found != LAZY_EXPUNGE_FOUND_NOTHING) {
			*error_r = t_strdup_printf("%s is still there",
						   part->to);
			return -1;
		}
	}
	part = array_front(&account->parts);
	first = lazy_expunge_path_parent(part->to);
	array_foreach(&account->parts, part) {
		dir = lazy_expunge_path_parent(part->to);
		if (strcmp(dir, first) != 0 && forget_dir(dir, error_r) < 0)
			return -1;
	}
	return forget_dir(first, error_r);
}
