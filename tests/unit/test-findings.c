/* Findings of check: states, and lists as doveconf prints them. */

#include "unit.h"
#include "array.h"
#include "core/findings.h"

#define NOW 1000000
#define DAY (24 * 3600)

static const struct {
	const char *text, *base;
	bool has;
} lists[] = {
	{ "mail_plugins = \n", NULL, FALSE },
	{ "mail_plugins =  quota lazy_expunge\n", NULL, TRUE },
	{ "mail_plugins = lazy_expunge", NULL, TRUE },
	{ "mail_plugins = lazy_expunge2 not_lazy_expunge", NULL, FALSE },
	{ "mail_plugins = quota,lazy_expunge\n", NULL, TRUE },
	/* a list that is set takes the place of the one outside */
	{ "mail_plugins = quota\n", "mail_plugins = lazy_expunge\n", FALSE },
	{ "mail_plugins = quota\n",
	  "mail_plugins {\n  lazy_expunge = yes\n}\n", FALSE },
	/* a block adds to it */
	{ "mail_plugins {\n  lazy_expunge = yes\n}\n", NULL, TRUE },
	{ "mail_plugins {\n  quota = yes\n}\n", NULL, FALSE },
	{ "mail_plugins {\n  quota = yes\n}\n",
	  "mail_plugins {\n  lazy_expunge = yes\n}\n", TRUE },
	{ "mail_plugins {\n  quota = yes\n}\n",
	  "mail_plugins = lazy_expunge\n", TRUE },
	{ "mail_plugins {\n  lazy_expunge = no\n  quota = yes\n}\n",
	  "mail_plugins {\n  lazy_expunge = yes\n}\n", FALSE },
	{ "mail_plugins {\n  quota = yes\n}\n", "mail_plugins = \n", FALSE },
	{ "", NULL, FALSE },
	{ "lazy_expunge", NULL, FALSE },
};

START_TEST(list_has_the_plugin)
{
	ck_assert_msg(lazy_expunge_finding_list_has(lists[_i].text,
			lists[_i].base, "lazy_expunge") == lists[_i].has,
		      "%s", lists[_i].text);
}
END_TEST

static const struct {
	time_t last;
	uint64_t failed;
	bool weekly;
	enum lazy_expunge_finding_state state;
} runs[] = {
	{ 0, 0, FALSE, LAZY_EXPUNGE_FINDING_WARN },
	{ NOW, 0, FALSE, LAZY_EXPUNGE_FINDING_OK },
	{ NOW, 1, FALSE, LAZY_EXPUNGE_FINDING_WARN },
	{ NOW - 2 * DAY, 0, FALSE, LAZY_EXPUNGE_FINDING_OK },
	{ NOW - 2 * DAY - 1, 0, FALSE, LAZY_EXPUNGE_FINDING_WARN },
	{ NOW + DAY, 0, FALSE, LAZY_EXPUNGE_FINDING_OK },
	{ 0, 0, TRUE, LAZY_EXPUNGE_FINDING_WARN },
	{ NOW - DAY, 1, TRUE, LAZY_EXPUNGE_FINDING_WARN },
	{ NOW - 9 * DAY, 0, TRUE, LAZY_EXPUNGE_FINDING_OK },
	{ NOW - 9 * DAY - 1, 0, TRUE, LAZY_EXPUNGE_FINDING_WARN },
};

START_TEST(maintenance_is_late_or_not)
{
	ck_assert_int_eq(lazy_expunge_finding_maintained(runs[_i].last,
				runs[_i].failed, runs[_i].weekly, NOW), runs[_i].state);
}
END_TEST

START_TEST(the_worst_state_counts)
{
	struct lazy_expunge_findings findings;
	const struct lazy_expunge_finding *row;

	i_zero(&findings);
	findings.pool = pool_alloconly_create("test", 1024);
	ck_assert_int_eq(lazy_expunge_findings_worst(&findings),
			 LAZY_EXPUNGE_FINDING_OK);
	lazy_expunge_findings_add(&findings, "a", LAZY_EXPUNGE_FINDING_OK,
				  "found", "dropped");
	ck_assert_int_eq(lazy_expunge_findings_worst(&findings),
			 LAZY_EXPUNGE_FINDING_OK);
	lazy_expunge_findings_add(&findings, "b", LAZY_EXPUNGE_FINDING_FAIL,
				  "found", "remedy");
	lazy_expunge_findings_add(&findings, "c", LAZY_EXPUNGE_FINDING_WARN,
				  "found", NULL);
	ck_assert_int_eq(lazy_expunge_findings_worst(&findings),
			 LAZY_EXPUNGE_FINDING_FAIL);
	row = array_idx(&findings.rows, 0);
	ck_assert_str_eq(row[0].remedy, "");
	ck_assert_str_eq(row[1].remedy, "remedy");
	ck_assert_str_eq(row[2].remedy, "");
	ck_assert_str_eq(lazy_expunge_finding_state_name(row[1].state), "FAIL");
	ck_assert_str_eq(lazy_expunge_finding_state_name(row[2].state), "WARN");
	pool_unref(&findings.pool);
}
END_TEST

Suite *unit_suite(void)
{
	TCase *tcase;
	Suite *suite = unit_suite_create("findings", &tcase);

	tcase_add_loop_test(tcase, list_has_the_plugin, 0, N_ELEMENTS(lists));
	tcase_add_loop_test(tcase, maintenance_is_late_or_not,
			    0, N_ELEMENTS(runs));
	tcase_add_test(tcase, the_worst_state_counts);
	return suite;
}
