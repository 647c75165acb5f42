/* Times as people say them. */

#include "lib.h"
#include "core/time-words.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#define DAY_SECS (24 * 60 * 60)
/* nobody means a mail of that age */
#define AGO_MAX_SECS (100LL * 366 * DAY_SECS)

#define UNDERSTOOD \
	"08:00, today, yesterday, yesterday 14:00, 2026-11-28, " \
	"2026-11-28 14:00, 2026-11-28T14:00:00+01:00, 08:00 Europe/Berlin, " \
	"2h, 3 days, now"

/* where zones are by their names */
#define ZONES_DIR "/usr/share/zoneinfo"
#define ZONE_NAME_MAX 64

struct time_reader {
	/* what is not read yet */
	const char *p;
	time_t now;
	/* a zone was given, by its name or this far east of UTC; else it is the
	   process's */
	const char *zone_name;
	bool zoned;
	int zone_secs;
};

static void reader_skip_blanks(struct time_reader *reader)
{
	while (*reader->p == ' ')
		reader->p++;
}

/* A word of letters, taken if it is this one. */
static bool reader_take_word(struct time_reader *reader, const char *word)
{
	size_t len = strlen(word);

	if (strncasecmp(reader->p, word, len) != 0 ||
	    isalnum((unsigned char)reader->p[len]))
		return FALSE;
	reader->p += len;
	return TRUE;
}

/* A number of exactly so many digits, that is min to max. */
static bool reader_take_number(struct time_reader *reader, unsigned int digits,
			       int min, int max, int *value_r)
{
	int value = 0;

	for (unsigned int i = 0; i < digits; i++) {
		if (!isdigit((unsigned char)reader->p[i]))
			return FALSE;
		value = value * 10 + (reader->p[i] - '0');
	}
	if (value < min || value > max)
		return FALSE;
	reader->p += digits;
	*value_r = value;
	return TRUE;
}

static bool reader_take_char(struct time_reader *reader, char c)
{
	if (*reader->p != c)
		return FALSE;
	reader->p++;
	return TRUE;
}

/* Is it a file of tzfile(5)? What there is none of would be UTC. */
static bool is_zone_file(const char *path)
{
	char magic[4];
	int fd = open(path, O_RDONLY);
	bool ok;

	if (fd == -1)
		return FALSE;
	ok = read(fd, magic, sizeof(magic)) == sizeof(magic) &&
		memcmp(magic, "TZif", sizeof(magic)) == 0;
	i_close_fd(&fd);
	return ok;
}

/* Such as Europe/Berlin, if the system knows it. */
static bool reader_take_zone_name(struct time_reader *reader)
{
	const char *name = reader->p, *c, *dir = getenv("TZDIR");
	const size_t len = strlen(name);

	if (!isalpha((unsigned char)*name) || len > ZONE_NAME_MAX)
		return FALSE;
	for (c = name; *c != '\0'; c++) {
		/* nor any other path */
		if (!isalnum((unsigned char)*c) &&
		    (strchr("/_+-", *c) == NULL || (*c == '/' && c[1] == '/')))
			return FALSE;
	}
	if (!is_zone_file(t_strdup_printf("%s/%s", dir == NULL ? ZONES_DIR :
					  dir, name)))
		return FALSE;
	reader->zone_name = name;
	reader->p += len;
	return TRUE;
}

/* Z, or hours and perhaps minutes east (ISO 8601), or a name. Nothing there is no
   zone. */
static bool reader_take_zone(struct time_reader *reader)
{
	int sign, hours, minutes = 0;

	reader_skip_blanks(reader);
	if (*reader->p == '\0')
		return TRUE;
	if (reader_take_zone_name(reader))
		return TRUE;
	reader->zoned = TRUE;
	if (reader_take_word(reader, "Z") || reader_take_word(reader, "UTC"))
		return *reader->p == '\0';
	sign = *reader->p == '-' ? -1 : 1;
	if (!reader_take_char(reader, '+') && !reader_take_char(reader, '-'))
		return FALSE;
	if (!reader_take_number(reader, 2, 0, 14, &hours))
		return FALSE;
	if (*reader->p != '\0') {
		(void)reader_take_char(reader, ':');
		if (!reader_take_number(reader, 2, 0, 59, &minutes))
			return FALSE;
	}
	reader->zone_secs = sign * (hours * 60 + minutes) * 60;
	return *reader->p == '\0';
}

static void set_process_zone(const char *zone)
{
	if (zone != NULL)
		(void)setenv("TZ", zone, 1);
	else
		(void)unsetenv("TZ");
	tzset();
}

