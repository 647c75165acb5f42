/* Rewriting a file of lines: read as a whole, and replaced. */

#include "lib.h"
#include "file-lock.h"
#include "str.h"
#include "account/append.h"
#include "account/files.h"
#include "account/rewrite.h"

#include <fcntl.h>
#include <unistd.h>

/* Who shortens the file is done soon. */
#define REWRITE_LOCK_TIMEOUT_SECS 30
#define REWRITE_READ_SIZE (64 * 1024)

struct rewrite {
	struct mail_user *user;
	const char *path;
	lazy_expunge_rewrite_line_t *callback;
	void *context;
	/* what the file has, and what it is to have */
	string_t *data, *text;
};

/* Read to the end of the file. Returns 1 if there was more than what was read
   before, 0 if not, -1 and the error. */
static int rewrite_read(struct rewrite *rewrite, int fd, const char **error_r)
{
	const size_t before = str_len(rewrite->data);
	ssize_t ret;
	void *space;

	do {
		space = buffer_append_space_unsafe(rewrite->data,
						   REWRITE_READ_SIZE);
		ret = read(fd, space, REWRITE_READ_SIZE);
		str_truncate(rewrite->data, str_len(rewrite->data) -
			     REWRITE_READ_SIZE + I_MAX(ret, 0));
	} while (ret > 0);
	if (ret < 0) {
		*error_r = t_strdup_printf("read(%s) failed: %m",
					   rewrite->path);
		return -1;
	}
	return str_len(rewrite->data) > before ? 1 : 0;
}

/* A line ends before a NUL, as for those who read the file. */
static void rewrite_line(struct rewrite *rewrite, const char *line, size_t len)
{
	const char *text = t_strdup_until(line, line + len);

	/* a crash may leave them where a line was to be */
	if (len > 0 && *text == '\0')
		return;
	rewrite->callback(rewrite->context, text, rewrite->text);
}

static void rewrite_lines(struct rewrite *rewrite)
{
	const char *line = str_c(rewrite->data);
	const char *end, *data_end = line + str_len(rewrite->data);

	str_truncate(rewrite->text, 0);
	for (; line < data_end; line = end + 1) {
		end = memchr(line, '\n', data_end - line);
		if (end == NULL)
			end = data_end;
		T_BEGIN {
			rewrite_line(rewrite, line, end - line);
		} T_END;
	}
}

/* What was read of the last line, if that has no end: who appends may not have been
   through with it. */
static size_t rewrite_last_line(const struct rewrite *rewrite)
{
	size_t len = 0;

	while (len < str_len(rewrite->data) &&
	       str_c(rewrite->data)[str_len(rewrite->data) - 1 - len] != '\n')
		len++;
	return len;
}

/* The file was replaced: what was appended to the old one just before comes
   along. */
static int rewrite_take_along(struct rewrite *rewrite, int fd,
			      const char **error_r)
{
	int ret;

	str_delete(rewrite->data, 0, str_len(rewrite->data) -
		   rewrite_last_line(rewrite));
	ret = rewrite_read(rewrite, fd, error_r);
	if (ret <= 0)
		return ret;
	rewrite_lines(rewrite);
	return lazy_expunge_append_rest(rewrite->user, rewrite->path,
					rewrite->text, error_r);
}

static int rewrite_fd(struct rewrite *rewrite, int fd, const char **error_r)
{
	int ret;

	/* what is appended while the lines are looked at comes along */
	while ((ret = rewrite_read(rewrite, fd, error_r)) > 0)
		rewrite_lines(rewrite);
	if (ret < 0)
		return -1;
	if (str_len(rewrite->text) == str_len(rewrite->data) &&
	    memcmp(str_data(rewrite->text), str_data(rewrite->data),
		   str_len(rewrite->text)) == 0)
		return 0;
	if (lazy_expunge_place_replace_durably(rewrite->user, rewrite->path,
					       str_data(rewrite->text),
					       str_len(rewrite->text),
					       error_r) < 0)
		return -1;
	return rewrite_take_along(rewrite, fd, error_r);
}

static int rewrite_locked(struct rewrite *rewrite, const char **error_r)
{
	int fd, ret;

	ret = lazy_expunge_place_open(rewrite->path, O_RDONLY, &fd, error_r);
	if (ret <= 0)
		return ret;
	rewrite->data = str_new(default_pool, REWRITE_READ_SIZE);
	rewrite->text = str_new(default_pool, REWRITE_READ_SIZE);
	ret = rewrite_fd(rewrite, fd, error_r);
	str_free(&rewrite->text);
	str_free(&rewrite->data);
	i_close_fd(&fd);
	return ret;
}

int lazy_expunge_rewrite(struct mail_user *user, const char *fname,
			 const char *lock_fname,
			 lazy_expunge_rewrite_line_t *callback, void *context,
			 const char **error_r)
{
	struct rewrite rewrite = {
		.user = user,
		.path = lazy_expunge_place_path(user, fname),
		.callback = callback,
		.context = context,
	};
	struct file_lock *lock = NULL;
	int ret;

	if (rewrite.path == NULL || access(rewrite.path, F_OK) < 0)
		return 0;
	ret = lazy_expunge_place_lock(user, lock_fname,
				      REWRITE_LOCK_TIMEOUT_SECS, &lock,
				      error_r);
	if (ret <= 0) {
		*error_r = t_strdup_printf("Cannot lock %s: %s", rewrite.path,
			ret == 0 ? "another process has the lock" : *error_r);
		return -1;
	}
	ret = rewrite_locked(&rewrite, error_r);
	file_lock_free(&lock);
	return ret;
}
