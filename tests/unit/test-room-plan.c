/* The plan of room: the oldest over all users, and no more than it takes. */

#include "unit.h"
#include "array.h"
#include "core/room-plan.h"

struct share {
	const char *username;
	uint64_t messages, bytes;
	time_t oldest, newest;
	uint64_t purged;
};

/* {user, saved, bytes}; saved = 0: bytes that a purge frees */
static const struct {
	const char *username;
	time_t saved;
	uint64_t bytes;
} adds[] = {
	{ "anna", 100, 10 },
	{ "anna", 300, 10 },
	{ "anna", 200, 10 },
	{ "bob", 150, 20 },
	{ "bob", 300, 20 },
	{ "carol", 0, 5 },
	{ "carol", 400, 1 },
	{ "dave", 50, 0 },
};

static const struct {
	uint64_t wanted, freed;
	struct share shares[5];
} cases[] = {
	{ 1, 5, { { "carol", 0, 0, 0, 0, 5 } } },
	{ 5, 5, { { "carol", 0, 0, 0, 0, 5 } } },
	{ 6, 15, { { "anna", 1, 10, 100, 100, 0 }, { "carol", 0, 0, 0, 0, 5 } } },
	{ 15, 15, { { "anna", 1, 10, 100, 100, 0 },
		    { "carol", 0, 0, 0, 0, 5 } } },
	{ 16, 35, { { "anna", 1, 10, 100, 100, 0 },
		    { "bob", 1, 20, 150, 150, 0 },
		    { "carol", 0, 0, 0, 0, 5 } } },
	{ 36, 45, { { "anna", 2, 20, 100, 200, 0 },
		    { "bob", 1, 20, 150, 150, 0 },
		    { "carol", 0, 0, 0, 0, 5 } } },
	/* of the same second, in the order in which they came */
	{ 46, 55, { { "anna", 3, 30, 100, 300, 0 },
		    { "bob", 1, 20, 150, 150, 0 },
		    { "carol", 0, 0, 0, 0, 5 } } },
	{ 76, 76, { { "anna", 3, 30, 100, 300, 0 },
		    { "bob", 2, 40, 150, 300, 0 },
		    { "carol", 1, 1, 400, 400, 5 } } },
	/* more than there is */
	{ 1000, 76, { { "anna", 3, 30, 100, 300, 0 },
		      { "bob", 2, 40, 150, 300, 0 },
		      { "carol", 1, 1, 400, 400, 5 } } },
};

static void
assert_share(const struct lazy_expunge_room_share *share,
	     const struct share *wanted)
{
	ck_assert_str_eq(share->username, wanted->username);
	ck_assert_uint_eq(share->messages, wanted->messages);
	ck_assert_uint_eq(share->bytes, wanted->bytes);
	ck_assert_int_eq(share->oldest, wanted->oldest);
	ck_assert_int_eq(share->newest, wanted->newest);
	ck_assert_uint_eq(share->purged, wanted->purged);
}

START_TEST(plan_is_as_the_table_says)
{
	struct lazy_expunge_room_plan *plan;
	const ARRAY_TYPE(lazy_expunge_room_share) *shares;
	const char *username = "";
	unsigned int count = 0;

	plan = lazy_expunge_room_plan_init(cases[_i].wanted);
	for (unsigned int i = 0; i < N_ELEMENTS(adds); i++) {
		if (strcmp(username, adds[i].username) != 0)
			lazy_expunge_room_plan_add_user(plan, adds[i].username);
		username = adds[i].username;
		if (adds[i].saved == 0)
			lazy_expunge_room_plan_add_purged(plan, adds[i].bytes);
		else
			lazy_expunge_room_plan_add_mail(plan, adds[i].saved,
							adds[i].bytes);
	}
	ck_assert_uint_eq(lazy_expunge_room_plan_finish(plan, &shares),
			  cases[_i].freed);
	while (count < 5 && cases[_i].shares[count].username != NULL)
		count++;
	ck_assert_uint_eq(array_count(shares), count);
	for (unsigned int i = 0; i < count; i++)
		assert_share(array_idx(shares, i), &cases[_i].shares[i]);
	lazy_expunge_room_plan_deinit(&plan);
	ck_assert_ptr_null(plan);
	lazy_expunge_room_plan_deinit(&plan);
}
END_TEST

/* Many more than are needed: those that are forgotten in between are not among
   the oldest. */
START_TEST(plan_of_many_mails_takes_the_oldest)
{
	struct lazy_expunge_room_plan *plan = lazy_expunge_room_plan_init(3000);
	const ARRAY_TYPE(lazy_expunge_room_share) *shares;
	const struct share wanted[] = {
		{ "user0", 150, 1500, 1, 299, 0 },
		{ "user1", 150, 1500, 2, 300, 0 },
	};

	for (unsigned int user = 0; user < 2; user++) {
		lazy_expunge_room_plan_add_user(plan, wanted[user].username);
		/* the youngest first */
		for (time_t saved = 20000; saved > 0; saved -= 2) {
			lazy_expunge_room_plan_add_mail(plan,
				user == 0 ? saved - 1 : saved, 10);
		}
	}
	ck_assert_uint_eq(lazy_expunge_room_plan_finish(plan, &shares), 3000);
	ck_assert_uint_eq(array_count(shares), N_ELEMENTS(wanted));
	for (unsigned int i = 0; i < N_ELEMENTS(wanted); i++)
		assert_share(array_idx(shares, i), &wanted[i]);
	lazy_expunge_room_plan_deinit(&plan);
}
END_TEST

/* More than a plan has entries for: the sums are right all the same. */
START_TEST(plan_of_more_mails_than_it_has_entries)
{
	struct lazy_expunge_room_plan *plan =
		lazy_expunge_room_plan_init(UINT64_MAX);
	const ARRAY_TYPE(lazy_expunge_room_share) *shares;
	const unsigned int count = 5 * 256 * 1024;
	const struct share wanted = { "user", count, count, 1, count, 0 };

	lazy_expunge_room_plan_add_user(plan, "user");
	for (unsigned int i = 1; i <= count; i++)
		lazy_expunge_room_plan_add_mail(plan, i, 1);
	ck_assert_uint_eq(lazy_expunge_room_plan_finish(plan, &shares), count);
	ck_assert_uint_eq(array_count(shares), 1);
	assert_share(array_idx(shares, 0), &wanted);
	lazy_expunge_room_plan_deinit(&plan);
}
END_TEST

Suite *unit_suite(void)
{
	TCase *tcase;
	Suite *suite = unit_suite_create("room plan", &tcase);

	/* a million entries on a busy machine */
	tcase_set_timeout(tcase, 60);

	tcase_add_loop_test(tcase, plan_is_as_the_table_says, 0,
			    N_ELEMENTS(cases));
	tcase_add_test(tcase, plan_of_many_mails_takes_the_oldest);
	tcase_add_test(tcase, plan_of_more_mails_than_it_has_entries);
	return suite;
}
