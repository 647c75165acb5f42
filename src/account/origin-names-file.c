/* The file of the names of origins, see the header. */

#include "lib.h"
#include "buffer.h"
#include "istream.h"
#include "str.h"
#include "strescape.h"
#include "strnum.h"
#include "unichar.h"
#include "write-full.h"
#include "account/files.h"
#include "account/origin-names-file.h"

#include <fcntl.h>
#include <unistd.h>

/* Names have 4096 bytes at most (MAILBOX_LIST_NAME_MAX_LENGTH), and escapes
   double them; then a tab and a time. */
#define NAMES_MAX_LINE (2 * 4096 + 32)
/* How often the file may be written anew while a name is added to it. */
#define NAMES_ADD_TRIES 5

bool lazy_expunge_origin_names_file_is(struct mail_user *user,
				       const struct stat *st)
{
	const char *path = lazy_expunge_place_path(user,
					LAZY_EXPUNGE_ORIGIN_NAMES_FNAME);
	struct stat now;

	return path != NULL && stat(path, &now) == 0 &&
		now.st_ino == st->st_ino && CMP_DEV_T(now.st_dev, st->st_dev);
}

int lazy_expunge_origin_names_file_open(
			struct mail_user *user, int flags,
			struct lazy_expunge_origin_names_file *file_r,
			const char **error_r)
{
	int ret;

	i_zero(file_r);
	file_r->user = user;
	file_r->path = lazy_expunge_place_path(user,
					LAZY_EXPUNGE_ORIGIN_NAMES_FNAME);
	if (file_r->path == NULL) {
		*error_r = "The user has no place for it";
		return (flags & O_CREAT) != 0 ? -1 : 0;
	}
	ret = lazy_expunge_place_open(file_r->path, flags, &file_r->fd,
				      error_r);
	if (ret > 0 && fstat(file_r->fd, &file_r->st) < 0) {
		*error_r = t_strdup_printf("fstat(%s) failed: %m",
					   file_r->path);
		i_close_fd(&file_r->fd);
		return -1;
	}
	if (ret == 0 && (flags & O_CREAT) != 0) {
		*error_r = t_strdup_printf("%s cannot be made: its directory "
					   "is gone", file_r->path);
		return -1;
	}
	return ret;
}

void lazy_expunge_origin_names_file_close(
			struct lazy_expunge_origin_names_file *file)
{
	i_close_fd(&file->fd);
}

static void names_line_parse(const char *line,
			     lazy_expunge_origin_names_line_t *callback,
			     void *context)
{
	const char *tab = strchr(line, '\t');
	intmax_t since = 0;

	if (tab != NULL) {
		if (str_to_intmax(tab + 1, &since) < 0)
			since = 0;
		line = t_strdup_until(line, tab);
	}
	line = t_str_tabunescape(line);
	/* what is no UTF-8 is no mailbox's name */
	if (*line != '\0' && uni_utf8_str_is_valid(line))
		callback(line, since, context);
}

int lazy_expunge_origin_names_file_read(
			struct lazy_expunge_origin_names_file *file,
			uoff_t *offset,
			lazy_expunge_origin_names_line_t *callback,
			void *context, const char **error_r)
{
	struct istream *input;
	const char *line;
	int ret = 0;

	input = i_stream_create_fd(file->fd, NAMES_MAX_LINE);
	i_stream_seek(input, *offset);
	while ((line = i_stream_read_next_line(input)) != NULL) T_BEGIN {
		names_line_parse(line, callback, context);
		*offset = input->v_offset;
	} T_END;
	if (input->stream_errno != 0) {
		*error_r = t_strdup_printf("read(%s) failed: %s", file->path,
					   i_stream_get_error(input));
		ret = -1;
	}
	i_stream_destroy(&input);
	return ret;
}

/* What the file has from offset on. It may grow meanwhile. */
static int names_file_get(struct lazy_expunge_origin_names_file *file,
			  uoff_t offset, buffer_t *data, const char **error_r)
{
	unsigned char *space;
	size_t want;
	ssize_t ret;

	while (data->used < LAZY_EXPUNGE_ORIGIN_NAMES_MAX_SIZE) {
		want = file->st.st_size > (off_t)(offset + data->used) ?
			file->st.st_size - offset - data->used + 1 : 4096;
		space = buffer_append_space_unsafe(data, want);
		ret = pread(file->fd, space, want,
			    offset + data->used - want);
		if (ret < 0) {
			*error_r = t_strdup_printf("pread(%s) failed: %m",
						   file->path);
			return -1;
		}
		buffer_set_used_size(data, data->used - want + ret);
		if (ret == 0)
			break;
	}
	return 0;
}

