/* Values of the settings: what is taken, and what is refused and how. */

#include "unit.h"
#include "core/setting-values.h"

#define KEY "lazy_expunge_key"

static const struct {
	const char *text;
	bool value;
} bools[] = {
	{ "yes", TRUE }, { "YES", TRUE }, { "Yes", TRUE }, { "y", TRUE },
	{ "true", TRUE }, { "t", TRUE }, { "1", TRUE }, { "on", TRUE },
	{ "no", FALSE }, { "NO", FALSE }, { "No", FALSE }, { "n", FALSE },
	{ "false", FALSE }, { "f", FALSE }, { "0", FALSE }, { "off", FALSE },
};
static const char *const bad_bools[] = {
	"ye", "yess", "yes ", " yes", "nope", "maybe", "2", "-1", "10", "00",
	"yes no", "o", "of", "\xc3\xbc",
};

START_TEST(bool_is_read)
{
	const char *error = NULL;
	bool value = !bools[_i].value;

	ck_assert_int_eq(lazy_expunge_settings_parse_bool(KEY, bools[_i].text,
							  &value, &error), 0);
	ck_assert(value == bools[_i].value && error == NULL);
}
END_TEST

START_TEST(bad_bool_is_refused)
{
	const char *error = NULL;
	bool value = TRUE;

	ck_assert_int_eq(lazy_expunge_settings_parse_bool(KEY, bad_bools[_i],
							  &value, &error), -1);
	ck_assert(value);
	unit_assert_names(error, KEY, bad_bools[_i]);
}
END_TEST

static const struct {
	const char *text;
	unsigned int num;
} numbers[] = {
	{ "0", 0 }, { "1", 1 }, { "20000", 20000 }, { "4294967295", UINT_MAX },
};
static const char *const bad_numbers[] = {
	"many", "1.5", "20k", "-1", "+1", " 1", "1 ", "4294967296", "0x10",
};

START_TEST(number_is_read)
{
	const char *error = NULL;
	unsigned int num = 7;

	ck_assert_int_eq(lazy_expunge_settings_parse_number(
		KEY, numbers[_i].text, &num, &error), 0);
	ck_assert(num == numbers[_i].num && error == NULL);
}
END_TEST

START_TEST(bad_number_is_refused)
{
	const char *error = NULL;
	unsigned int num = 7;

	ck_assert_int_eq(lazy_expunge_settings_parse_number(
		KEY, bad_numbers[_i], &num, &error), -1);
	ck_assert(num == 7);
	unit_assert_names(error, KEY, bad_numbers[_i]);
}
END_TEST

static const struct {
	struct lazy_expunge_look_bounds look;
	/* NULL = fine */
	const char *key, *value;
} looks[] = {
	{ { 20000, 250, 400000, 0 }, NULL, NULL },
	{ { 1, 1, 1000, 1 }, NULL, NULL },
	{ { 10000000, 10000, 100000000, UINT_MAX }, NULL, NULL },
	{ { 0, 1, 1000, 0 }, "lazy_expunge_look_mails", "0" },
	{ { 10000001, 1, 1000, 0 }, "lazy_expunge_look_mails", "10000001" },
	{ { 1, 0, 1000, 0 }, "lazy_expunge_look_time", "0ms" },
	{ { 1, 10001, 1000, 0 }, "lazy_expunge_look_time", "10001ms" },
	{ { 1, 1, 999, 0 }, "lazy_expunge_look_remember", "999" },
	{ { 1, 1, 100000001, 0 }, "lazy_expunge_look_remember", "100000001" },
};

START_TEST(look_is_checked)
{
	const char *error = NULL;
	int ret = lazy_expunge_settings_check_look(&looks[_i].look, &error);

	ck_assert_int_eq(ret, looks[_i].key == NULL ? 0 : -1);
	if (ret < 0)
		unit_assert_names(error, looks[_i].key, looks[_i].value);
}
END_TEST

#define KB (UINT64_C(1) << 10)
#define MB (UINT64_C(1) << 20)
#define GB (UINT64_C(1) << 30)
#define TB (UINT64_C(1) << 40)
#define PB (UINT64_C(1) << 50)
#define EB (UINT64_C(1) << 60)