/* The zone by its name is the process's. Returns what that was. */
static const char *reader_zone_enter(const struct time_reader *reader)
{
	const char *before = t_strdup(getenv("TZ"));

	if (reader->zone_name != NULL)
		set_process_zone(t_strconcat(":", reader->zone_name, NULL));
	return before;
}

static void reader_zone_leave(const struct time_reader *reader,
			      const char *before)
{
	if (reader->zone_name != NULL)
		set_process_zone(before);
}

/* Of a time in the zone that is meant. */
static void reader_to_tm(const struct time_reader *reader, time_t when,
			 struct tm *tm_r)
{
	const char *before;

	if (reader->zoned) {
		when += reader->zone_secs;
		i_zero(tm_r);
		(void)gmtime_r(&when, tm_r);
		return;
	}
	before = reader_zone_enter(reader);
	(void)localtime_r(&when, tm_r);
	reader_zone_leave(reader, before);
}

static bool reader_from_tm(const struct time_reader *reader,
			   const struct tm *tm, time_t *time_r)
{
	struct tm copy = *tm;
	const char *before;

	copy.tm_isdst = -1;
	if (reader->zoned) {
		*time_r = timegm(&copy) - reader->zone_secs;
	} else {
		before = reader_zone_enter(reader);
		*time_r = mktime(&copy);
		reader_zone_leave(reader, before);
	}
	return *time_r != (time_t)-1;
}

/* An hour, of one digit or two. */
static bool reader_take_hour(struct time_reader *reader, int *hour_r)
{
	const unsigned int digits =
		isdigit((unsigned char)reader->p[0]) &&
		reader->p[1] == ':' ? 1 : 2;

	return reader_take_number(reader, digits, 0, 23, hour_r);
}

/* Parts of a second, which count for nothing. */
static bool reader_skip_fraction(struct time_reader *reader)
{
	if (*reader->p != '.' && *reader->p != ',')
		return TRUE;
	reader->p++;
	if (!isdigit((unsigned char)*reader->p))
		return FALSE;
	while (isdigit((unsigned char)*reader->p))
		reader->p++;
	return TRUE;
}

/* HH:MM or HH:MM:SS into tm; the span is a minute or a second. */
static bool reader_take_clock(struct time_reader *reader, struct tm *tm,
			      unsigned int *span_r)
{
	if (!reader_take_hour(reader, &tm->tm_hour) ||
	    !reader_take_char(reader, ':') ||
	    !reader_take_number(reader, 2, 0, 59, &tm->tm_min))
		return FALSE;
	*span_r = 60;
	tm->tm_sec = 0;
	if (reader_take_char(reader, ':')) {
		*span_r = 1;
		return reader_take_number(reader, 2, 0, 59, &tm->tm_sec) &&
			reader_skip_fraction(reader);
	}
	return TRUE;
}

static bool reader_take_date(struct time_reader *reader, struct tm *tm)
{
	static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30,
				    31 };
	int year, month, day;

	if (!reader_take_number(reader, 4, 1970, 9999, &year) ||
	    !reader_take_char(reader, '-') ||
	    !reader_take_number(reader, 2, 1, 12, &month) ||
	    !reader_take_char(reader, '-') ||
	    !reader_take_number(reader, 2, 1, days[month - 1], &day))
		return FALSE;
	if (month == 2 && day == 29 &&
	    (year % 4 != 0 || (year % 100 == 0 && year % 400 != 0)))
		return FALSE;
	tm->tm_year = year - 1900;
	tm->tm_mon = month - 1;
	tm->tm_mday = day;
	return TRUE;
}

/* What follows a day: nothing, or a clock time, and then a zone. */
static bool reader_take_rest_of_day(struct time_reader *reader, struct tm *tm,
				    unsigned int *span_r)
{
	struct time_reader before = *reader;

	if (!reader_take_char(reader, 'T') && !reader_take_char(reader, 't'))
		reader_skip_blanks(reader);
	if (reader_take_clock(reader, tm, span_r))
		return reader_take_zone(reader);
	*reader = before;
	*span_r = DAY_SECS;
	tm->tm_hour = tm->tm_min = tm->tm_sec = 0;
	return reader_take_zone(reader);
}

/* Day and clock become the span; the end of a day is the next one's begin, for
   days with a change of the clocks are longer or shorter. */
static bool reader_span(const struct time_reader *reader, struct tm *tm,
			unsigned int span, time_t *first_r, time_t *last_r)
{
	if (!reader_from_tm(reader, tm, first_r))
		return FALSE;
	if (span != DAY_SECS) {
		*last_r = *first_r + span - 1;
		return TRUE;
	}
	tm->tm_mday++;
	if (!reader_from_tm(reader, tm, last_r))
		return FALSE;
	(*last_r)--;
	return TRUE;
}

