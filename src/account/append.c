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
	int ret = lazy_expunge_place_open_stat(path, flags, fd_r, st_r,
					       error_r);

	if (ret == 0) {
		lazy_expunge_place_make(user);
		ret = lazy_expunge_place_open_stat(path, flags, fd_r, st_r,
						   error_r);
	}
	if (ret == 0) {
		*error_r = t_strdup_printf("%s cannot be made: its directory "
					   "is gone", path);
	}
	return ret;
}

int lazy_expunge_append_rest(struct mail_user *user, const char *path,
			     string_t *text, const char **error_r)
{
	struct stat st;
	int fd, ret;

	if (str_len(text) == 0)
		return 0;
	if (append_open(user, path, &fd, &st, error_r) <= 0)
		return -1;
	ret = append_fd(path, fd, &st, text, error_r);
	i_close_fd(&fd);
	return ret < 0 ? -1 : 0;
}

/* What came to the old file behind what was read of it, before it was replaced. */
static int append_take_along(struct mail_user *user, const char *path, int fd,
			     size_t size, const char **error_r)
{
	string_t *text = t_str_new(1024);
	char buf[4096];
	ssize_t ret;

	while ((ret = pread(fd, buf, sizeof(buf), size + str_len(text))) > 0)
		str_append_data(text, buf, ret);
	if (ret < 0) {
		*error_r = t_strdup_printf("read(%s) failed: %m", path);
		return -1;
	}
	return lazy_expunge_append_rest(user, path, text, error_r);
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
			ret = append_take_along(user, path, fd,
						size, error_r);
		if (ret == 0)
			ret = 1;
	}
	str_free(&data);
	return ret;
}

static bool append_has_lines(const string_t *data, const string_t *text)
{
	const char *line = data->data, *end = line + data->used;

	while (line != NULL && (size_t)(end - line) >= str_len(text)) {
		if (memcmp(line, str_data(text), str_len(text)) == 0)
			return TRUE;
		line = memchr(line, '\n', end - line);
		if (line != NULL)
			line++;
	}
	return FALSE;
}

/* Returns 1 if the file has the text, 0 if not, -1 and the error. */
static int append_is_there(const char *path, int fd, size_t size,
			   const string_t *text, const char **error_r)
{
	string_t *data = str_new(default_pool, size + 1);
	int ret;

	ret = size == 0 ? 0 :
		pread_full(fd, buffer_append_space_unsafe(data, size), size, 0);
	if (ret < 0)
		*error_r = t_strdup_printf("read(%s) failed: %m", path);
	else if (ret > 0)
		ret = append_has_lines(data, text) ? 1 : 0;
	str_free(&data);
	return ret;
}

static int append_under_lock(struct mail_user *user, const char *path,
			     size_t max_size, string_t *text, bool replaced,
			     const char **error_r)
{
	struct stat st;
	int fd, ret;

	ret = append_open(user, path, &fd, &st, error_r);
	if (ret <= 0)
		return ret;
	ret = !replaced ? 0 :
		append_is_there(path, fd, st.st_size, text, error_r);
	if (ret == 0 && (uoff_t)st.st_size > max_size) {
		ret = append_shrinking(user, path, fd, st.st_size, max_size,
				       text, error_r);
	} else if (ret == 0) {
		ret = append_fd(path, fd, &st, text, error_r);
	}
	i_close_fd(&fd);
	return ret;
}

/* The file is too large, if nobody was quicker, or was replaced while it was
   appended to. */
static int append_locked(struct mail_user *user, const char *path,
			 const char *lock_fname, size_t max_size,
			 string_t *text, bool replaced, const char **error_r)
{
	struct file_lock *lock = NULL;
	int ret;

	ret = lazy_expunge_place_lock(user, lock_fname,
				      APPEND_LOCK_TIMEOUT_SECS, &lock, error_r);
	if (ret <= 0)
		return -1;
	ret = append_under_lock(user, path, max_size, text, replaced, error_r);
	file_lock_free(&lock);
	return ret;
}

/* Who writes the file anew may have seen this or not, when it was replaced after
   it was opened. */
static bool append_stayed(int fd, string_t *text)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || st.st_nlink > 0)
		return TRUE;
	/* append_fd() may have ended a line before it */
	if (*str_c(text) == '\n')
		str_delete(text, 0, 1);
	return FALSE;
}

int lazy_expunge_append(struct mail_user *user, const char *fname,
			const char *lock_fname, size_t max_size,
			string_t *text, const char **error_r)
{
	const char *path = lazy_expunge_place_path(user, fname);
	bool replaced = FALSE;
	struct stat st;
	int fd, ret;

	if (path == NULL) {
		*error_r = "The user has no place for it";
		return -1;
	}
	ret = append_open(user, path, &fd, &st, error_r);
	if (ret <= 0)
		return ret;
	if ((uoff_t)st.st_size <= max_size) {
		ret = append_fd(path, fd, &st, text, error_r);
		replaced = ret > 0 && !append_stayed(fd, text);
	}
	i_close_fd(&fd);
	return (uoff_t)st.st_size <= max_size && !replaced ? ret :
		append_locked(user, path, lock_fname, max_size, text, replaced,
			      error_r);
}