static const struct {
	const char *text;
	uint64_t bytes;
} sizes[] = {
	{ "", 0 }, { "0", 0 }, { "unlimited", 0 }, { "Unlimited", 0 },
	{ "0M", 0 }, { "00", 0 },
	{ "1", 1 }, { "1023", 1023 }, { "1b", 1 }, { "1B", 1 }, { "7 B", 7 },
	{ "1k", KB }, { "1K", KB }, { "1kB", KB }, { "1KB", KB },
	{ "1KiB", KB }, { "1Ki", KB }, { "1 k", KB }, { "1 kB", KB },
	{ "1m", MB }, { "1M", MB }, { "500M", 500 * MB }, { "500 MB", 500 * MB },
	{ "2G", 2 * GB }, { "2GiB", 2 * GB }, { "2g", 2 * GB },
	{ "3T", 3 * TB }, { "3t", 3 * TB }, { "4P", 4 * PB }, { "1E", EB },
	{ "010", 10 },
	/* at the limit, with each unit */
	{ "9223372036854775806", LLONG_MAX - 1 },
	{ "9223372036854775807", LLONG_MAX },
	{ "9007199254740991k", 9007199254740991 * KB },
	{ "8796093022207M", 8796093022207 * MB },
	{ "8589934591G", 8589934591 * GB },
	{ "8388607T", 8388607 * TB },
	{ "8191P", 8191 * PB },
	{ "7E", 7 * EB },
};
static const char *const bad_sizes[] = {
	/* above the limit */
	"9223372036854775808", "18446744073709551616",
	"99999999999999999999999999999999", "9007199254740992k",
	"8796093022208M", "8589934592G", "8388608T", "8192P", "8E",
	/* not a number, or more than one */
	"-1", "+1", " 1", "1 ", "1  M", "M", "B", "k", ".5G", "1.5G", "1,5G",
	"0x10", "1e3", "ten", "1M2", "1MM", "1Mi B", "1iB", "1i", "1bB", "1BB",
	"1BM", "10Z", "10%", "limited", "unlimited ", "\xc3\xbc",
};

START_TEST(size_is_read)
{
	const char *error = NULL;
	uint64_t bytes = 42;

	T_BEGIN {
		ck_assert_msg(lazy_expunge_settings_parse_size(KEY,
				sizes[_i].text, &bytes, &error) == 0,
			      "%s", error);
		ck_assert_msg(bytes == sizes[_i].bytes, "%s is %"PRIu64,
			      sizes[_i].text, bytes);
	} T_END;
	ck_assert_ptr_null(error);
}
END_TEST

START_TEST(bad_size_is_refused)
{
	const char *error = NULL;
	uint64_t bytes = 0;

	ck_assert_msg(lazy_expunge_settings_parse_size(KEY, bad_sizes[_i],
						       &bytes, &error) == -1,
		      "%s is taken for %"PRIu64, bad_sizes[_i], bytes);
	unit_assert_names(error, KEY, bad_sizes[_i]);
}
END_TEST

static const char *const bad_on_failures[] = {
	"", "Refuse", "REFUSE", "refuse ", "expunge:refuse", "refuse expunge",
	"keep", "yes",
};

START_TEST(on_failure_is_read)
{
	enum lazy_expunge_on_failure value = LAZY_EXPUNGE_ON_FAILURE_EXPUNGE;
	const char *error = NULL;

	ck_assert_int_eq(lazy_expunge_settings_parse_on_failure(
				KEY, "refuse", &value, &error), 0);
	ck_assert_int_eq(value, LAZY_EXPUNGE_ON_FAILURE_REFUSE);
	ck_assert_int_eq(lazy_expunge_settings_parse_on_failure(
				KEY, "expunge", &value, &error), 0);
	ck_assert_int_eq(value, LAZY_EXPUNGE_ON_FAILURE_EXPUNGE);
	ck_assert_ptr_null(error);
}
END_TEST

START_TEST(bad_on_failure_is_refused)
{
	enum lazy_expunge_on_failure value = LAZY_EXPUNGE_ON_FAILURE_REFUSE;
	const char *error = NULL;

	ck_assert_int_eq(lazy_expunge_settings_parse_on_failure(
				KEY, bad_on_failures[_i], &value, &error), -1);
	ck_assert_int_eq(value, LAZY_EXPUNGE_ON_FAILURE_REFUSE);
	unit_assert_names(error, KEY, bad_on_failures[_i]);
}
END_TEST