static bool read_day_word(struct time_reader *reader, time_t *first_r,
			  time_t *last_r)
{
	struct tm clock, tm;
	unsigned int span;
	int days_ago;

	if (reader_take_word(reader, "today"))
		days_ago = 0;
	else if (reader_take_word(reader, "yesterday"))
		days_ago = 1;
	else
		return FALSE;
	i_zero(&clock);
	if (!reader_take_rest_of_day(reader, &clock, &span))
		return FALSE;
	reader_to_tm(reader, reader->now, &tm);
	tm.tm_mday -= days_ago;
	tm.tm_hour = clock.tm_hour;
	tm.tm_min = clock.tm_min;
	tm.tm_sec = clock.tm_sec;
	return reader_span(reader, &tm, span, first_r, last_r);
}

static bool read_date(struct time_reader *reader, time_t *first_r,
		      time_t *last_r)
{
	struct tm tm;
	unsigned int span;

	i_zero(&tm);
	return reader_take_date(reader, &tm) &&
		reader_take_rest_of_day(reader, &tm, &span) &&
		reader_span(reader, &tm, span, first_r, last_r);
}

/* The last time that it was so late. */
static bool read_clock(struct time_reader *reader, time_t *first_r,
		       time_t *last_r)
{
	struct tm clock, tm;
	unsigned int span;

	i_zero(&clock);
	if (!reader_take_clock(reader, &clock, &span) ||
	    !reader_take_zone(reader))
		return FALSE;
	reader_to_tm(reader, reader->now, &tm);
	tm.tm_hour = clock.tm_hour;
	tm.tm_min = clock.tm_min;
	tm.tm_sec = clock.tm_sec;
	if (!reader_span(reader, &tm, span, first_r, last_r))
		return FALSE;
	if (*first_r <= reader->now)
		return TRUE;
	tm.tm_mday--;
	return reader_span(reader, &tm, span, first_r, last_r);
}

/* So long ago: a number and a unit, and nothing or "ago". */
static bool read_ago(struct time_reader *reader, time_t *first_r,
		     time_t *last_r)
{
	static const struct {
		const char *names;
		unsigned int secs;
	} units[] = {
		{ "s sec secs second seconds", 1 },
		{ "min mins minute minutes", 60 },
		{ "h hour hours", 60 * 60 },
		{ "d day days", DAY_SECS },
		{ "w week weeks", 7 * DAY_SECS },
	};
	const char *const *name, *error, *digits = reader->p;
	long long count, secs = 0;

	while (isdigit((unsigned char)*reader->p))
		reader->p++;
	if (reader->p == digits)
		return FALSE;
	count = strtonum(t_strdup_until(digits, reader->p), 0, AGO_MAX_SECS,
			 &error);
	if (error != NULL)
		return FALSE;
	reader_skip_blanks(reader);
	for (unsigned int i = 0; i < N_ELEMENTS(units) && secs == 0; i++) {
		name = t_strsplit(units[i].names, " ");
		for (; *name != NULL && secs == 0; name++) {
			if (reader_take_word(reader, *name))
				secs = units[i].secs;
		}
	}
	reader_skip_blanks(reader);
	(void)reader_take_word(reader, "ago");
	if (secs == 0 || *reader->p != '\0' || count > AGO_MAX_SECS / secs ||
	    count * secs > reader->now)
		return FALSE;
	*first_r = *last_r = reader->now - count * secs;
	return TRUE;
}

static bool read_timestamp(struct time_reader *reader, time_t *first_r,
			   time_t *last_r)
{
	const char *error;

	if (reader_take_word(reader, "now") && *reader->p == '\0') {
		*first_r = *last_r = reader->now;
		return TRUE;
	}
	if (!reader_take_char(reader, '@') ||
	    !isdigit((unsigned char)*reader->p))
		return FALSE;
	/* the year 9999 */
	*first_r = *last_r = strtonum(reader->p, 0, 253402300799LL, &error);
	return error == NULL;
}

int lazy_expunge_time_parse(const char *text, time_t now, time_t *first_r,
			    time_t *last_r, const char **error_r)
{
	static bool (*const forms[])(struct time_reader *reader,
				     time_t *first_r, time_t *last_r) = {
		read_day_word, read_date, read_clock, read_ago, read_timestamp
	};

	for (unsigned int i = 0; i < N_ELEMENTS(forms); i++) {
		struct time_reader reader = { .p = text, .now = now };

		reader_skip_blanks(&reader);
		if (forms[i](&reader, first_r, last_r))
			return 0;
	}
	*error_r = t_strdup_printf("%s is no time. Understood are: "UNDERSTOOD,
				   *text == '\0' ? "\"\"" : text);
	return -1;
}
