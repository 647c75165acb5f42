/* See the header. */

#include "lib.h"
#include "crc32.h"
#include "str.h"
#include "strnum.h"
#include "core/stamp-lines.h"

#define STAMP_TIME "time "
#define STAMP_TIME_DIGITS 10
#define STAMP_IDLE "looked "
#define STAMP_LOOKUP "lookup "
#define STAMP_ROW "row "
#define STAMP_SUM "sum "

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
	stamp->lookup = cut_line(&text, STAMP_LOOKUP);
	stamp->row = cut_line(&text, STAMP_ROW);
	stamp->watch = text;
}

void lazy_expunge_stamp_parse(const char *text,
			      struct lazy_expunge_stamp *stamp_r)
{
	const char *line, *end;

	i_zero(stamp_r);
	while ((end = strchr(text, '\n')) != NULL) {
		if (strncmp(text, STAMP_IDLE, strlen(STAMP_IDLE)) == 0) {
			stamp_parse_idle(stamp_r, text);
			break;
		}
		line = t_strdup_until(text, end);
		stamp_parse_line(stamp_r, line);
		text = end + 1;
	}
}

/* Nothing if there is no value. */
static const char *optional_line(const char *name, const char *value)
{
	return value == NULL ? "" : t_strconcat(name, value, "\n", NULL);
}

const char *lazy_expunge_stamp_time_digits(time_t time)
{
	return t_strdup_printf("%0*"PRIu64, STAMP_TIME_DIGITS, (uint64_t)time);
}

void lazy_expunge_stamp_append(string_t *dest,
			       const struct lazy_expunge_stamp *stamp)
{
	const char *idle;

	str_printfa(dest, STAMP_TIME"%s\nexpunged %"PRIu64"\n"
		    "bytes %"PRIu64"\nfailed %"PRIu64"\n",
		    lazy_expunge_stamp_time_digits(stamp->time),
		    stamp->expunged, stamp->bytes, stamp->failed);
	if (stamp->next == 0)
		return;
	idle = t_strdup_printf(STAMP_IDLE"%s\nnext %s\nsettings %s\n%s%s%s",
			       lazy_expunge_stamp_time_digits(stamp->looked),
			       lazy_expunge_stamp_time_digits(stamp->next),
			       stamp->settings,
			       optional_line(STAMP_LOOKUP, stamp->lookup),
			       optional_line(STAMP_ROW, stamp->row),
			       stamp->watch);
	str_append(dest, idle);
	str_append(dest, stamp_sum(idle));
}
