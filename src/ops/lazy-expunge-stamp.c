/* Stamp file: written anew as a whole, so that a reader never sees half. */

#include "lib.h"
#include "istream.h"
#include "str.h"
#include "strnum.h"
#include "safe-mkstemp.h"
#include "write-full.h"
#include "mail-user.h"
#include "lazy-expunge-compat.h"
#include "lazy-expunge-stamp.h"

#include <stdio.h>
#include <fcntl.h>
#include <unistd.h>

#define STAMP_MAX_LINE 128

static const char *stamp_path(struct mail_user *user)
{
	const char *home;

	if (mail_user_get_home(user, &home) <= 0)
		return NULL;
	return t_strconcat(home, "/"LAZY_EXPUNGE_STAMP_FNAME, NULL);
}

static void stamp_parse_line(struct lazy_expunge_stamp *stamp, const char *line)
{
	const char *value = strchr(line, ' ');
	uint64_t num;

	/* names that a later version adds are left alone */
	if (value == NULL || str_to_uint64(value + 1, &num) < 0)
		return;
	if (str_begins_with(line, "time "))
		stamp->time = num;
	else if (str_begins_with(line, "expunged "))
		stamp->expunged = num;
	else if (str_begins_with(line, "bytes "))
		stamp->bytes = num;
	else if (str_begins_with(line, "failed "))
		stamp->failed = num;
}

int lazy_expunge_stamp_read(struct mail_user *user,
			    struct lazy_expunge_stamp *stamp_r,
			    const char **error_r)
{
	const char *path = stamp_path(user), *line;
	struct istream *input;
	int ret = 1;

	i_zero(stamp_r);
	if (path == NULL)
		return 0;
	input = i_stream_create_file(path, STAMP_MAX_LINE);
	while ((line = i_stream_read_next_line(input)) != NULL)
		stamp_parse_line(stamp_r, line);
	if (input->stream_errno == ENOENT)
		ret = 0;
	else if (input->stream_errno != 0) {
		*error_r = t_strdup_printf("read(%s) failed: %s", path,
					   i_stream_get_error(input));
		ret = -1;
	} else if (stamp_r->time == 0) {
		*error_r = t_strdup_printf("%s has no time in it", path);
		ret = -1;
	}
	i_stream_destroy(&input);
	return ret;
}

static int stamp_replace(const char *path, const char *text,
			 const char **error_r)
{
	string_t *temp_path = t_str_new(256);
	int fd;

	str_append(temp_path, path);
	fd = safe_mkstemp_hostpid(temp_path, 0600, (uid_t)-1, (gid_t)-1);
	if (fd == -1) {
		*error_r = t_strdup_printf("safe_mkstemp(%s) failed: %m",
					   str_c(temp_path));
		return -1;
	}
	if (write_full(fd, text, strlen(text)) < 0) {
		*error_r = t_strdup_printf("write(%s) failed: %m",
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

int lazy_expunge_stamp_write(struct mail_user *user,
			     const struct lazy_expunge_stamp *stamp,
			     const char **error_r)
{
	const char *path = stamp_path(user), *text;

	if (path == NULL)
		return 0;
	text = t_strdup_printf("time %"PRIu64"\nexpunged %"PRIu64"\n"
			       "bytes %"PRIu64"\nfailed %"PRIu64"\n",
			       (uint64_t)stamp->time, stamp->expunged,
			       stamp->bytes, stamp->failed);
	return stamp_replace(path, text, error_r);
}
