/* Stamp file. A new one is renamed into its place, so that a reader never sees
   half. Where only digits change they are written over: creating a file for
   each user is dear. A check sum tells a reader who comes in between. */

#include "lib.h"
#include "str.h"
#include "read-full.h"
#include "mail-user.h"
#include "account/files.h"
#include "retention/stamp.h"

#include <fcntl.h>
#include <unistd.h>
#include <sys/stat.h>

/* what maintenance of a user with very many mailboxes may write */
#define STAMP_MAX_SIZE (128 * 1024)

static const char *stamp_path(struct mail_user *user)
{
	return lazy_expunge_place_path(user, LAZY_EXPUNGE_STAMP_FNAME);
}

/* Returns 1 and the content, 0 if there is no file, -1 and the error. */
static int stamp_read_file(const char *path, const char **text_r,
			   const char **error_r)
{
	struct stat st;
	char *text;
	int fd, ret;

	ret = lazy_expunge_place_open(path, O_RDONLY, &fd, error_r);
	if (ret <= 0)
		return ret;
	if (fstat(fd, &st) < 0) {
		*error_r = t_strdup_printf("fstat(%s) failed: %m", path);
		ret = -1;
	} else if (st.st_size > STAMP_MAX_SIZE) {
		*error_r = t_strdup_printf("%s is too large", path);
		ret = -1;
	} else {
		text = t_malloc0(st.st_size + 1);
		ret = read_full(fd, text, st.st_size);
		*text_r = text;
		if (ret < 0)
			*error_r = t_strdup_printf("read(%s) failed: %m", path);
		/* shorter by now: what is missing is seen by the reader */
		ret = ret < 0 ? -1 : 1;
	}
	i_close_fd(&fd);
	return ret;
}

/* Returns as lazy_expunge_stamp_read(). */
static int stamp_read(const char *path, struct lazy_expunge_stamp *stamp_r,
		      const char **error_r)
{
	const char *text;
	int ret;

	ret = stamp_read_file(path, &text, error_r);
	if (ret <= 0)
		return ret;
	lazy_expunge_stamp_parse(text, stamp_r);
	if (stamp_r->time == 0) {
		*error_r = t_strdup_printf("%s has no time in it", path);
		return -1;
	}
	return 1;
}

int lazy_expunge_stamp_read(struct mail_user *user,
			    struct lazy_expunge_stamp *stamp_r,
			    const char **error_r)
{
	const char *path = stamp_path(user);
	int ret;

	i_zero(stamp_r);
	if (path == NULL)
		return 0;
	ret = stamp_read(path, stamp_r, error_r);
	if (ret == 0) {
		lazy_expunge_place_adopt_all(user);
		ret = stamp_read(path, stamp_r, error_r);
	}
	return ret;
}

int lazy_expunge_stamp_read_in(const char *home,
			       struct lazy_expunge_stamp *stamp_r,
			       const char **error_r)
{
	i_zero(stamp_r);
	return stamp_read(lazy_expunge_place_path_in(home,
						LAZY_EXPUNGE_STAMP_FNAME),
			  stamp_r, error_r);
}

/* Returns 1 if the file has this length and was written over, 0 if it is to be
   made anew, -1 and the error if something else is in its place. */
static int stamp_overwrite(const char *path, const char *text,
			   const char **error_r)
{
	size_t len = strlen(text);
	struct stat st;
	int fd, ret;

	ret = lazy_expunge_place_open(path, O_WRONLY, &fd, error_r);
	if (ret <= 0)
		return ret;
	ret = fstat(fd, &st) == 0 && (uoff_t)st.st_size == len &&
		pwrite(fd, text, len, 0) == (ssize_t)len ? 1 : 0;
	i_close_fd(&fd);
	return ret;
}

/* A user who never got mail may have no directory yet. */
static bool has_directory(const char *path)
{
	const char *dir = t_strdup_until(path, strrchr(path, '/'));
	struct stat st;

	return stat(dir, &st) == 0 || errno != ENOENT;
}

int lazy_expunge_stamp_write(struct mail_user *user,
			     const struct lazy_expunge_stamp *stamp,
			     const char **error_r)
{
	const char *path = stamp_path(user);
	string_t *text;
	int ret;

	if (path == NULL)
		return 0;
	text = t_str_new(1024);
	lazy_expunge_stamp_append(text, stamp);
	ret = stamp_overwrite(path, str_c(text), error_r);
	if (ret != 0)
		return ret < 0 ? -1 : 0;
	if (!has_directory(path))
		return 0;
	return lazy_expunge_place_replace(user, path, str_data(text),
					  str_len(text), error_r);
}

static int stamp_touch(const char *path, time_t now, const char **error_r)
{
	const char *digits;
	int fd, ret;

	ret = lazy_expunge_place_open(path, O_WRONLY, &fd, error_r);
	if (ret <= 0) {
		if (ret == 0)
			*error_r = t_strdup_printf("%s is gone", path);
		return -1;
	}
	digits = lazy_expunge_stamp_time_digits(now);
	if (pwrite(fd, digits, strlen(digits),
		   LAZY_EXPUNGE_STAMP_TIME_OFFSET) < 0) {
		*error_r = t_strdup_printf("pwrite(%s) failed: %m", path);
		ret = -1;
	}
	i_close_fd(&fd);
	return ret < 0 ? -1 : 0;
}

int lazy_expunge_stamp_touch(struct mail_user *user, time_t now,
			     const char **error_r)
{
	const char *path = stamp_path(user);

	return path == NULL ? 0 : stamp_touch(path, now, error_r);
}

int lazy_expunge_stamp_touch_in(const char *home, time_t now,
				const char **error_r)
{
	return stamp_touch(lazy_expunge_place_path_in(home,
						LAZY_EXPUNGE_STAMP_FNAME),
			   now, error_r);
}