static const char *const storages[] = {
	"", ".EXPUNGED", ".EXPUNGED/", ".EXPUNGED.", "EXPUNGED", "EXP/",
	"INBOX.EXPUNGED", "INBOX/EXPUNGED", "INBOXX", "INBO", "Deleted items",
	"a", "/a", "a/", "..a..", "~x", "100% #1", "Gel\xc3\xb6scht & weg",
	"\xf0\x9f\x98\x80", " ", "!", "~",
};
static const char *const bad_storages[] = {
	/* no name in it */
	"../outside", "a/../b", "a/.", ".", "/", "./", "..", "//", "./.",
	/* the mailbox that it is for */
	"INBOX", "inbox", "Inbox", "INBOX/", "inbox.", "INBOX//",
	/* control characters, both ends */
	"a\x01", "\x1f", "a\x7f", "a\nb", "a\tb", "\r",
	/* not UTF-8: a bare byte, a torn, an overlong sequence, a surrogate */
	"\xff", "a\x80", "Gel\xf6scht", "\xc3", "\xe2\x82", "\xc0\xaf",
	"\xed\xa0\x80", "\xf4\x90\x80\x80",
};

START_TEST(storage_name_is_taken)
{
	const char *error = NULL;

	ck_assert_msg(lazy_expunge_settings_check_storage(KEY, storages[_i],
							  &error) == 0,
		      "%s", error);
	ck_assert_ptr_null(error);
}
END_TEST

START_TEST(bad_storage_name_is_refused)
{
	const char *error = NULL;

	ck_assert_msg(lazy_expunge_settings_check_storage(KEY,
				bad_storages[_i], &error) == -1,
		      "%s is taken", bad_storages[_i]);
	unit_assert_names(error, KEY, "");
}
END_TEST

static const struct {
	const char *storage, *exclude;
	bool nothing;
} covers[] = {
	{ ".EXPUNGED", NULL, FALSE }, { ".EXPUNGED", "", FALSE },
	{ ".EXPUNGED", "*", TRUE }, { ".EXPUNGED", "**", TRUE },
	{ ".EXPUNGED", "*a", FALSE }, { ".EXPUNGED", "a*", FALSE },
	{ ".EXPUNGED", "?*", FALSE }, { ".EXPUNGED", "%", FALSE },
	{ ".EXPUNGED", "\\*", FALSE },
	/* switched off: that is said in another way */
	{ "", "*", FALSE },
};

START_TEST(a_list_that_covers_everything_is_seen)
{
	const char *const alone[] = { covers[_i].exclude, NULL };
	const char *const second[] = { "Trash", covers[_i].exclude, NULL };
	struct lazy_expunge_settings set = { .storage = covers[_i].storage };

	set.exclude = alone;
	ck_assert(lazy_expunge_settings_protect_nothing(&set) ==
		  covers[_i].nothing);
	set.exclude = second;
	ck_assert(lazy_expunge_settings_protect_nothing(&set) ==
		  covers[_i].nothing);
	set.exclude = NULL;
	ck_assert(!lazy_expunge_settings_protect_nothing(&set));
}
END_TEST

Suite *unit_suite(void)
{
	TCase *tcase;
	Suite *suite = unit_suite_create("settings", &tcase);

	tcase_add_loop_test(tcase, bool_is_read, 0, N_ELEMENTS(bools));
	tcase_add_loop_test(tcase, bad_bool_is_refused,
			    0, N_ELEMENTS(bad_bools));
	tcase_add_loop_test(tcase, number_is_read, 0, N_ELEMENTS(numbers));
	tcase_add_loop_test(tcase, bad_number_is_refused,
			    0, N_ELEMENTS(bad_numbers));
	tcase_add_loop_test(tcase, look_is_checked, 0, N_ELEMENTS(looks));
	tcase_add_loop_test(tcase, size_is_read, 0, N_ELEMENTS(sizes));
	tcase_add_loop_test(tcase, bad_size_is_refused,
			    0, N_ELEMENTS(bad_sizes));
	tcase_add_test(tcase, on_failure_is_read);
	tcase_add_loop_test(tcase, bad_on_failure_is_refused,
			    0, N_ELEMENTS(bad_on_failures));
	tcase_add_loop_test(tcase, storage_name_is_taken,
			    0, N_ELEMENTS(storages));
	tcase_add_loop_test(tcase, bad_storage_name_is_refused,
			    0, N_ELEMENTS(bad_storages));
	tcase_add_loop_test(tcase, a_list_that_covers_everything_is_seen,
			    0, N_ELEMENTS(covers));
	return suite;
}
