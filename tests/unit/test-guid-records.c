/* Records of GUIDs, against a walk over all that was added; and the budget of
   those who fill them. */

#include "unit.h"
#include "time-util.h"
#include "core/guid-records.h"
#include "core/look-budget.h"

#define RECORDS 3000
/* few hashes for many mails, and the ends of their range */
#define HASHES 257

static uint64_t hash_nth(unsigned int n)
{
	if (n == 0)
		return 0;
	if (n == 1)
		return (uint64_t)-1;
	/* equal halves, so that one of them alone does not tell */
	return (uint64_t)(n % 16) << 32 | (n / 16);
}

/* A number that looks random and is the same each time. */
static unsigned int scatter(unsigned int n)
{
	return (n * 2654435761U) >> 16;
}

static void records_check(struct lazy_expunge_guid_records *records,
			  unsigned int added)
{
	struct lazy_expunge_guid_iter iter;
	uint32_t uid;

	ck_assert_uint_eq(lazy_expunge_guid_records_count(records), added);
	for (unsigned int h = 0; h < HASHES; h++) {
		lazy_expunge_guid_records_lookup_init(records, hash_nth(h),
						      &iter);
		/* the newest first */
		for (unsigned int i = added; i > 0; i--) {
			if (scatter(i - 1) % HASHES != h)
				continue;
			ck_assert(lazy_expunge_guid_records_lookup_next(
						records, &iter, &uid));
			ck_assert_uint_eq(uid, i);
		}
		ck_assert(!lazy_expunge_guid_records_lookup_next(records, &iter,
								 &uid));
		/* and goes on saying so */
		ck_assert(!lazy_expunge_guid_records_lookup_next(records, &iter,
								 &uid));
	}
}

START_TEST(what_was_added_is_found)
{
	struct lazy_expunge_guid_records *records =
		lazy_expunge_guid_records_init();

	records_check(records, 0);
	/* looked up and added to by turns */
	for (unsigned int i = 0; i < RECORDS; i++) {
		if (i == 1 || i == 2 || i == 1000)
			records_check(records, i);
		lazy_expunge_guid_records_add(records,
				hash_nth(scatter(i) % HASHES), i + 1);
	}
	records_check(records, RECORDS);
	lazy_expunge_guid_records_clear(records);
	records_check(records, 0);
	lazy_expunge_guid_records_add(records, hash_nth(scatter(0) % HASHES),
				      1);
	records_check(records, 1);
	lazy_expunge_guid_records_deinit(&records);
	ck_assert(records == NULL);
	lazy_expunge_guid_records_deinit(&records);
}
END_TEST

START_TEST(a_budget_is_as_many_mails)
{
	struct lazy_expunge_budget budget = { .mails = 200 };

	for (unsigned int i = 0; i < 200; i++) {
		ck_assert(!lazy_expunge_budget_is_spent(&budget));
		ck_assert(lazy_expunge_budget_take(&budget));
	}
	ck_assert(lazy_expunge_budget_is_spent(&budget));
	/* who asks for no more was not cut short */
	ck_assert(!budget.cut_short);
	ck_assert(!lazy_expunge_budget_take(&budget));
	ck_assert(!lazy_expunge_budget_take(&budget));
	ck_assert(budget.cut_short);
	ck_assert_uint_eq(budget.mails, 0);
	ck_assert_uint_eq(budget.read, 200);
}
END_TEST

START_TEST(a_budget_ends_with_its_time)
{
	struct lazy_expunge_budget budget = { .mails = 1000, .deadline = 1 };
	unsigned int taken = 0;

	ck_assert(lazy_expunge_budget_is_spent(&budget));
	while (lazy_expunge_budget_take(&budget))
		taken++;
	/* the clock is not asked for each mail, but often enough */
	ck_assert_uint_lt(taken, 100);
	ck_assert(budget.cut_short && budget.read == taken);
	ck_assert_uint_eq(budget.mails, 0);
}
END_TEST

START_TEST(a_budget_has_time_until_its_end)
{
	struct lazy_expunge_budget budget = {
		.mails = 1000,
		.deadline = i_microseconds() + 3600ULL * 1000 * 1000,
	};
	unsigned int taken = 0;

	ck_assert(!lazy_expunge_budget_is_spent(&budget));
	while (lazy_expunge_budget_take(&budget))
		taken++;
	ck_assert_uint_eq(taken, 1000);
}
END_TEST

Suite *unit_suite(void)
{
	TCase *tcase;
	Suite *suite = unit_suite_create("guid-records", &tcase);

	tcase_add_test(tcase, what_was_added_is_found);
	tcase_add_test(tcase, a_budget_is_as_many_mails);
	tcase_add_test(tcase, a_budget_ends_with_its_time);
	tcase_add_test(tcase, a_budget_has_time_until_its_end);
	return suite;
}
