/* Lines of watched files: each thing that changes changes the line, and only the
   path can be read back. */

#include "unit.h"
#include "str.h"
#include "core/file-line.h"

static const struct stat base = {
	.st_ino = 0x1234, .st_size = 4096,
	.st_ctim = { .tv_sec = 0x5678, .tv_nsec = 987654321 },
};

static const char *file_line(const struct stat *st, const char *path)
{
	string_t *line = t_str_new(64);

	lazy_expunge_file_line_append(line, st, path);
	return str_c(line);
}

START_TEST(a_line_says_what_the_file_was)
{
	ck_assert_str_eq(file_line(&base, "/mail/a b"),
			 "0000000000001234 0000000000001000 "
			 "0000005678.987654321 /mail/a b");
}
END_TEST

START_TEST(a_file_that_is_not_there_has_a_line)
{
	struct stat none;

	i_zero(&none);
	ck_assert_str_eq(file_line(&none, "/x"),
			 "0000000000000000 0000000000000000 "
			 "0000000000.000000000 /x");
}
END_TEST

START_TEST(each_change_shows)
{
	struct stat changed[4];
	const char *before = file_line(&base, "/x"), *after;

	for (unsigned int i = 0; i < N_ELEMENTS(changed); i++)
		changed[i] = base;
	changed[0].st_ino++;
	changed[1].st_size--;
	changed[2].st_ctim.tv_sec++;
	changed[3].st_ctim.tv_nsec--;
	after = file_line(&changed[_i], "/x");
	ck_assert_str_ne(before, after);
	/* so that it can be written over */
	ck_assert_uint_eq(strlen(before), strlen(after));
}
END_TEST

static const struct {
	const char *line, *path;
} lines[] = {
	{ "1 2 3 /a", "/a" },
	{ "1 2 3 /a b  c", "/a b  c" },
	{ "1 2 3  ", " " },
	{ "", NULL },
	{ "1", NULL },
	{ "1 2 3", NULL },
	{ "1 2 3 ", NULL },
};

START_TEST(the_path_is_read)
{
	const char *path = lazy_expunge_file_line_path(lines[_i].line);

	ck_assert_msg(null_strcmp(path, lines[_i].path) == 0, "%s: %s",
		      lines[_i].line, path);
}
END_TEST

Suite *unit_suite(void)
{
	TCase *tcase;
	Suite *suite = unit_suite_create("file-line", &tcase);

	tcase_add_test(tcase, a_line_says_what_the_file_was);
	tcase_add_test(tcase, a_file_that_is_not_there_has_a_line);
	tcase_add_loop_test(tcase, each_change_shows, 0, 4);
	tcase_add_loop_test(tcase, the_path_is_read, 0, N_ELEMENTS(lines));
	return suite;
}