void lazy_expunge_origin_names_line_append(string_t *str, const char *vname,
					   time_t since)
{
	str_append_tabescaped(str, vname);
	if (since != 0)
		str_printfa(str, "\t%"PRIdTIME_T, since);
	str_append_c(str, '\n');
}

static bool names_have_line(const buffer_t *data, const string_t *line)
{
	const char *p = data->data, *end = p + data->used, *next;

	for (; p < end; p = next) {
		next = memchr(p, '\n', end - p);
		if (next == NULL)
			break;
		next++;
		if ((size_t)(next - p) == str_len(line) &&
		    memcmp(p, str_data(line), str_len(line)) == 0)
			return TRUE;
	}
	return FALSE;
}

/* Returns 1 if the file has the name now, 0 if it is full, -1 and the error. */
static int names_add(struct lazy_expunge_origin_names_file *file,
		     const string_t *line, const char **error_r)
{
	buffer_t *data = t_buffer_create(file->st.st_size + 2);
	string_t *added = t_str_new(str_len(line) + 1);

	if (names_file_get(file, 0, data, error_r) < 0)
		return -1;
	if (names_have_line(data, line))
		return 1;
	if (data->used >= LAZY_EXPUNGE_ORIGIN_NAMES_MAX_SIZE)
		return 0;
	/* a line that was cut off must not take this one with it */
	if (data->used > 0 &&
	    ((const char *)data->data)[data->used - 1] != '\n')
		str_append_c(added, '\n');
	str_append_str(added, line);
	/* two who add the same name at once do no harm */
	if (write_full(file->fd, str_data(added), str_len(added)) < 0) {
		*error_r = t_strdup_printf("write(%s) failed: %m", file->path);
		return -1;
	}
	/* else the file may have been replaced before it was written to */
	return lazy_expunge_origin_names_file_is(file->user, &file->st) ?
		1 : 2;
}

int lazy_expunge_origin_names_file_add(struct mail_user *user,
				       const char *vname, struct stat *st_r,
				       const char **error_r)
{
	struct lazy_expunge_origin_names_file file;
	string_t *line = t_str_new(128);
	int ret = 2;

	lazy_expunge_origin_names_line_append(line, vname, 0);
	for (unsigned int i = 0; i < NAMES_ADD_TRIES && ret == 2; i++) {
		if (lazy_expunge_origin_names_file_open(user,
				O_RDWR | O_CREAT | O_APPEND, &file,
				error_r) < 0)
			return -1;
		ret = names_add(&file, line, error_r);
		*st_r = file.st;
		lazy_expunge_origin_names_file_close(&file);
	}
	return ret < 0 ? -1 : (ret == 0 ? 0 : 1);
}

/* Lines that came into the old file after it was read. */
static int names_take_along(struct lazy_expunge_origin_names_file *file,
			    uoff_t offset, const char **error_r)
{
	struct lazy_expunge_origin_names_file new_file;
	buffer_t *data = t_buffer_create(1024);
	int ret = 0;

	if (names_file_get(file, offset, data, error_r) < 0)
		return -1;
	if (data->used == 0)
		return 0;
	if (lazy_expunge_origin_names_file_open(file->user,
				O_RDWR | O_CREAT | O_APPEND, &new_file,
				error_r) < 0)
		return -1;
	if (write_full(new_file.fd, data->data, data->used) < 0) {
		*error_r = t_strdup_printf("write(%s) failed: %m", file->path);
		ret = -1;
	}
	lazy_expunge_origin_names_file_close(&new_file);
	return ret;
}

int lazy_expunge_origin_names_file_replace(
			struct lazy_expunge_origin_names_file *file,
			const string_t *lines, uoff_t offset,
			const char **error_r)
{
	if (lazy_expunge_place_replace(file->user, file->path, str_data(lines),
				       str_len(lines), error_r) < 0)
		return -1;
	return names_take_along(file, offset, error_r);
}
