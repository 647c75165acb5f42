/* Stamps: what is written is read again, and what is not whole is not believed. */

#include "unit.h"
#include "str.h"
#include "core/stamp-lines.h"

static const struct lazy_expunge_stamp full = {
	.time = 1764374400, .expunged = 812, .bytes = 123456789012ULL,
	.failed = 3, .looked = 1764374399, .next = 1764460800,
	.settings = "a b\tc", .lookup = "0123abcd", .row = "1 2 3", .watch = "1 2 3 /a\n4 5 6 /b c\n",
};

static const char *stamp_text(const struct lazy_expunge_stamp *stamp)
{
	string_t *text = t_str_new(256);

	lazy_expunge_stamp_append(text, stamp);
	return str_c(text);
}

START_TEST(a_stamp_is_read_as_it_was_written)
{
	struct lazy_expunge_stamp out;

	lazy_expunge_stamp_parse(stamp_text(&full), &out);
	ck_assert_int_eq(out.time, full.time);
	ck_assert_uint_eq(out.expunged, full.expunged);
	ck_assert_uint_eq(out.bytes, full.bytes);
	ck_assert_uint_eq(out.failed, full.failed);
	ck_assert_int_eq(out.looked, full.looked);
	ck_assert_int_eq(out.next, full.next);
	ck_assert_str_eq(out.settings, full.settings);
	ck_assert_str_eq(out.lookup, full.lookup);
	ck_assert_str_eq(out.row, full.row);
	ck_assert_str_eq(out.watch, full.watch);
}
END_TEST

START_TEST(a_stamp_without_a_lookup_or_a_row)
{
	struct lazy_expunge_stamp stamp = full, out;

	stamp.lookup = NULL;
	lazy_expunge_stamp_parse(stamp_text(&stamp), &out);
	ck_assert_ptr_null(out.lookup);
	ck_assert_str_eq(out.row, full.row);
	ck_assert_str_eq(out.watch, full.watch);
	stamp.lookup = full.lookup;
	stamp.row = NULL;
	lazy_expunge_stamp_parse(stamp_text(&stamp), &out);
	ck_assert_str_eq(out.lookup, full.lookup);
	ck_assert_ptr_null(out.row);
	ck_assert_str_eq(out.watch, full.watch);
}
END_TEST

START_TEST(monitoring_reads_lines)
{
	struct lazy_expunge_stamp stamp = full;

	stamp.next = 0;
	ck_assert_str_eq(stamp_text(&stamp),
			 "time 1764374400\nexpunged 812\n"
			 "bytes 123456789012\nfailed 3\n");
	stamp.time = 7;
	ck_assert(strncmp(stamp_text(&stamp), "time 0000000007\n", 16) == 0);
}
END_TEST

START_TEST(the_time_alone_can_be_written_over)
{
	string_t *text = t_str_new(256);
	const char *digits = lazy_expunge_stamp_time_digits(42);
	struct lazy_expunge_stamp out;

	lazy_expunge_stamp_append(text, &full);
	buffer_write(text, LAZY_EXPUNGE_STAMP_TIME_OFFSET, digits,
		     strlen(digits));
	lazy_expunge_stamp_parse(str_c(text), &out);
	ck_assert_int_eq(out.time, 42);
	ck_assert_uint_eq(out.expunged, full.expunged);
	ck_assert_str_eq(out.watch, full.watch);
}
END_TEST

static const struct {
	const char *text;
	time_t time;
	uint64_t failed;
} foreign[] = {
	{ "", 0, 0 },
	{ "time", 0, 0 },
	{ "time 5", 0, 0 },
	{ "time 5\n", 5, 0 },
	{ "time -5\n", 0, 0 },
	{ "time 5x\nfailed 2\n", 0, 2 },
	{ "timely 5\n", 0, 0 },
	{ "later 9\ntime 5\nfailed 2\nmore\n", 5, 2 },
	{ "time 99999999999999999999\n", 0, 0 },
	{ "\377\n\ntime 5\n", 5, 0 },
};

START_TEST(what_is_no_line_is_passed_over)
{
	struct lazy_expunge_stamp out;

	lazy_expunge_stamp_parse(foreign[_i].text, &out);
	ck_assert_int_eq(out.time, foreign[_i].time);
	ck_assert_uint_eq(out.failed, foreign[_i].failed);
	ck_assert_int_eq(out.next, 0);
	ck_assert(out.settings == NULL && out.watch == NULL);
}
END_TEST

/* Each byte after the first part: gone, or another. */
START_TEST(what_is_not_whole_is_not_believed)
{
	struct lazy_expunge_stamp stamp = full, out;
	const char *text = stamp_text(&full);
	size_t first, len = strlen(text);
	char *changed;

	stamp.next = 0;
	first = strlen(stamp_text(&stamp));
	for (size_t i = first; i + 1 < len; i++) T_BEGIN {
		lazy_expunge_stamp_parse(t_strndup(text, i), &out);
		ck_assert_msg(out.next == 0 && out.watch == NULL,
			      "cut after %zu", i);
		changed = t_strdup_noconst(text);
		changed[i] = changed[i] == '7' ? '8' : '7';
		lazy_expunge_stamp_parse(changed, &out);
		ck_assert_msg(out.next == 0 && out.watch == NULL,
			      "changed at %zu", i);
		ck_assert_int_eq(out.time, full.time);
	} T_END;
}
END_TEST

Suite *unit_suite(void)
{
	TCase *tcase;
	Suite *suite = unit_suite_create("stamp-lines", &tcase);

	tcase_add_test(tcase, a_stamp_is_read_as_it_was_written);
	tcase_add_test(tcase, a_stamp_without_a_lookup_or_a_row);
	tcase_add_test(tcase, monitoring_reads_lines);
	tcase_add_test(tcase, the_time_alone_can_be_written_over);
	tcase_add_loop_test(tcase, what_is_no_line_is_passed_over,
			    0, N_ELEMENTS(foreign));
	tcase_add_test(tcase, what_is_not_whole_is_not_believed);
	return suite;
}
