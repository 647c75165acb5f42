/* Text, sizes and times as they are shown. */

#include "unit.h"
#include "core/text.h"

#include <time.h>

static const struct {
	const char *text, *safe;
} texts[] = {
	{ "", "" },
	{ "plain text", "plain text" },
	{ "back\\slash \\n", "back\\slash \\n" },
	{ "Gr\xc3\xbc\xc3\x9f""e \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80",
	  "Gr\xc3\xbc\xc3\x9f""e \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80" },
	/* control characters */
	{ "a\nb\tc\rd", "a\\nb\\tc\\rd" },
	{ "\x1b[31mred", "\\033[31mred" },
	{ "\x07\x7f\x01", "\\a\\177\\001" },
	/* C1, of which U+009B begins a control sequence */
	{ "a\xc2\x9b""31m", "a\\u009B31m" },
	{ "\xc2\x80\xc2\x9f\xc2\xa0", "\\u0080\\u009F\xc2\xa0" },
	/* what changes how others are shown */
	{ "\xe2\x80\xae""exe.txt", "\\u202Eexe.txt" },
	{ "\xe2\x81\xa6\xe2\x81\xa9", "\\u2066\\u2069" },
	{ "\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029" },
	{ "\xef\xbb\xbf", "\\uFEFF" },
	{ "\xf3\xa0\x80\x81", "\\uE0001" },
	/* what words and emoji are written with: ZWNJ, ZWJ, LRM, RLM, ALM, SHY,
	   the tags of a flag */
	{ "\xda\xa9\xd8\xaa\xd8\xa7\xd8\xa8\xe2\x80\x8c\xd9\x87\xd8\xa7",
	  "\xda\xa9\xd8\xaa\xd8\xa7\xd8\xa8\xe2\x80\x8c\xd9\x87\xd8\xa7" },
	{ "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb",
	  "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb" },
	{ "\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c\xc2\xad",
	  "\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c\xc2\xad" },
	{ "\xf3\xa0\x81\xa7\xf3\xa0\x81\xbf", "\xf3\xa0\x81\xa7\xf3\xa0\x81\xbf" },
	{ "\xe2\x80\xa7\xe2\x80\xaf", "\xe2\x80\xa7\xe2\x80\xaf" },
	/* not UTF-8 */
	{ "\xff\xc3", "\\377\\303" },
	{ "\xc3(", "\\303(" },
	{ "\xc0\x80", "\\300\\200" },
};

START_TEST(text_is_safe)
{
	ck_assert_str_eq(lazy_expunge_text_safe(texts[_i].text),
			 texts[_i].safe);
}
END_TEST

static const struct {
	const char *text, *line, *valid;
} program_texts[] = {
	{ "", "", "" },
	{ "a\nb\tc", "a\\nb\\tc", "a\nb\tc" },
	{ "\x1b[31m", "\\033[31m", "\x1b[31m" },
	{ "a\xc2\x9b""31m", "a\\u009B31m", "a\xc2\x9b""31m" },
	{ "\xe2\x80\xae""exe", "\xe2\x80\xae""exe", "\xe2\x80\xae""exe" },
	{ "\xe2\x80\x8c\xef\xbb\xbf", "\xe2\x80\x8c\xef\xbb\xbf",
	  "\xe2\x80\x8c\xef\xbb\xbf" },
	{ "\xff\xc3", "\\377\\303", "\\377\\303" },
};

START_TEST(text_is_exact_for_programs)
{
	ck_assert_str_eq(lazy_expunge_text_line(program_texts[_i].text),
			 program_texts[_i].line);
	ck_assert_str_eq(lazy_expunge_text_valid(program_texts[_i].text),
			 program_texts[_i].valid);
}
END_TEST

static const struct {
	uint64_t bytes;
	const char *text;
} sizes[] = {
	{ 0, "0B" },
	{ 1, "1B" },
	{ 999, "999B" },
	{ 1000, "1.0K" },
	{ 1024, "1.0K" },
	{ 1229, "1.2K" },
	{ 10 * 1024 - 1, "10K" },
	{ 10 * 1024, "10K" },
	{ 1024 * 1024, "1.0M" },
	{ 35LL * 1024 * 1024, "35M" },
	{ 1LL << 40, "1.0T" },
	{ UINT64_MAX, "8.0E" },
};

