/* Rows of the catalog: what is written is read again, when a user is to be visited,
   and what a week costs. */

#include "unit.h"
#include "core/catalog-row.h"

#define DAY (24 * 60 * 60)

static const struct lazy_expunge_catalog_row full = {
	.due = 1764460800, .messages = 3, .bytes = 123456789012ULL,
	.oldest = 1764374400, .newest = 1764374460, .held = 2, .holds = 4,
	.maintained = 1764374500, .failed = 1, .server = "mail.example",
};

static void row_check(const struct lazy_expunge_catalog_row *row)
{
	ck_assert_int_eq(row->due, full.due);
	ck_assert_uint_eq(row->messages, full.messages);
	ck_assert_uint_eq(row->bytes, full.bytes);
	ck_assert_int_eq(row->oldest, full.oldest);
	ck_assert_int_eq(row->newest, full.newest);
	ck_assert_uint_eq(row->held, full.held);
	ck_assert_uint_eq(row->holds, full.holds);
	ck_assert_int_eq(row->maintained, full.maintained);
	ck_assert_uint_eq(row->failed, full.failed);
}

START_TEST(a_row_is_read_as_it_was_written)
{
	const char *values[LAZY_EXPUNGE_CATALOG_FIELDS + 1];
	struct lazy_expunge_catalog_row row;
	unsigned int i;

	for (i = 0; i < LAZY_EXPUNGE_CATALOG_FIELDS; i++)
		values[i] = lazy_expunge_catalog_row_get(&full, i);
	values[i] = NULL;
	ck_assert_int_eq(lazy_expunge_catalog_row_parse(values, &row), 0);
	row_check(&row);
	ck_assert_str_eq(row.server, full.server);
	ck_assert_uint_eq(row.known, LAZY_EXPUNGE_CATALOG_ALL);

	ck_assert_int_eq(lazy_expunge_catalog_row_parse_line(
		lazy_expunge_catalog_row_line(&full), &row), 0);
	row_check(&row);
	ck_assert_ptr_null(row.server);
	ck_assert_uint_eq(row.known & LAZY_EXPUNGE_CATALOG_BIT(
				LAZY_EXPUNGE_CATALOG_SERVER), 0);
}
END_TEST

START_TEST(a_user_who_is_not_here_has_one_more_look_in_a_day)
{
	struct lazy_expunge_catalog_row row;

	lazy_expunge_catalog_row_set_absent(&row, 1764374500);
	ck_assert_int_eq(row.due, 1764374500 + DAY);
	ck_assert_int_eq(row.maintained, 1764374500);
	ck_assert_uint_eq(row.failed, 1);
	ck_assert_uint_eq(row.known & LAZY_EXPUNGE_CATALOG_BIT(
				LAZY_EXPUNGE_CATALOG_MESSAGES), 0);
	ck_assert(lazy_expunge_catalog_row_is_absent(&row));
	/* a session or a visit has written since */
	row.due++;
	ck_assert(!lazy_expunge_catalog_row_is_absent(&row));
	ck_assert(!lazy_expunge_catalog_row_is_absent(&full));
	i_zero(&row);
	ck_assert(!lazy_expunge_catalog_row_is_absent(&row));
}
END_TEST

START_TEST(what_is_no_row_is_refused)
{
	static const char *const lines[] = {
		"", "1 2 3 4 5 6 7 8", "1 2 3 4 5 6 7 8 x", "1 2 -3 4 5 6 7 8 9",
		"1 2 3 4 5 6 7 8 18446744073709551615",
	};
	static const char *const short_values[] = {
		"1", "2", "3", "4", "5", "6", "7", "8", "9", NULL
	};
	struct lazy_expunge_catalog_row row;

	for (unsigned int i = 0; i < N_ELEMENTS(lines); i++) {
		ck_assert_int_eq(lazy_expunge_catalog_row_parse_line(lines[i],
								     &row), -1);
	}
	ck_assert_int_eq(lazy_expunge_catalog_row_parse(short_values, &row),
			 -1);
}
END_TEST

START_TEST(a_visit_is_when_something_is_due_or_the_last_is_too_old)
{
	static const struct {
		time_t due, maintained, visit;
	} cases[] = {
		{ 0, 1000, 0 },
		{ 500, 1000, 500 },
		{ 1000 + DAY, 1000, 1000 + DAY },
		{ 1001 + DAY, 1000, 1000 + DAY },
		{ LAZY_EXPUNGE_CATALOG_NEVER, 1000, 1000 + DAY },
		{ LAZY_EXPUNGE_CATALOG_NEVER, 0, DAY },
	};

	for (unsigned int i = 0; i < N_ELEMENTS(cases); i++) {
		const struct lazy_expunge_catalog_row row = {
			.due = cases[i].due,
			.maintained = cases[i].maintained,
		};

		ck_assert_int_eq(lazy_expunge_catalog_row_visit(&row, DAY),
				 cases[i].visit);
	}
}
END_TEST

START_TEST(a_week_costs_what_was_kept_in_one)
{
	const time_t now = 100 * DAY;
	static const struct {
		time_t oldest;
		uint64_t week;
	} cases[] = {
		/* nothing, the future, and what is younger than a day */
		{ 0, 7000 }, { 101 * DAY, 7000 }, { 100 * DAY, 7000 },
		{ 99 * DAY, 7000 }, { 98 * DAY, 3500 }, { 93 * DAY, 1000 },
		{ 86 * DAY, 500 },
	};

	for (unsigned int i = 0; i < N_ELEMENTS(cases); i++) {
		const struct lazy_expunge_catalog_row row = {
			.bytes = 1000,
			.oldest = cases[i].oldest,
		};

		ck_assert_uint_eq(lazy_expunge_catalog_row_week(&row, now),
				  cases[i].week);
	}
}
END_TEST

Suite *unit_suite(void)
{
	TCase *tcase;
	Suite *suite = unit_suite_create("catalog-row", &tcase);

	tcase_add_test(tcase, a_row_is_read_as_it_was_written);
	tcase_add_test(tcase, a_user_who_is_not_here_has_one_more_look_in_a_day);
	tcase_add_test(tcase, what_is_no_row_is_refused);
	tcase_add_test(tcase,
		       a_visit_is_when_something_is_due_or_the_last_is_too_old);
	tcase_add_test(tcase, a_week_costs_what_was_kept_in_one);
	return suite;
}
