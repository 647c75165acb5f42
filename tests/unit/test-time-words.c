/* Times as people say them. */

#include "unit.h"
#include "core/time-words.h"

#include <stdlib.h>
#include <time.h>

/* 2026-11-28 14:30:15 in Berlin, where it is 13:30:15 UTC */
#define NOW 1795872615
#define HOUR 3600
#define DAY (24 * HOUR)
/* 00:00 of that day in Berlin */
#define TODAY (NOW - 14 * HOUR - 30 * 60 - 15)

static const struct {
	const char *text;
	time_t first;
	/* seconds that it spans */
	long span;
} times[] = {
	/* the clock: the last time that it showed this */
	{ "08:00", TODAY + 8 * HOUR, 60 },
	{ "14:30", TODAY + 14 * HOUR + 30 * 60, 60 },
	{ "14:30:15", NOW, 1 },
	{ "14:30:16", NOW + 1 - DAY, 1 },
	{ "14:31", TODAY + 14 * HOUR + 31 * 60 - DAY, 60 },
	{ "23:59:59", TODAY - 1, 1 },
	{ "00:00", TODAY, 60 },
	{ "08:00Z", TODAY + 9 * HOUR, 60 },
	{ "08:00 +03:00", TODAY + 6 * HOUR, 60 },
	{ " 08:00 ", TODAY + 8 * HOUR, 60 },
	/* days */
	{ "today", TODAY, DAY },
	{ "Yesterday", TODAY - DAY, DAY },
	{ "today 08:00", TODAY + 8 * HOUR, 60 },
	{ "today 23:00", TODAY + 23 * HOUR, 60 },
	{ "yesterday 14:00:01", TODAY - DAY + 14 * HOUR + 1, 1 },
	{ "today UTC", TODAY + HOUR, DAY },
	{ "today +11:00", TODAY + 14 * HOUR, DAY },
	{ "2026-11-28", TODAY, DAY },
	{ "2024-02-29", 1709161200, DAY },
	{ "2026-11-28 14:00", TODAY + 14 * HOUR, 60 },
	{ "2026-11-28T14:00", TODAY + 14 * HOUR, 60 },
	{ "2026-11-28T14:00:05", TODAY + 14 * HOUR + 5, 1 },
	{ "2026-11-28T14:00:05Z", TODAY + 15 * HOUR + 5, 1 },
	{ "2026-11-28t14:00:05+0530", TODAY + 9 * HOUR + 1805, 1 },
	{ "2026-11-28 14:00 -08:00", TODAY + 23 * HOUR, 60 },
	{ "1970-01-02Z", DAY, DAY },
	/* the clocks go forward and back in Berlin */
	{ "2026-03-29", 1774738800, 23 * HOUR },
	{ "2026-10-25", 1792879200, 25 * HOUR },
	/* so long ago */
	{ "now", NOW, 1 },
	{ "0s", NOW, 1 },
	{ "2h", NOW - 2 * HOUR, 1 },
	{ "2 hours ago", NOW - 2 * HOUR, 1 },
	{ "90min", NOW - 90 * 60, 1 },
	{ "3 days", NOW - 3 * DAY, 1 },
	{ "1 Week", NOW - 7 * DAY, 1 },
	{ "30secs", NOW - 30, 1 },
	{ "@1764338400", 1764338400, 1 },
	{ "@0", 0, 1 },
};

START_TEST(time_is_read)
{
	const char *error = NULL;
	time_t first, last;

	ck_assert_msg(lazy_expunge_time_parse(times[_i].text, NOW, &first,
					      &last, &error) == 0,
		      "%s: %s", times[_i].text, error);
	ck_assert_msg(first == times[_i].first, "%s: %lld and not %lld",
		      times[_i].text, (long long)first,
		      (long long)times[_i].first);
	ck_assert_msg(last - first + 1 == times[_i].span,
		      "%s: spans %lld seconds", times[_i].text,
		      (long long)(last - first + 1));
}
END_TEST

static const char *const bad[] = {
	"", " ", "8:00", "24:00", "08:60", "08:00:60", "08", "0800",
	"tomorrow", "todays", "today08:00x", "yesterday noon",
	"2026-02-29", "2025-02-29", "2100-02-29", "2026-00-10", "2026-13-01",
	"2026-04-31", "2026-11-28 25:00", "28.11.2026", "1969-12-31",
	"2026-11-28 14:00 +15:00", "2026-11-28 14:00 CET", "08:00 +1",
	"2", "2 fortnights", "-2h", "2h 3h", "h", "2m",
	"99999999999999999999h", "9999999999w", "3000 weeks",
	"@", "@-1", "@1x", "@99999999999999", "nowadays",
};

START_TEST(time_is_refused)
{
	const char *error = NULL;
	time_t first, last;

	ck_assert_msg(lazy_expunge_time_parse(bad[_i], NOW, &first, &last,
					      &error) < 0, "%s", bad[_i]);
	unit_assert_names(error, bad[_i], "yesterday 14:00");
}
END_TEST

static void set_zone(void)
{
	/* Berlin, in words that need no database */
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
}

Suite *unit_suite(void)
{
	TCase *tcase;
	Suite *suite = unit_suite_create("time words", &tcase);

	tcase_add_checked_fixture(tcase, set_zone, NULL);
	tcase_add_loop_test(tcase, time_is_read, 0, N_ELEMENTS(times));
	tcase_add_loop_test(tcase, time_is_refused, 0, N_ELEMENTS(bad));
	return suite;
}
