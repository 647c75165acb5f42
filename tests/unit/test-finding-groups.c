/* Findings of many users: a row for each that is alike, the worst first. */

#include "unit.h"
#include "array.h"
#include "core/finding-groups.h"

#define OK LAZY_EXPUNGE_FINDING_OK
#define WARN LAZY_EXPUNGE_FINDING_WARN
#define FAIL LAZY_EXPUNGE_FINDING_FAIL

static void user_add(struct lazy_expunge_finding_groups *groups,
		     const char *name, enum lazy_expunge_finding_state pop3,
		     const char *home)
{
	struct lazy_expunge_findings findings = { .pool = groups->pool };

	lazy_expunge_findings_add(&findings, "module", OK, "loaded", NULL);
	lazy_expunge_findings_add(&findings, "pop3", pop3, "deletes",
				  "load the plugin");
	lazy_expunge_findings_add(&findings, "home", WARN, home, "give one");
	lazy_expunge_finding_groups_add(groups, name, &findings);
}

static void group_is(const struct lazy_expunge_finding_group *group,
		     const char *id, enum lazy_expunge_finding_state state,
		     unsigned int users, const char *names, bool differs)
{
	ck_assert_str_eq(group->row.id, id);
	ck_assert_int_eq(group->row.state, state);
	ck_assert_uint_eq(group->users, users);
	ck_assert_str_eq(lazy_expunge_finding_group_names(group), names);
	ck_assert_int_eq(group->differs, differs);
}

START_TEST(rows_are_grouped)
{
	struct lazy_expunge_finding_groups groups = {
		.pool = pool_alloconly_create("test", 1024),
	};
	const struct lazy_expunge_finding_group *rows;
	unsigned int count;

	user_add(&groups, "anna", OK, "/a");
	user_add(&groups, "bob", FAIL, "/b");
	user_add(&groups, "carl", OK, "/c");
	user_add(&groups, "dora", OK, "/a");
	user_add(&groups, "emil", OK, "/a");
	lazy_expunge_finding_groups_sort(&groups);
	rows = array_get(&groups.rows, &count);
	ck_assert_uint_eq(count, 4);
	group_is(&rows[0], "pop3", FAIL, 1, "bob", FALSE);
	group_is(&rows[1], "home", WARN, 5, "anna, bob, carl and 2 more", TRUE);
	group_is(&rows[2], "module", OK, 5, "anna, bob, carl and 2 more", FALSE);
	group_is(&rows[3], "pop3", OK, 4, "anna, carl, dora and 1 more", FALSE);
	ck_assert_str_eq(rows[0].row.remedy, "load the plugin");
	ck_assert_str_eq(rows[1].row.found, "/a");
	ck_assert_uint_eq(groups.protected_users, 4);
	pool_unref(&groups.pool);
}
END_TEST

START_TEST(no_user_has_no_row)
{
	struct lazy_expunge_finding_groups groups = {
		.pool = pool_alloconly_create("test", 256),
	};
	struct lazy_expunge_findings none = { .pool = groups.pool };

	lazy_expunge_finding_groups_sort(&groups);
	lazy_expunge_finding_groups_add(&groups, "anna", &none);
	lazy_expunge_finding_groups_sort(&groups);
	ck_assert_uint_eq(array_count(&groups.rows), 0);
	ck_assert_uint_eq(groups.protected_users, 1);
	pool_unref(&groups.pool);
}
END_TEST

Suite *unit_suite(void)
{
	TCase *tcase;
	Suite *suite = unit_suite_create("finding-groups", &tcase);

	tcase_add_test(tcase, rows_are_grouped);
	tcase_add_test(tcase, no_user_has_no_row);
	return suite;
}
