/* Appending lines to a file that is bounded. */

#include "lib.h"
#include "str.h"
#include "file-lock.h"
#include "read-full.h"
#include "write-full.h"
#include "account/files.h"
#include "account/append.h"
#include "core/passed-lines.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Shrinking takes no time; another one need not wait long. */
#define APPEND_LOCK_TIMEOUT_SECS 5

/* Take out the oldest lines of mails that passed, which are many and hints, as long
   as too much would stay. */
static void append_shorten(string_t *data, size_t max_size)
{
	char *start = str_c_modifiable(data);
	const size_t size = str_len(data);
	size_t left = size, pos = 0, dest = 0, len;
	const char *end;

	for (; pos < size; pos += len) {
		end = memchr(start + pos, '\n', size - pos);
		len = end == NULL ? size - pos :
			(size_t)(end + 1 - (start + pos));
		if (left > max_size / 2 &&
		    lazy_expunge_passed_is_line(start + pos)) {
			left -= len;
			continue;
		}
		memmove(start + dest, start + pos, len);
		dest += len;
	}
	str_truncate(data, dest);
}

/* How much of the file goes: to the end of a line behind the middle of what is
   to stay at most. */
static size_t append_cut(const char *data, size_t size, size_t max_size)
{
	size_t pos = size - I_MIN(size, max_size / 2);
	const char *end;

	if (pos == 0)
		return 0;
	end = memchr(data + pos, '\n', size - pos);
	return end == NULL ? size : (size_t)(end - data) + 1;
}

/* Write the file anew with its newer half and the text. */
static int append_shrinking(struct mail_user *user, const char *path, int fd,
			    size_t size, size_t max_size, const string_t *text,
			    const char **error_r)
{
	string_t *data = str_new(default_pool, size + str_len(text));
	size_t cut;
	int ret;

	ret = pread_full(fd, buffer_append_space_unsafe(data, size), size, 0);
	if (ret <= 0) {
		*error_r = t_strdup_printf("read(%s) failed: %m", path);
		ret = -1;
	} else {
		append_shorten(data, max_size);
		cut = append_cut(str_c(data), str_len(data), max_size);
		str_append_str(data, text);
		ret = lazy_expunge_place_replace(user, path,
						 str_data(data) + cut,
						 str_len(data) - cut, error_r);
		if (ret == 0)
			ret = 1;
	}
	str_free(&data);
	return ret;
}

static int append_fd(const char *path, int fd, const struct stat *st,
		     string_t *text, const char **error_r)
{
	char last = '\n';

	/* a line that was cut off must not take this one with it */
	if (st->st_size > 0 && pread(fd, &last, 1, st->st_size - 1) == 1 &&
	    last != '\n')
		str_insert(text, 0, "\n");
	if (write_full(fd, str_data(text), str_len(text)) < 0) {
		*error_r = t_strdup_printf("write(%s) failed: %m", path);
		return -1;
	}
	return 1;
}

/* Returns 1 and the size, 0 and the error if the directory is gone, -1 and the
   error. */
static int append_open(struct mail_user *user, const char *path, int *fd_r,
		       struct stat *st_r, const char **error_r)
{
	const int flags = O_RDWR | O_CREAT | O_APPEND;
	int ret = lazy_expunge_place_open(path, flags, fd_r, error_r);

	if (ret == 0) {
		lazy_expunge_place_make(user);
		ret = lazy_expunge_place_open(path, flags, fd_r, error_r);
	}
	if (ret == 0) {
		*error_r = t_strdup_printf("%s cannot be made: its directory "
					   "is gone", path);
	}
	if (ret <= 0)
		return ret;
	if (fstat(*fd_r, st_r) < 0) {
		*error_r = t_strdup_printf("fstat(%s) failed: %m", path);
		i_close_fd(fd_r);
		return -1;
	}
	return 1;
}

/* The file is too large, if nobody was quicker. */
static int append_locked(struct mail_user *user, const char *path,
			 const char *lock_fname, size_t max_size,
			 string_t *text, const char **error_r)
{
	struct file_lock *lock = NULL;
	struct stat st;
	int fd = -1, ret;

	ret = lazy_expunge_place_lock(user, lock_fname,
				      APPEND_LOCK_TIMEOUT_SECS, &lock, error_r);
	if (ret <= 0)
		return -1;
	ret = append_open(user, path, &fd, &st, error_r);
	if (ret > 0 && (uoff_t)st.st_size > max_size) {
		ret = append_shrinking(user, path, fd, st.st_size, max_size,
				       text, error_r);
	} else if (ret > 0) {
		ret = append_fd(path, fd, &st, text, error_r);
	}
	i_close_fd(&fd);
	file_lock_free(&lock);
	return ret;
}

int lazy_expunge_append(struct mail_user *user, const char *fname,
			const char *lock_fname, size_t max_size,
			string_t *text, const char **error_r)
{
	const char *path = lazy_expunge_place_path(user, fname);
	struct stat st;
	int fd, ret;

	if (path == NULL) {
		*error_r = "The user has no place for it";
		return -1;
	}
	ret = append_open(user, path, &fd, &st, error_r);
	if (ret <= 0)
		return ret;
	if ((uoff_t)st.st_size > max_size) {
		ret = append_locked(user, path, lock_fname, max_size, text,
				    error_r);
	} else {
		ret = append_fd(path, fd, &st, text, error_r);
	}
	i_close_fd(&fd);
	return ret;
}