START_TEST(size_is_human)
{
	ck_assert_str_eq(lazy_expunge_text_size(sizes[_i].bytes),
			 sizes[_i].text);
}
END_TEST

static const struct {
	time_t stamp;
	const char *zone, *human, *iso8601;
} times[] = {
	{ 0, "UTC", "", "" },
	{ -1, "UTC", "", "" },
	{ 1, "UTC", "1970-01-01 00:00:01", "1970-01-01T00:00:01+00:00" },
	{ 1672628645, "UTC", "2023-01-02 03:04:05",
	  "2023-01-02T03:04:05+00:00" },
	{ 1672628645, "IST-5:30", "2023-01-02 08:34:05",
	  "2023-01-02T08:34:05+05:30" },
	{ 1672628645, "NST3:30", "2023-01-01 23:34:05",
	  "2023-01-01T23:34:05-03:30" },
	{ 4294967296LL, "UTC", "2106-02-07 06:28:16",
	  "2106-02-07T06:28:16+00:00" },
};

START_TEST(time_is_local)
{
	ck_assert_int_eq(setenv("TZ", times[_i].zone, 1), 0);
	tzset();
	ck_assert_str_eq(lazy_expunge_text_time(times[_i].stamp),
			 times[_i].human);
	ck_assert_str_eq(lazy_expunge_text_iso8601(times[_i].stamp),
			 times[_i].iso8601);
}
END_TEST

static const struct {
	unsigned int secs;
	const char *text;
} intervals[] = {
	{ 0, "0 secs" },
	{ 1, "1 sec" },
	{ 59, "59 secs" },
	{ 60, "1 min" },
	{ 90, "90 secs" },
	{ 3600, "1 hour" },
	{ 86400, "1 day" },
	{ 30 * 86400, "30 days" },
	{ 7 * 86400, "1 week" },
	{ 14 * 86400, "2 weeks" },
};

static const struct {
	const char *name1, *name2;
	bool same;
} names[] = {
	{ "", "", TRUE },
	{ "Work", "Work", TRUE },
	{ "Work", "work", FALSE },
	/* composed and not */
	{ "\xc3\x9c""bung", "U\xcc\x88""bung", TRUE },
	{ "m\xc3\xbc""d", "mu\xcc\x88""d", TRUE },
	{ "a/\xc3\xa9/\xc3\xa9", "a/e\xcc\x81/\xc3\xa9", TRUE },
	{ "\xed\x95\x9c", "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", TRUE },
	/* another case, or another letter */
	{ "\xc3\x9c""bung", "u\xcc\x88""bung", FALSE },
	{ "\xc3\xbc""bung", "U\xcc\x88""bung", FALSE },
	{ "\xc3\x9c""bung", "Ubung", FALSE },
	{ "\xc3\x9c""bung", "U\xcc\x81""bung", FALSE },
	{ "\xd0\x90", "A", FALSE },
	/* not UTF-8 */
	{ "\xff", "\xff", TRUE },
	{ "\xff", "\xfe", FALSE },
};

START_TEST(name_is_the_same)
{
	ck_assert_msg(lazy_expunge_text_is_same_name(names[_i].name1,
			names[_i].name2) == names[_i].same, "%s and %s",
		      names[_i].name1, names[_i].name2);
	ck_assert(lazy_expunge_text_is_same_name(names[_i].name2,
			names[_i].name1) == names[_i].same);
}
END_TEST

START_TEST(interval_is_in_its_largest_unit)
{
	ck_assert_str_eq(lazy_expunge_text_interval(intervals[_i].secs),
			 intervals[_i].text);
}
END_TEST

Suite *unit_suite(void)
{
	TCase *tcase;
	Suite *suite = unit_suite_create("text", &tcase);

	tcase_add_loop_test(tcase, text_is_safe, 0, N_ELEMENTS(texts));
	tcase_add_loop_test(tcase, text_is_exact_for_programs,
			    0, N_ELEMENTS(program_texts));
	tcase_add_loop_test(tcase, size_is_human, 0, N_ELEMENTS(sizes));
	tcase_add_loop_test(tcase, name_is_the_same, 0, N_ELEMENTS(names));
	tcase_add_loop_test(tcase, time_is_local, 0, N_ELEMENTS(times));
	tcase_add_loop_test(tcase, interval_is_in_its_largest_unit,
			    0, N_ELEMENTS(intervals));
	return suite;
}
