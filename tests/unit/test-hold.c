/* Hold file: what is written is read again, what is not whole is not read, and
   when a hold is in force. */

#include "unit.h"
#include "array.h"
#include "str.h"
#include "core/hold-file.h"

#define HEAD "lazy-expunge-holds\t1\n"
#define GUID "0123456789abcdef0123456789abcdef"

static const char *const no_words[] = { NULL };
static const char *const words[] = { "subject", "a \"b\"\t'c'\n", "", "or", NULL };

static void hold_file_read(const char *text, pool_t pool,
			   ARRAY_TYPE(lazy_expunge_hold) *holds)
{
	const char *error = NULL;

	p_array_init(holds, pool, 4);
	ck_assert_msg(lazy_expunge_hold_file_parse(text, strlen(text), pool,
						   holds, &error) == 0,
		      "%s", error);
}

START_TEST(a_file_is_read_as_it_was_written)
{
	struct lazy_expunge_hold in[] = {
		{ .name = "all", .reason = "", .set_by = "root",
		  .released_by = "", .set_time = 1, .query = no_words },
		{ .name = "a\tb\nc\001", .reason = "\xc3\xbc\\", .set_by = "x",
		  .released_by = "y", .set_time = 1764338400,
		  .until = 1764338401, .released = 7, .query = words },
	};
	struct lazy_expunge_hold_mailbox box = { .vname = "EXP/a\tb" };
	const struct lazy_expunge_hold_mailbox *out_box;
	ARRAY_TYPE(lazy_expunge_hold) holds, out;
	pool_t pool = pool_alloconly_create("test", 1024);
	string_t *text = str_new(pool, 256);
	const struct lazy_expunge_hold *hold;

	ck_assert_int_eq(guid_128_from_string(GUID, box.guid), 0);
	p_array_init(&in[1].mailboxes, pool, 1);
	array_push_back(&in[1].mailboxes, &box);
	p_array_init(&holds, pool, 2);
	array_append(&holds, in, N_ELEMENTS(in));
	lazy_expunge_hold_file_append(text, &holds);
	hold_file_read(str_c(text), pool, &out);
	ck_assert_uint_eq(array_count(&out), N_ELEMENTS(in));
	for (unsigned int i = 0; i < N_ELEMENTS(in); i++) {
		hold = array_idx(&out, i);
		ck_assert_str_eq(hold->name, in[i].name);
		ck_assert_str_eq(hold->reason, in[i].reason);
		ck_assert_str_eq(hold->set_by, in[i].set_by);
		ck_assert_str_eq(hold->released_by, in[i].released_by);
		ck_assert_int_eq(hold->set_time, in[i].set_time);
		ck_assert_int_eq(hold->until, in[i].until);
		ck_assert_int_eq(hold->released, in[i].released);
		ck_assert(str_array_length(hold->query) ==
			  str_array_length(in[i].query));
		for (unsigned int j = 0; in[i].query[j] != NULL; j++)
			ck_assert_str_eq(hold->query[j], in[i].query[j]);
		ck_assert_uint_eq(array_count(&hold->mailboxes), i);
	}
	out_box = array_idx(&hold->mailboxes, 0);
	ck_assert_str_eq(out_box->vname, box.vname);
	ck_assert(guid_128_equals(out_box->guid, box.guid));
	/* no part of it is a file */
	for (size_t size = 0; size < str_len(text); size++) {
		const char *error = NULL;

		p_array_init(&out, pool, 2);
		ck_assert_int_eq(lazy_expunge_hold_file_parse(str_c(text), size,
						pool, &out, &error), -1);
		ck_assert(error != NULL);
	}
	pool_unref(&pool);
}
END_TEST

static const char *const no_files[] = {
	"", "\n", HEAD, HEAD"end\t1\n", HEAD"end\t0\nend\t0\n", HEAD"end\t0\n\n",
	"lazy-expunge-holds\t2\nend\t0\n", HEAD"end\tx\n", HEAD"end\n",
	HEAD"hold\tx\t1\t0\t0\tby\t\nend\t1\n",
	HEAD"hold\t\t1\t0\t0\tby\t\treason\nend\t1\n",
	HEAD"hold\tx\tnow\t0\t0\tby\t\treason\nend\t1\n",
	HEAD"hold\tx\t1\t-1\t0\tby\t\treason\nend\t1\n",
	/* released, and no end of the grace */
	HEAD"hold\tx\t1\t0\t1\tby\t\treason\nend\t1\n",
	HEAD"mailbox\t"GUID"\tEXP\nend\t0\n",
	HEAD"hold\tx\t1\t0\t0\tby\t\treason\nmailbox\t"GUID"\t\xe4\nend\t1\n",
	HEAD"hold\tx\t1\t0\t0\tby\t\treason\nmailbox\t1\tEXP\nend\t1\n",
	HEAD"hold\tx\t1\t0\t0\tby\t\treason\nmore\nend\t1\n",
};

