/* Stamp file. A new one is renamed into its place, so that a reader never sees
   half. Where only digits change they are written over: creating a file for
   each user is dear. A check sum tells a reader who comes in between. */

#include "lib.h"
#include "crc32.h"
#include "str.h"
#include "strnum.h"
#include "read-full.h"
#include "mail-user.h"
#include "account/files.h"
#include "retention/stamp.h"

#include <fcntl.h>
#include <unistd.h>
#include <sys/stat.h>

/* what maintenance of a user with very many mailboxes may write */
#define STAMP_MAX_SIZE (128 * 1024)
#define STAMP_TIME "time "
#define STAMP_TIME_DIGITS 10
#define STAMP_IDLE "looked "
#define STAMP_SUM "sum "

static const char *stamp_path(struct mail_user *user)
{
	return lazy_expunge_place_path(user, LAZY_EXPUNGE_STAMP_FNAME);
}

static const char *stamp_sum(const char *text)
{
	return t_strdup_printf(STAMP_SUM"%08x\n", (unsigned int)crc32_str(text));
}

/* Returns TRUE and the value if the line has this name. */
static bool line_get_num(const char *line, const char *name, uint64_t *value)
{
	size_t len = strlen(name);
	uint64_t num;

	if (strncmp(line, name, len) != 0 || line[len] != ' ' ||
	    str_to_uint64(line + len + 1, &num) < 0)
		return FALSE;
	*value = num;
	return TRUE;
}

static void stamp_parse_line(struct lazy_expunge_stamp *stamp, const char *line)
{
	uint64_t num;

	/* names that a later version adds are left alone */
	if (line_get_num(line, "time", &num))
		stamp->time = num;
	else if (line_get_num(line, "expunged", &num))
		stamp->expunged = num;
	else if (line_get_num(line, "bytes", &num))
		stamp->bytes = num;
	else if (line_get_num(line, "failed", &num))
		stamp->failed = num;
}

/* Cut off a line of this name. Returns its value, NULL if it is another. */
static const char *cut_line(const char **text, const char *name)
{
	const char *start, *end = strchr(*text, '\n');
	size_t len = strlen(name);

	if (end == NULL || strncmp(*text, name, len) != 0)
		return NULL;
	start = *text + len;
	*text = end + 1;
	return t_strdup_until(start, end);
}

static void stamp_parse_idle(struct lazy_expunge_stamp *stamp, const char *text)
{
	const char *sum, *looked, *next, *settings;
	uint64_t looked_num, next_num;

	sum = strstr(text, "\n"STAMP_SUM);
	if (sum == NULL)
		return;
	text = t_strdup_until(text, sum + 1);
	if (strcmp(stamp_sum(text), sum + 1) != 0)
		return;
	looked = cut_line(&text, STAMP_IDLE);
	next = cut_line(&text, "next ");
	settings = cut_line(&text, "settings ");
	if (looked == NULL || next == NULL || settings == NULL ||
	    str_to_uint64(looked, &looked_num) < 0 ||
	    str_to_uint64(next, &next_num) < 0)
		return;
	stamp->looked = looked_num;
	stamp->next = next_num;
	stamp->settings = settings;
	stamp->watch = text;
}

static void stamp_parse(struct lazy_expunge_stamp *stamp, const char *text)
{
	const char *line, *end;

	while ((end = strchr(text, '\n')) != NULL) {
		if (strncmp(text, STAMP_IDLE, strlen(STAMP_IDLE)) == 0) {
			stamp_parse_idle(stamp, text);
			break;
		}
		line = t_strdup_until(text, end);
		stamp_parse_line(stamp, line);
		text = end + 1;
	}
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

int lazy_expunge_stamp_read(struct mail_user *user,
			    struct lazy_expunge_stamp *stamp_r,
			    const char **error_r)
{
	const char *path = stamp_path(user), *text;
	int ret;

	i_zero(stamp_r);
	if (path == NULL)
		return 0;
	ret = stamp_read_file(path, &text, error_r);
	if (ret <= 0)
		return ret;
	stamp_parse(stamp_r, text);
	if (stamp_r->time == 0) {
		*error_r = t_strdup_printf("%s has no time in it", path);
		return -1;
	}
	return 1;
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
	const char *path = stamp_path(user), *idle;
	string_t *text;
	int ret;

	if (path == NULL)
		return 0;
	text = t_str_new(1024);
	str_printfa(text, STAMP_TIME"%010"PRIu64"\nexpunged %"PRIu64"\n"
		    "bytes %"PRIu64"\nfailed %"PRIu64"\n",
		    (uint64_t)stamp->time, stamp->expunged, stamp->bytes,
		    stamp->failed);
	if (stamp->next != 0) {
		idle = t_strdup_printf(STAMP_IDLE"%010"PRIu64"\n"
				       "next %010"PRIu64"\nsettings %s\n%s",
				       (uint64_t)stamp->looked,
				       (uint64_t)stamp->next, stamp->settings,
				       stamp->watch);
		str_append(text, idle);
		str_append(text, stamp_sum(idle));
	}
	ret = stamp_overwrite(path, str_c(text), error_r);
	if (ret != 0)
		return ret < 0 ? -1 : 0;
	if (!has_directory(path))
		return 0;
	return lazy_expunge_place_replace(user, path, str_data(text),
					  str_len(text), error_r);
}

int lazy_expunge_stamp_touch(struct mail_user *user, time_t now,
			     const char **error_r)
{
	const char *path = stamp_path(user), *digits;
	int fd, ret;

	if (path == NULL)
		return 0;
	ret = lazy_expunge_place_open(path, O_WRONLY, &fd, error_r);
	if (ret <= 0) {
		if (ret == 0)
			*error_r = t_strdup_printf("%s is gone", path);
		return -1;
	}
	digits = t_strdup_printf("%0*"PRIu64, STAMP_TIME_DIGITS, (uint64_t)now);
	if (pwrite(fd, digits, STAMP_TIME_DIGITS, strlen(STAMP_TIME)) < 0) {
		*error_r = t_strdup_printf("pwrite(%s) failed: %m", path);
		ret = -1;
	}
	i_close_fd(&fd);
	return ret < 0 ? -1 : 0;
}
