/* Renames: what is written is read again, and names are followed to where the
   mailbox is. */

#include "unit.h"
#include "array.h"
#include "str.h"
#include "core/rename-lines.h"

#define GUID_A "0123456789abcdef0123456789abcdef"
#define GUID_B "fedcba9876543210fedcba9876543210"

static const struct {
	const char *old_name, *new_name;
} names[] = {
	{ "Work", "Archive" },
	{ "Work/Old", "Work/Older still" },
	{ "a\tb", "c\nd\001e\r" },
	{ "\xc3\xbc", "\xe2\x82\xac/\\" },
};

START_TEST(a_line_is_read_as_it_was_written)
{
	struct lazy_expunge_rename in = {
		.time = 1234567890,
		.old_name = names[_i].old_name,
		.new_name = names[_i].new_name,
	}, out;
	pool_t pool = pool_alloconly_create("test", 256);
	string_t *line = str_new(pool, 64);

	ck_assert_int_eq(guid_128_from_string(GUID_A, in.guid), 0);
	lazy_expunge_rename_append(line, &in);
	ck_assert_int_eq(str_data(line)[str_len(line) - 1], '\n');
	str_truncate(line, str_len(line) - 1);
	ck_assert(strchr(str_c(line), '\n') == NULL);
	ck_assert(lazy_expunge_rename_parse(str_c(line), pool, &out));
	ck_assert_int_eq(out.time, in.time);
	ck_assert(guid_128_equals(out.guid, in.guid));
	ck_assert_str_eq(out.old_name, in.old_name);
	ck_assert_str_eq(out.new_name, in.new_name);
	pool_unref(&pool);
}
END_TEST

static const char *const no_lines[] = {
	"", "\t\t\t", "nonsense", "1\t"GUID_A"\told", "1\t"GUID_A"\told\t",
	"1\t"GUID_A"\t\tnew", "x\t"GUID_A"\told\tnew", "1\t1234\told\tnew",
	"1\t"GUID_A"\told\tnew\tmore",
	"1\t"GUID_A"\t\xe4\tnew", "1\t"GUID_A"\told\t\xc3",
	"1\t00000000000000000000000000000000\told\tnew",
};

START_TEST(what_is_no_line_is_not_read)
{
	struct lazy_expunge_rename rename;
	pool_t pool = pool_alloconly_create("test", 256);

	ck_assert_msg(!lazy_expunge_rename_parse(no_lines[_i], pool, &rename),
		      "%s", no_lines[_i]);
	pool_unref(&pool);
}
END_TEST

/* Work is renamed twice, another Work once, and one mailbox not at all. */
static const char *const history[] = {
	"100\t"GUID_A"\tWork\tArchive",
	"100\t"GUID_A"\tArchive\tOld",
	"200\t"GUID_B"\tWork\tOther",
};

static const struct {
	const char *name;
	time_t when;
	const char *now;
} searches[] = {
	{ "Work", 0, "Old" },
	{ "Work", 99, "Old" },
	{ "Work", 100, "Old" },
	{ "Work", 101, "Other" },
	{ "Work", 200, "Other" },
	{ "Work", 201, NULL },
	{ "Archive", 100, "Old" },
	{ "Archive", 101, NULL },
	{ "Old", 0, NULL },
	{ "work", 0, NULL },
	{ "Wor", 0, NULL },
};

START_TEST(a_name_is_followed)
{
	struct lazy_expunge_rename renames[N_ELEMENTS(history)];
	const struct lazy_expunge_rename *found;
	const char *now = NULL;
	pool_t pool = pool_alloconly_create("test", 256);

	for (unsigned int i = 0; i < N_ELEMENTS(history); i++) {
		ck_assert(lazy_expunge_rename_parse(history[i], pool,
						    &renames[i]));
	}
	found = lazy_expunge_renames_find(renames, N_ELEMENTS(renames),
					  searches[_i].name, searches[_i].when);
	if (found != NULL) {
		now = lazy_expunge_renames_last_name(renames,
				N_ELEMENTS(renames), found->guid);
		ck_assert(now != NULL);
	}
	ck_assert_msg(null_strcmp(now, searches[_i].now) == 0, "%s at %ld: %s",
		      searches[_i].name, (long)searches[_i].when, now);
	ck_assert(lazy_expunge_renames_find(renames, 0, "Work", 0) == NULL);
	pool_unref(&pool);
}
END_TEST

/* "Work" was renamed at 100, and another of that name at 200. */
static const char *const twice[] = {
	"100\t"GUID_A"\tWork\tArchive", "150\t"GUID_A"\tArchive\tOld",
	"200\t"GUID_B"\tWork\tDone",
};

static const struct {
	time_t times[6];
	/* mails and the time of the rename (0 = none) of each run */
	struct { unsigned int count; time_t rename; } runs[4];
} partings[] = {
	{ { 0 }, { { 0, 0 } } },
	{ { 99 }, { { 1, 100 } } },
	{ { 100 }, { { 1, 100 } } },
	{ { 101 }, { { 1, 200 } } },
	{ { 201 }, { { 1, 0 } } },
	{ { 1, 50, 100, 101, 200, 201 }, { { 3, 100 }, { 2, 200 }, { 1, 0 } } },
	{ { 7, 8, 300, 301 }, { { 2, 100 }, { 2, 0 } } },
	{ { 150, 150, 150 }, { { 3, 200 } } },
	{ { 300, 400, 500 }, { { 3, 0 } } },
};

START_TEST(deletions_are_parted_at_renames)
{
	struct lazy_expunge_rename renames[N_ELEMENTS(twice)];
	const struct lazy_expunge_rename_run *run;
	ARRAY_TYPE(lazy_expunge_rename_run) runs;
	pool_t pool = pool_alloconly_create("test", 256);
	unsigned int count = 0, n = 0;

	for (unsigned int i = 0; i < N_ELEMENTS(twice); i++) {
		ck_assert(lazy_expunge_rename_parse(twice[i], pool,
						    &renames[i]));
	}
	while (count < 6 && partings[_i].times[count] != 0)
		count++;
	p_array_init(&runs, pool, 4);
	lazy_expunge_renames_part(renames, N_ELEMENTS(renames), "Work",
				  partings[_i].times, count, &runs);
	array_foreach(&runs, run) {
		ck_assert_uint_eq(run->count, partings[_i].runs[n].count);
		ck_assert_int_eq(run->rename == NULL ? 0 : run->rename->time,
				 partings[_i].runs[n].rename);
		n++;
	}
	ck_assert_uint_eq(partings[_i].runs[n].count, 0);
	pool_unref(&pool);
}
END_TEST

Suite *unit_suite(void)
{
	TCase *tcase;
	Suite *suite = unit_suite_create("renames", &tcase);

	tcase_add_loop_test(tcase, a_line_is_read_as_it_was_written,
			    0, N_ELEMENTS(names));
	tcase_add_loop_test(tcase, what_is_no_line_is_not_read,
			    0, N_ELEMENTS(no_lines));
	tcase_add_loop_test(tcase, a_name_is_followed,
			    0, N_ELEMENTS(searches));
	tcase_add_loop_test(tcase, deletions_are_parted_at_renames,
			    0, N_ELEMENTS(partings));
	return suite;
}
