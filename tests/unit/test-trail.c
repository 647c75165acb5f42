/* Steps to a Trash: lines there and back, what is none, and which one counts. */

#include "unit.h"
#include "array.h"
#include "str.h"
#include "core/trail-lines.h"

static const struct lazy_expunge_trail_step steps[] = {
	{ 100, 7, 1, 1, "Trash", "INBOX" },
	{ 101, 7, 2, 10, "Trash", "Work/\xc3\xbc" },
	{ 102, 8, 1, 4294967295U, "Trash", "other validity" },
	{ 103, 7, 5, 5, "Junk", "other mailbox" },
	{ 104, 7, 10, 12, "Trash", "a\tb\nc" },
	{ INT64_MAX, 4294967295U, 1, 1, "=\\", " " },
};

START_TEST(a_line_comes_back)
{
	struct lazy_expunge_trail_step step;
	pool_t pool = pool_alloconly_create("test trail", 256);
	const struct lazy_expunge_trail_step *expected = &steps[_i];
	const char *line;

	T_BEGIN {
		string_t *str = t_str_new(64);

		lazy_expunge_trail_step_append(str, expected);
		line = str_c(str);
		ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
		ck_assert(lazy_expunge_trail_step_parse(
			t_strdup_until(line, line + strlen(line) - 1), pool,
			NULL, &step));
		ck_assert_int_eq(step.time, expected->time);
		ck_assert_uint_eq(step.uid_validity, expected->uid_validity);
		ck_assert_uint_eq(step.first_uid, expected->first_uid);
		ck_assert_uint_eq(step.last_uid, expected->last_uid);
		ck_assert_str_eq(step.mailbox, expected->mailbox);
		ck_assert_str_eq(step.origin, expected->origin);
	} T_END;
	pool_unref(&pool);
}
END_TEST

static const char *const no_lines[] = {
	"", "T", "T\t1\t7\t1:1\tTrash", "T\t1\t7\t1:1\tTrash\tWork\t.\tmore",
	"X\t1\t7\t1:1\tTrash\tWork", "t\t1\t7\t1:1\tTrash\tWork",
	"T\tx\t7\t1:1\tTrash\tWork\t.", "T\t1\t0\t1:1\tTrash\tWork\t.",
	"T\t1\t-1\t1:1\tTrash\tWork\t.", "T\t1\t4294967296\t1:1\tTrash\tWork\t.",
	"T\t1\t7\t1\tTrash\tWork\t.", "T\t1\t7\t0:1\tTrash\tWork\t.",
	"T\t1\t7\t2:1\tTrash\tWork\t.", "T\t1\t7\t1:4294967296\tTrash\tWork\t.",
	"T\t1\t7\t1:2:3\tTrash\tWork\t.", "T\t1\t7\t:\tTrash\tWork\t.",
	"T\t1\t7\t1:1\tTr\xe4sh\tWork\t.", "T\t1\t7\t1:1\tTrash\tW\xe4rk\t.",
	"T\t1\t7\t1:1\t\tWork\t.", "T\t1\t7\t1:1\tTrash\t",
	/* cut off anywhere */
	"T\t1\t7\t1:1\tTrash\tWo", "T\t", "T\t1\t7\t1:", "T\t1\t7\t1:1\tTra",
};

START_TEST(what_is_no_line_is_refused)
{
	struct lazy_expunge_trail_step step;
	pool_t pool = pool_alloconly_create("test trail", 256);

	ck_assert_msg(!lazy_expunge_trail_step_parse(no_lines[_i], pool, NULL,
						     &step), "%s", no_lines[_i]);
	pool_unref(&pool);
}
END_TEST

static const struct {
	const char *mailbox;
	uint32_t uid_validity, uid;
	const char *origin;
} finds[] = {
	{ "Trash", 7, 1, "INBOX" },
	{ "Trash", 7, 2, "Work/\xc3\xbc" },
	{ "Trash", 7, 9, "Work/\xc3\xbc" },
	/* the later one */
	{ "Trash", 7, 10, "a\tb\nc" },
	{ "Trash", 7, 12, "a\tb\nc" },
	{ "Trash", 7, 13, NULL },
	{ "Trash", 7, 0, NULL },
	{ "Trash", 8, 4294967295U, "other validity" },
	{ "Trash", 9, 1, NULL },
	{ "Junk", 7, 5, "other mailbox" },
	{ "Junk", 7, 6, NULL },
	{ "trash", 7, 1, NULL },
};

START_TEST(the_last_step_is_found)
{
	ARRAY_TYPE(lazy_expunge_trail_step) sorted;
	const struct lazy_expunge_trail_step *step;

	T_BEGIN {
		t_array_init(&sorted, N_ELEMENTS(steps));
		array_append(&sorted, steps, N_ELEMENTS(steps));
		lazy_expunge_trail_sort(&sorted);
		step = lazy_expunge_trail_find(array_front(&sorted),
					       array_count(&sorted),
					       finds[_i].mailbox,
					       finds[_i].uid_validity,
					       finds[_i].uid);
		ck_assert(null_strcmp(step == NULL ? NULL : step->origin,
				      finds[_i].origin) == 0);
	} T_END;
	ck_assert_ptr_null(lazy_expunge_trail_find(NULL, 0, "Trash", 7, 1));
}
END_TEST

Suite *unit_suite(void)
{
	TCase *tcase;
	Suite *suite = unit_suite_create("trail", &tcase);

	tcase_add_loop_test(tcase, a_line_comes_back, 0, N_ELEMENTS(steps));
	tcase_add_loop_test(tcase, what_is_no_line_is_refused,
			    0, N_ELEMENTS(no_lines));
	tcase_add_loop_test(tcase, the_last_step_is_found,
			    0, N_ELEMENTS(finds));
	return suite;
}
