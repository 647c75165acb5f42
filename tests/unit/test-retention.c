/* Retention and caps, at, below and above each limit. */

#include "unit.h"
#include "core/retention-rules.h"

#define NOW 1000000

static const struct {
	const char *what;
	struct lazy_expunge_retention set;
	struct lazy_expunge_retention_mail mail;
	bool goes, by_count;
	time_t expiry;
} cases[] = {
	{ "no retention", { 0, 0 }, { 1, 10, 1, 0 }, FALSE, FALSE, 0 },
	{ "a second too young", { 100, 0 }, { 1, 10, NOW - 99, 0 },
	  FALSE, FALSE, NOW + 1 },
	{ "just old enough", { 100, 0 }, { 1, 10, NOW - 100, 0 },
	  TRUE, FALSE, NOW },
	{ "older", { 100, 0 }, { 1, 10, NOW - 101, 0 },
	  TRUE, FALSE, NOW - 1 },
	{ "saved in the future", { 100, 0 }, { 1, 10, NOW + 50, 0 },
	  FALSE, FALSE, NOW + 150 },
	{ "a mailbox renamed meanwhile", { 100, 0 }, { 1, 10, 1, NOW - 99 },
	  FALSE, FALSE, NOW + 1 },
	{ "a mailbox renamed long ago", { 100, 0 }, { 1, 10, NOW - 100, 5 },
	  TRUE, FALSE, NOW },
	{ "first of as many as may be", { 0, 10 }, { 1, 10, NOW, 0 },
	  FALSE, FALSE, 0 },
	{ "first of one too many", { 0, 10 }, { 1, 11, NOW, 0 },
	  TRUE, TRUE, 0 },
	{ "second of one too many", { 0, 10 }, { 2, 11, NOW, 0 },
	  FALSE, FALSE, 0 },
	{ "last of many", { 0, 1 }, { 11, 11, NOW, 0 }, FALSE, FALSE, 0 },
	{ "last but one of many", { 0, 1 }, { 10, 11, NOW, 0 },
	  TRUE, TRUE, 0 },
	{ "young, but too many", { 100, 10 }, { 1, 11, NOW, 0 },
	  TRUE, TRUE, NOW + 100 },
	{ "old, and not too many", { 100, 10 }, { 1, 10, 1, 0 },
	  TRUE, FALSE, 101 },
};

START_TEST(retention_is_as_the_table_says)
{
	ck_assert_msg(lazy_expunge_retention_goes(&cases[_i].set,
			&cases[_i].mail, NOW) == cases[_i].goes,
		      "%s", cases[_i].what);
	ck_assert_msg(lazy_expunge_retention_goes_by_count(&cases[_i].set,
			&cases[_i].mail) == cases[_i].by_count,
		      "%s", cases[_i].what);
	ck_assert_msg(lazy_expunge_retention_expiry(&cases[_i].set,
			&cases[_i].mail) == cases[_i].expiry,
		      "%s", cases[_i].what);
}
END_TEST

static const struct lazy_expunge_cap_mail mails[] = {
	{ .size = 100 }, { .size = 1 }, { .size = 0 }, { .size = 50 },
};

static const struct {
	uint64_t max;
	unsigned int count, goes;
	uint64_t bytes;
} caps[] = {
	{ 0, 4, 0, 0 },
	{ 1000, 4, 0, 0 },
	{ 151, 4, 0, 0 },
	{ 150, 4, 1, 100 },
	{ 51, 4, 1, 100 },
	{ 50, 4, 2, 101 },
	{ 49, 4, 4, 151 },
	{ 1, 4, 4, 151 },
	{ 1, 0, 0, 0 },
	{ 100, 1, 0, 0 },
	{ 99, 1, 1, 100 },
};

START_TEST(cap_is_exact)
{
	uint64_t bytes;

	ck_assert_uint_eq(lazy_expunge_cap_count(mails, caps[_i].count,
						 caps[_i].max, &bytes),
			  caps[_i].goes);
	ck_assert_uint_eq(bytes, caps[_i].bytes);
}
END_TEST

START_TEST(oldest_goes_first)
{
	static const struct lazy_expunge_cap_mail order[] = {
		{ .saved = 1, .box = 9, .uid = 9 },
		{ .saved = 2, .box = 1, .uid = 5 },
		{ .saved = 2, .box = 1, .uid = 6 },
		{ .saved = 2, .box = 2, .uid = 1 },
		{ .saved = 3, .box = 0, .uid = 1 },
	};

	for (unsigned int i = 0; i < N_ELEMENTS(order); i++) {
		for (unsigned int j = 0; j < N_ELEMENTS(order); j++) {
			int cmp = lazy_expunge_cap_mail_cmp(&order[i],
							    &order[j]);
			ck_assert_int_eq(cmp, i < j ? -1 : (i > j ? 1 : 0));
		}
	}
}
END_TEST

/* pauses of 60 seconds are none, of 61 are */
static const struct {
	struct lazy_expunge_cap_mail mails[4];
	unsigned int count;
	uint64_t bytes;
	time_t since;
} together[] = {
	{ .count = 0, .bytes = 0, .since = 7 },
	{ .mails = { { .saved = 100, .size = 5 } },
	  .count = 1, .bytes = 5, .since = 100 },
	{ .mails = { { .saved = 100, .size = 5 }, { .saved = 159, .size = 6 },
		     { .saved = 219, .size = 7 } },
	  .count = 3, .bytes = 18, .since = 100 },
	{ .mails = { { .saved = 100, .size = 5 }, { .saved = 161, .size = 6 },
		     { .saved = 161, .size = 7 } },
	  .count = 3, .bytes = 13, .since = 161 },
	{ .mails = { { .saved = 100, .size = 50 }, { .saved = 101, .size = 1 },
		     { .saved = 162, .size = 6 }, { .saved = 163, .size = 7 } },
	  .count = 4, .bytes = 51, .since = 100 },
};

START_TEST(what_was_deleted_together)
{
	time_t since = 7;

	ck_assert_uint_eq(lazy_expunge_cap_together(together[_i].mails,
						    together[_i].count, &since),
			  together[_i].bytes);
	ck_assert_int_eq(since, together[_i].since);
	ck_assert(lazy_expunge_retention_is_together(160, 100));
	ck_assert(!lazy_expunge_retention_is_together(161, 100));
	ck_assert(!lazy_expunge_retention_is_together(100, 161));
}
END_TEST

Suite *unit_suite(void)
{
	TCase *tcase;
	Suite *suite = unit_suite_create("retention", &tcase);

	tcase_add_loop_test(tcase, retention_is_as_the_table_says,
			    0, N_ELEMENTS(cases));
	tcase_add_loop_test(tcase, cap_is_exact, 0, N_ELEMENTS(caps));
	tcase_add_test(tcase, oldest_goes_first);
	tcase_add_loop_test(tcase, what_was_deleted_together,
			    0, N_ELEMENTS(together));
	return suite;
}
