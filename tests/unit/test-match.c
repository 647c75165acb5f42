/* The exclude list: which mailboxes a pattern names. */

#include "unit.h"
#include "core/exclude.h"

static const char *const trash_flags[] = { "\\Trash", NULL };
static const char *const two_flags[] = { "\\Drafts", "\\Important", NULL };
static const char *const no_flags[] = { NULL };

static const struct {
	const char *pattern, *vname, *prefix, *storage_name;
	const char *const *special_use;
	bool match;
} cases[] = {
	/* names */
	{ "Trash", "Trash", "", "Trash", NULL, TRUE },
	{ "Trash", "trash", "", "trash", NULL, FALSE },
	{ "Trash", "Trash2", "", "Trash2", NULL, FALSE },
	{ "Trash", "Tras", "", "Tras", NULL, FALSE },
	{ "Trash", "Trash/Old", "", "Trash/Old", NULL, FALSE },
	{ "Entw\xc3\xbcrfe", "Entw\xc3\xbcrfe", "", "Entw&APw-rfe", NULL, TRUE },
	/* wildcards */
	{ "*", "Anything/at all", "", "x", NULL, TRUE },
	{ "**", "Anything", "", "x", NULL, TRUE },
	{ "Trash*", "Trash", "", "Trash", NULL, TRUE },
	{ "Trash*", "Trash/Old", "", "Trash/Old", NULL, TRUE },
	{ "Trash/*", "Trash", "", "Trash", NULL, FALSE },
	{ "Trash/*", "Trash/Old/Older", "", "x", NULL, TRUE },
	{ "*/Old", "Work/Old", "", "x", NULL, TRUE },
	{ "*/Old", "Old", "", "Old", NULL, FALSE },
	{ "Tras?", "Trash", "", "Trash", NULL, TRUE },
	{ "Tras?", "Tras", "", "Tras", NULL, FALSE },
	{ "Tras?", "Trashy", "", "Trashy", NULL, FALSE },
	{ "%", "Trash", "", "Trash", NULL, FALSE },
	/* the INBOX has no case, whatever else has */
	{ "inbox", "INBOX", "", "INBOX", NULL, TRUE },
	{ "Inb*", "INBOX", "", "INBOX", NULL, TRUE },
	{ "inbox", "INBOX/Sub", "", "INBOX/Sub", NULL, FALSE },
	/* with and without the namespace's prefix */
	{ "Trash", "Mail/Trash", "Mail/", "Trash", NULL, TRUE },
	{ "Mail/Trash", "Mail/Trash", "Mail/", "Trash", NULL, TRUE },
	{ "Mail/*", "Mail/Trash", "Mail/", "Trash", NULL, TRUE },
	{ "Other/Trash", "Mail/Trash", "Mail/", "Trash", NULL, FALSE },
	{ "rash", "Mail/Trash", "Mail/", "Trash", NULL, FALSE },
	{ "Mail", "Mail", "Mail/", "", NULL, TRUE },
	/* the INBOX does not carry the prefix */
	{ "BOX", "INBOX", "M/", "INBOX", NULL, FALSE },
	{ "inbox", "INBOX", "M/", "INBOX", NULL, TRUE },
	{ "OX", "INBOX", "Ab/", "INBOX", NULL, FALSE },
	/* the name in the storage */
	{ "Work.Old", "Work/Old", "", "Work.Old", NULL, TRUE },
	{ "Work.*", "Work/Old", "", "Work.Old", NULL, TRUE },
	{ "Work.Old", "Work/Old", "", NULL, NULL, FALSE },
	/* special use */
	{ "\\Trash", "Deleted items", "", "x", trash_flags, TRUE },
	{ "\\trash", "Deleted items", "", "x", trash_flags, TRUE },
	{ "\\Tras", "Deleted items", "", "x", trash_flags, FALSE },
	{ "\\Trash*", "Deleted items", "", "x", trash_flags, FALSE },
	{ "\\*", "Deleted items", "", "x", trash_flags, FALSE },
	{ "\\", "Deleted items", "", "x", trash_flags, FALSE },
	{ "Trash", "Deleted items", "", "x", trash_flags, FALSE },
	{ "\\Important", "Pending", "", "x", two_flags, TRUE },
	{ "\\Trash", "Pending", "", "x", two_flags, FALSE },
	{ "\\Trash", "Trash", "", "Trash", NULL, FALSE },
	{ "\\Trash", "Trash", "", "Trash", no_flags, FALSE },
	{ "\\Trash", "\\Trash", "", "\\Trash", NULL, FALSE },
	/* nothing */
	{ "", "", "", "", NULL, FALSE },
	{ "", "Trash", "", "Trash", NULL, FALSE },
};

START_TEST(match_is_as_the_table_says)
{
	const struct lazy_expunge_match box = {
		.vname = cases[_i].vname,
		.prefix_len = strlen(cases[_i].prefix),
		.storage_name = cases[_i].storage_name,
		.special_use = cases[_i].special_use,
	};
	const char *const alone[] = { cases[_i].pattern, NULL };
	const char *const last[] = { "", "no such", "\\None",
				     cases[_i].pattern, NULL };

	ck_assert_msg(lazy_expunge_match(alone, &box) == cases[_i].match,
		      "%s and %s", cases[_i].pattern, cases[_i].vname);
	ck_assert_msg(lazy_expunge_match(last, &box) == cases[_i].match,
		      "%s as the last, and %s", cases[_i].pattern,
		      cases[_i].vname);
}
END_TEST

START_TEST(no_list_names_nothing)
{
	const struct lazy_expunge_match box = { .vname = "INBOX" };
	const char *const empty[] = { NULL };

	ck_assert(!lazy_expunge_match(NULL, &box));
	ck_assert(!lazy_expunge_match(empty, &box));
}
END_TEST

Suite *unit_suite(void)
{
	TCase *tcase;
	Suite *suite = unit_suite_create("match", &tcase);

	tcase_add_loop_test(tcase, match_is_as_the_table_says,
			    0, N_ELEMENTS(cases));
	tcase_add_test(tcase, no_list_names_nothing);
	return suite;
}
