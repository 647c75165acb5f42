/* Stamp file: written anew as a whole each time. */

#include "lib.h"
#include "istream.h"
#include "strnum.h"
#include "mail-user.h"
#include "lazy-expunge-compat.h"
#include "lazy-expunge-place.h"
#include "lazy-expunge-stamp.h"

#define STAMP_MAX_LINE 128

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
	const char *path = lazy_expunge_place_path(user,
						   LAZY_EXPUNGE_STAMP_FNAME), *line;
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

int lazy_expunge_stamp_write(struct mail_user *user,
			     const struct lazy_expunge_stamp *stamp,
			     const char **error_r)
{
	const char *path = lazy_expunge_place_path(user,
						   LAZY_EXPUNGE_STAMP_FNAME), *text;

	if (path == NULL)
		return 0;
	text = t_strdup_printf("time %"PRIu64"\nexpunged %"PRIu64"\n"
			       "bytes %"PRIu64"\nfailed %"PRIu64"\n",
			       (uint64_t)stamp->time, stamp->expunged,
			       stamp->bytes, stamp->failed);
	return lazy_expunge_place_replace(user, path, text, strlen(text),
					  error_r);
}
