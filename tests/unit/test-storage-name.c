/* Legal names of storages: the rules of mailbox_verify_name(). */

#include "unit.h"
#include "core/storage-name.h"

static const struct {
	const char *name;
	char ns_sep, list_sep;
	bool escapes;
	const char *legal;
} names[] = {
	{ "", '/', '.', FALSE, "" },
	{ "EXPUNGED", '/', '.', FALSE, "EXPUNGED" },
	/* the list's separator, where it means nothing to the namespace */
	{ ".EXPUNGED", '/', '.', FALSE, "=2eEXPUNGED" },
	{ "a.b", '/', '.', FALSE, "a=2eb" },
	{ "a.b.", '/', '.', FALSE, "a=2eb=2e" },
	/* or is escaped by the list */
	{ ".EXPUNGED", '/', '.', TRUE, ".EXPUNGED" },
	/* of both: between names only */
	{ ".EXPUNGED", '.', '.', FALSE, "=2eEXPUNGED" },
	{ ".EXPUNGED", '.', '.', TRUE, "=2eEXPUNGED" },
	{ "a.b", '.', '.', FALSE, "a.b" },
	{ "a..b", '.', '.', FALSE, "a.=2eb" },
	{ "..a", '.', '.', FALSE, "=2e=2ea" },
	{ "a.", '.', '.', FALSE, "a." },
	{ ".EXPUNGED", '/', '/', FALSE, ".EXPUNGED" },
	{ "/a", '/', '/', FALSE, "=2fa" },
	{ "a/b", '/', '/', FALSE, "a/b" },
	{ "a//b", '/', '.', FALSE, "a/=2fb" },
	/* what looks escaped stays as it is */
	{ "=2eEXPUNGED", '/', '.', FALSE, "=2eEXPUNGED" },
	{ "Gr\xc3\xbc\xc3\x9f""e", '/', '.', FALSE, "Gr\xc3\xbc\xc3\x9f""e" },
};

START_TEST(name_is_legal)
{
	ck_assert_str_eq(lazy_expunge_legal_name(names[_i].name,
						 names[_i].ns_sep,
						 names[_i].list_sep,
						 names[_i].escapes),
			 names[_i].legal);
}
END_TEST

START_TEST(legal_name_is_legal_already)
{
	const char *legal = names[_i].legal;

	ck_assert_str_eq(lazy_expunge_legal_name(legal, names[_i].ns_sep,
						 names[_i].list_sep,
						 names[_i].escapes), legal);
}
END_TEST

Suite *unit_suite(void)
{
	TCase *tcase;
	Suite *suite = unit_suite_create("storage-name", &tcase);

	tcase_add_loop_test(tcase, name_is_legal, 0, N_ELEMENTS(names));
	tcase_add_loop_test(tcase, legal_name_is_legal_already, 0,
			    N_ELEMENTS(names));
	return suite;
}