START_TEST(what_is_not_whole_is_not_read)
{
	ARRAY_TYPE(lazy_expunge_hold) holds;
	pool_t pool = pool_alloconly_create("test", 1024);
	const char *error = NULL;

	p_array_init(&holds, pool, 4);
	ck_assert_msg(lazy_expunge_hold_file_parse(no_files[_i],
			strlen(no_files[_i]), pool, &holds, &error) == -1,
		      "%s", no_files[_i]);
	ck_assert(error != NULL);
	pool_unref(&pool);
}
END_TEST

START_TEST(a_hold_is_in_force_until_its_end)
{
	static const struct {
		time_t until, now;
		bool active;
	} cases[] = {
		{ 0, 0, TRUE }, { 0, 2000000000, TRUE }, { 100, 99, TRUE },
		{ 100, 100, FALSE }, { 100, 101, FALSE },
	};
	struct lazy_expunge_hold hold = { .until = cases[_i].until };

	ck_assert(lazy_expunge_hold_is_active(&hold, cases[_i].now) ==
		  cases[_i].active);
}
END_TEST

START_TEST(a_hold_is_found_by_its_name_until_it_is_released)
{
	struct lazy_expunge_hold all[] = {
		{ .name = "a", .released = 1, .until = 100 },
		{ .name = "b", .until = 50 }, { .name = "a" }, { .name = "c" },
	};
	ARRAY_TYPE(lazy_expunge_hold) holds;

	t_array_init(&holds, 4);
	array_append(&holds, all, N_ELEMENTS(all));
	ck_assert(lazy_expunge_hold_find(&holds, "a", 10) ==
		  array_idx(&holds, 2));
	ck_assert(lazy_expunge_hold_find(&holds, "b", 49) != NULL);
	ck_assert(lazy_expunge_hold_find(&holds, "b", 50) == NULL);
	ck_assert(lazy_expunge_hold_find(&holds, "d", 10) == NULL);
}
END_TEST

START_TEST(spans)
{
	static const struct {
		const char *text;
		unsigned int secs;
		bool ok;
	} cases[] = {
		{ "0", 0, TRUE }, { "1", 86400, TRUE }, { "30s", 30, TRUE },
		{ "2 min", 120, TRUE }, { "12H", 43200, TRUE },
		{ "1 day", 86400, TRUE }, { "2 weeks", 1209600, TRUE },
		{ "49710d", 4294944000U, TRUE }, { "49711d", 0, FALSE },
		{ "", 0, FALSE }, { "d", 0, FALSE }, { "-1d", 0, FALSE },
		{ "1x", 0, FALSE }, { "1 dayss", 0, FALSE },
		{ "2026-11-28", 0, FALSE }, { "99999999999d", 0, FALSE },
	};
	unsigned int secs = 0;
	const char *error = NULL;

	ck_assert_msg((lazy_expunge_hold_parse_span(cases[_i].text, &secs,
				&error) == 0) == cases[_i].ok, "%s",
		      cases[_i].text);
	if (cases[_i].ok)
		ck_assert_uint_eq(secs, cases[_i].secs);
	else
		ck_assert(strstr(error, cases[_i].text) == error);
}
END_TEST

START_TEST(names)
{
	static const struct {
		const char *name;
		bool ok;
	} cases[] = {
		{ "Fall 12/2026", TRUE }, { "\xc3\xbc", TRUE }, { "", FALSE },
		{ "a\tb", FALSE }, { "a\nb", FALSE }, { "a\x7f", FALSE },
		{ "\xff", FALSE },
	};
	const char *error = NULL;

	ck_assert((lazy_expunge_hold_check_name(cases[_i].name, &error) == 0) ==
		  cases[_i].ok);
	ck_assert((error == NULL) == cases[_i].ok);
}
END_TEST

Suite *unit_suite(void)
{
	TCase *tcase;
	Suite *suite = unit_suite_create("hold", &tcase);

	tcase_add_test(tcase, a_file_is_read_as_it_was_written);
	tcase_add_loop_test(tcase, what_is_not_whole_is_not_read, 0,
			    N_ELEMENTS(no_files));
	tcase_add_loop_test(tcase, a_hold_is_in_force_until_its_end, 0, 5);
	tcase_add_test(tcase, a_hold_is_found_by_its_name_until_it_is_released);
	tcase_add_loop_test(tcase, spans, 0, 16);
	tcase_add_loop_test(tcase, names, 0, 7);
	return suite;
}
