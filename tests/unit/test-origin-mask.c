/* Which origins are meant by names and wildcards. */

#include "unit.h"
#include "core/origin-mask.h"

static const struct {
	/* up to two names */
	const char *names[3];
	bool below;
	const char *origin;
	char separator;
	bool match;
} masks[] = {
	{ { "Work" }, FALSE, "Work", '/', TRUE },
	{ { "Work" }, FALSE, "work", '/', FALSE },
	{ { "Work" }, FALSE, "Work/Old", '/', FALSE },
	{ { "inbox" }, FALSE, "INBOX", '/', TRUE },
	{ { "Work", "Sent" }, FALSE, "Sent", '/', TRUE },
	{ { "Work", "Sent" }, FALSE, "Drafts", '/', FALSE },
	{ { "Projects*" }, FALSE, "ProjectsNew", '/', TRUE },
	{ { "Projects*" }, FALSE, "Projects/Spring", '/', TRUE },
	{ { "Projects/*" }, FALSE, "Projects", '/', FALSE },
	{ { "a*b" }, FALSE, "a*b", '/', TRUE },
	{ { "[x]" }, FALSE, "[x]", '/', TRUE },
	{ { "Work" }, FALSE, NULL, '/', FALSE },
	{ { "*" }, FALSE, NULL, '/', TRUE },
	{ { NULL }, FALSE, "Work", '/', FALSE },
	/* and below */
	{ { "Projects" }, TRUE, "Projects", '/', TRUE },
	{ { "Projects" }, TRUE, "Projects/Spring", '/', TRUE },
	{ { "Projects" }, TRUE, "Projects/Spring/May", '/', TRUE },
	{ { "Projects" }, TRUE, "ProjectsNew", '/', FALSE },
	{ { "Projects" }, TRUE, "Projects.Spring", '/', FALSE },
	{ { "Projects" }, TRUE, "Projects.Spring", '.', TRUE },
	{ { "Spring" }, TRUE, "Projects/Spring", '/', FALSE },
	{ { "Pro?ects" }, TRUE, "Projects/Spring", '/', TRUE },
	{ { "Inbox" }, TRUE, "INBOX/Sub", '/', TRUE },
	{ { "Work", "Projects" }, TRUE, "Projects/Spring", '/', TRUE },
	{ { "Projects" }, TRUE, "Projects/Spring", '\0', FALSE },
};

START_TEST(mask_matches)
{
	const struct lazy_expunge_origin_mask mask = {
		.names = masks[_i].names,
		.below = masks[_i].below,
	};

	ck_assert_msg(lazy_expunge_origin_mask_match(&mask, masks[_i].origin,
						     masks[_i].separator) ==
		      masks[_i].match, "%s", masks[_i].origin);
}
END_TEST

START_TEST(no_mask_takes_all)
{
	const struct lazy_expunge_origin_mask any = { .below = TRUE };

	ck_assert(lazy_expunge_origin_mask_match(NULL, "Work", '/'));
	ck_assert(lazy_expunge_origin_mask_match(&any, NULL, '/'));
}
END_TEST

static const struct {
	const char *name, *origin;
	bool near;
} names[] = {
	{ "work", "Work", TRUE },
	{ "Wrok", "Work", FALSE },
	{ "Wrk", "Work", TRUE },
	{ "Projets", "Projects", TRUE },
	{ "Projcets", "Projects", TRUE },
	{ "Spring", "Projects/Spring", TRUE },
	{ "Sprung", "Projects/Spring", TRUE },
	{ "Projects.Spring", "Projects/Spring", TRUE },
	{ "INBOX/Work", "Work", TRUE },
	{ "Wo", "Do", FALSE },
	{ "Sent", "Drafts", FALSE },
	{ "", "Work", FALSE },
	{ "Work", "", FALSE },
};

START_TEST(name_is_near)
{
	ck_assert_msg(lazy_expunge_origin_is_near(names[_i].name,
						  names[_i].origin, '/') ==
		      names[_i].near, "%s, %s", names[_i].name,
		      names[_i].origin);
}
END_TEST

START_TEST(long_names_are_compared)
{
	char name[300], origin[300];

	memset(name, 'x', sizeof(name) - 1);
	memset(origin, 'x', sizeof(origin) - 1);
	name[sizeof(name) - 1] = origin[sizeof(origin) - 1] = '\0';
	ck_assert(lazy_expunge_origin_is_near(name, origin, '/'));
	origin[10] = 'y';
	ck_assert(!lazy_expunge_origin_is_near(name, origin, '/'));
}
END_TEST

Suite *unit_suite(void)
{
	TCase *tcase;
	Suite *suite = unit_suite_create("origin mask", &tcase);

	tcase_add_loop_test(tcase, mask_matches, 0, N_ELEMENTS(masks));
	tcase_add_test(tcase, no_mask_takes_all);
	tcase_add_loop_test(tcase, name_is_near, 0, N_ELEMENTS(names));
	tcase_add_test(tcase, long_names_are_compared);
	return suite;
}
