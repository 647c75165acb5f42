/* Times as people say them. */

#include "unit.h"
#include "core/time-words.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* in words that need no database */
#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"

/* 2026-11-28 14:30:15 in Berlin, where it is 13:30:15 UTC */
#define NOW 1795872615
#define HOUR 3600
#define DAY (24 * HOUR)
/* 00:00 of that day in Berlin */
#define TODAY (NOW - 14 * HOUR - 30 * 60 - 15)

/* a database of zones */
static char zones_dir[] = "time-words-zones-XXXXXX";

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
	{ "8:00", TODAY + 8 * HOUR, 60 },
	{ "8:00 +03", TODAY + 6 * HOUR, 60 },
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
	{ "2026-11-28 9:05", TODAY + 9 * HOUR + 5 * 60, 60 },
	{ "2026-11-28T14:00:05.250Z", TODAY + 15 * HOUR + 5, 1 },
	{ "2026-11-28T14:00:05,9-08", TODAY + 23 * HOUR + 5, 1 },
	/* by its name */
	{ "14:30 Test/Kolkata", TODAY + 10 * HOUR, 60 },
	{ "14:30 India", TODAY + 10 * HOUR, 60 },
	{ "2026-11-28 Test/Kolkata", TODAY - 4 * HOUR - 1800, DAY },
	{ "today Test/Kolkata", TODAY - 4 * HOUR - 1800, DAY },
	{ "2026-11-28T14:00:05 Test/Kolkata", TODAY + 9 * HOUR + 1805, 1 },
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
	/* the process's zone is what it was */
	ck_assert_str_eq(getenv("TZ"), BERLIN);
	ck_assert_int_eq(timezone, -HOUR);
}
END_TEST

static const char *const bad[] = {
	"", " ", "008:00", "8:0", ":00", "24:00", "08:60", "08:00:60", "08", "0800",
	"tomorrow", "todays", "today08:00x", "yesterday noon",
	"2026-02-29", "2025-02-29", "2100-02-29", "2026-00-10", "2026-13-01",
	"2026-04-31", "2026-11-28 25:00", "28.11.2026", "1969-12-31",
	"2026-11-28T14:00:05.Z", "2026-11-28T14:00.5Z",
	"14:00 Test/Nowhere", "14:00 Test", "14:00 Kolkata", "14:00 noZone", "14:00 ../Test/Kolkata",
	"14:00 /Test/Kolkata", "14:00 Test//Kolkata", "14:00 Test/",
	"14:00 Test/Kolkata x", "14:00 Test/../Test/Kolkata",
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
	setenv("TZ", BERLIN, 1);
	tzset();
}

/* One zone, whose last line says all. */
static void make_zones(void)
{
	static const unsigned char part[44 + 6 + 4] = {
		'T', 'Z', 'i', 'f', '2',
		/* one type of time, with four letters */
		[39] = 1, [43] = 4,
		/* 5:30 in seconds */
		[46] = 0x4d, [47] = 0x58,
		[50] = 'I', [51] = 'S', [52] = 'T',
	};
	FILE *file;

	ck_assert_ptr_nonnull(mkdtemp(zones_dir));
	ck_assert_int_eq(setenv("TZDIR", zones_dir, 1), 0);
	ck_assert_int_eq(mkdir(t_strdup_printf("%s/Test", zones_dir), 0700), 0);
	file = fopen(t_strdup_printf("%s/Test/Kolkata", zones_dir), "w");
	ck_assert_ptr_nonnull(file);
	/* in the old format and in the new one */
	ck_assert_uint_eq(fwrite(part, sizeof(part), 1, file), 1);
	ck_assert_uint_eq(fwrite(part, sizeof(part), 1, file), 1);
	ck_assert_int_ge(fputs("\nIST-5:30\n", file), 0);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(symlink("Test/Kolkata",
				 t_strdup_printf("%s/India", zones_dir)), 0);
	/* as the leap seconds that lie there, too */
	file = fopen(t_strdup_printf("%s/noZone", zones_dir), "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs("Leap 1972 Jun 30\n", file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void remove_zones(void)
{
	ck_assert_int_eq(unlink(t_strdup_printf("%s/Test/Kolkata",
						zones_dir)), 0);
	ck_assert_int_eq(unlink(t_strdup_printf("%s/India", zones_dir)), 0);
	ck_assert_int_eq(unlink(t_strdup_printf("%s/noZone", zones_dir)), 0);
	ck_assert_int_eq(rmdir(t_strdup_printf("%s/Test", zones_dir)), 0);
	ck_assert_int_eq(rmdir(zones_dir), 0);
}

Suite *unit_suite(void)
{
	TCase *tcase;
	Suite *suite = unit_suite_create("time words", &tcase);

	tcase_add_unchecked_fixture(tcase, make_zones, remove_zones);
	tcase_add_checked_fixture(tcase, set_zone, NULL);
	tcase_add_loop_test(tcase, time_is_read, 0, N_ELEMENTS(times));
	tcase_add_loop_test(tcase, time_is_refused, 0, N_ELEMENTS(bad));
	return suite;
}
