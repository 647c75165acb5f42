/* Width of text on a terminal. */

#include "unit.h"
#include "core/text-width.h"

static const struct {
	const char *text;
	size_t width;
} widths[] = {
	{ "", 0 },
	{ "abc", 3 },
	{ "Gr\xc3\xbc\xc3\x9f""e", 5 },
	/* u and a combining mark */
	{ "u\xcc\x88", 1 },
	/* two ideographs */
	{ "\xe6\x97\xa5\xe6\x9c\xac", 4 },
	{ "\xd9\x86\xd8\xa7\xd9\x85\xd9\x87", 4 },
	/* a joiner */
	{ "a\xe2\x80\x8d""b", 2 },
};

START_TEST(text_has_its_width)
{
	ck_assert_uint_eq(lazy_expunge_text_width(widths[_i].text),
			  widths[_i].width);
}
END_TEST

static const struct {
	const char *text;
	size_t width;
	const char *fit;
} fits[] = {
	{ "abc", 3, "abc" },
	{ "abcd", 3, "ab\xe2\x80\xa6" },
	{ "", 1, "" },
	{ "ab", 1, "\xe2\x80\xa6" },
	/* no half of a wide character */
	{ "\xe6\x97\xa5\xe6\x9c\xac", 3, "\xe6\x97\xa5\xe2\x80\xa6" },
	{ "\xe6\x97\xa5\xe6\x9c\xac", 2, "\xe2\x80\xa6" },
	{ "\xe6\x97\xa5\xe6\x9c\xac", 4, "\xe6\x97\xa5\xe6\x9c\xac" },
	/* a mark stays with its letter */
	{ "u\xcc\x88xy", 2, "u\xcc\x88\xe2\x80\xa6" },
};

START_TEST(text_is_cut_to_fit)
{
	const char *fit =
		lazy_expunge_text_fit(fits[_i].text, fits[_i].width);

	ck_assert_str_eq(fit, fits[_i].fit);
	ck_assert_uint_le(lazy_expunge_text_width(fit), fits[_i].width);
}
END_TEST

Suite *unit_suite(void)
{
	TCase *tcase;
	Suite *suite = unit_suite_create("text-width", &tcase);

	tcase_add_loop_test(tcase, text_has_its_width, 0, N_ELEMENTS(widths));
	tcase_add_loop_test(tcase, text_is_cut_to_fit, 0, N_ELEMENTS(fits));
	return suite;
}
