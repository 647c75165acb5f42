/* Unfinished erase: a file, replaced as a whole. A line has GUID, mailbox, UID and
   size, with tabs between them. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "istream.h"
#include "str.h"
#include "strescape.h"
#include "mail-user.h"
#include "account/files.h"
#include "erase/unfinished.h"

#include <fcntl.h>
#include <sys/stat.h>

#define UNFINISHED_FNAME "dovecot.lazy-expunge.erasing"
/* Whoever brings a mail back later, as from a backup, wants it. */
#define UNFINISHED_KEEP_SECS (30*24*3600)

static bool row_parse(const char *line, pool_t pool,
		      struct lazy_expunge_erase_row *row_r)
{
	const char *const *args = t_strsplit_tabescaped(line);

	i_zero(row_r);
	if (str_array_length(args) != 4 || *args[0] == '\0' ||
	    str_to_uint32(args[2], &row_r->uid) < 0 ||
	    str_to_uint64(args[3], &row_r->size) < 0)
		return FALSE;
	row_r->guid = p_strdup(pool, args[0]);
	row_r->mailbox = p_strdup(pool, args[1]);
	row_r->held = "";
	return TRUE;
}

static int unfinished_read_fd(int fd, const char *path, pool_t pool,
			      ARRAY_TYPE(lazy_expunge_erase_row) *rows,
			      const char **error_r)
{
	struct istream *input = i_stream_create_fd_autoclose(&fd, 4096);
	struct lazy_expunge_erase_row row;
	const char *line;
	int ret = 0;

	while ((line = i_stream_read_next_line(input)) != NULL) T_BEGIN {
		if (row_parse(line, pool, &row))
			array_push_back(rows, &row);
	} T_END;
	if (input->stream_errno != 0) {
		*error_r = t_strdup_printf("read(%s) failed: %s: what an erase "
			"that was cut off had begun is known in part: run it "
			"again with its query, when the file is removed", path,
			i_stream_get_error(input));
		ret = -1;
	}
	i_stream_destroy(&input);
	return ret;
}

static bool unfinished_is_over(const struct stat *st)
{
	return ioloop_time - st->st_mtime > UNFINISHED_KEEP_SECS;
}

int lazy_expunge_erase_unfinished_read(
	struct mail_user *user, pool_t pool,
	ARRAY_TYPE(lazy_expunge_erase_row) *rows, const char **error_r)
{
	const char *path = lazy_expunge_place_path(user, UNFINISHED_FNAME);
	struct stat st;
	int fd, ret;

	if (path == NULL)
		return 0;
	ret = lazy_expunge_place_open_stat(path, O_RDONLY, &fd, &st, error_r);
	if (ret <= 0)
		return ret;
	if (unfinished_is_over(&st)) {
		i_close_fd(&fd);
		return 0;
	}
	return unfinished_read_fd(fd, path, pool, rows, error_r);
}

int lazy_expunge_erase_unfinished_write(
	struct mail_user *user,
	const ARRAY_TYPE(lazy_expunge_erase_row) *rows, const char **error_r)
{
	const char *path = lazy_expunge_place_path(user, UNFINISHED_FNAME);
	const struct lazy_expunge_erase_row *row;
	string_t *text;

	if (path == NULL)
		return 0;
	text = t_str_new(1024);
	array_foreach(rows, row) {
		if (row->state == LAZY_EXPUNGE_ERASE_HELD)
			continue;
		str_append_tabescaped(text, row->guid);
		str_append_c(text, '\t');
		str_append_tabescaped(text, row->mailbox);
		str_printfa(text, "\t%u\t%"PRIu64"\n", row->uid, row->size);
	}
	return lazy_expunge_place_replace_durably(user, path, str_data(text),
						  str_len(text), error_r);
}

void lazy_expunge_erase_unfinished_remove(struct mail_user *user)
{
	const char *path = lazy_expunge_place_path(user, UNFINISHED_FNAME);

	if (path != NULL)
		i_unlink_if_exists(path);
}

time_t lazy_expunge_erase_unfinished_since(struct mail_user *user)
{
	const char *path = lazy_expunge_place_path(user, UNFINISHED_FNAME);
	struct stat st;

	if (path == NULL || lstat(path, &st) < 0 || unfinished_is_over(&st))
		return 0;
	return st.st_mtime;
}
