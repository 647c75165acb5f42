/* Records of deleted accounts: what is written is read again, what is not whole
   is none, and what an id and a path are. */

#include "unit.h"
#include "array.h"
#include "str.h"
#include "core/account-record.h"

static void record_fill_namespaces(pool_t pool,
				   struct lazy_expunge_account *account)
{
	const struct lazy_expunge_account_setting sets[] = {
		{ .name = "mail_driver", .value = "mdbox" },
		{ .name = "mail_path", .value = "/m/a\tb" },
	};
	const struct lazy_expunge_account_storage storages[] = {
		{ .name = ".EXPUNGED", .name_end = "" },
		{ .name = "Old/", .name_end = "/\n", .tree = TRUE },
	};
	struct lazy_expunge_account_namespace *ns;

	p_array_init(&account->namespaces, pool, 2);
	for (unsigned int i = 0; i < 2; i++) {
		ns = array_append_space(&account->namespaces);
		ns->prefix = i == 0 ? "" : "Archive\t/";
		ns->separator = i == 0 ? '.' : '/';
		ns->inbox = i == 0;
		p_array_init(&ns->settings, pool, 2);
		array_append(&ns->settings, sets, N_ELEMENTS(sets));
		p_array_init(&ns->storages, pool, 2);
		array_append(&ns->storages, storages, i * 2);
	}
}

static void record_fill(pool_t pool, struct lazy_expunge_account *account)
{
	const struct lazy_expunge_account_part parts[] = {
		{ .from = "/m/a\tb", .to = "/m/.d/x/0", .dest = "" },
		{ .from = "/i/a", .to = "/i/.d/x/1", .dest = "/i/n",
		  .is_volatile = TRUE },
	};
	const struct lazy_expunge_account_place places[] = {
		{ .key = "mail ", .part = 0, .below = "/Maildir" },
		{ .key = "index EXP/", .part = 1, .below = "" },
	};

	i_zero(account);
	account->id = "anna.20261129T080000.00000001";
	account->user = "anna\n@\xc3\xa4.example";
	account->by = "";
	account->target = "berta";
	account->mailbox = "Old\tof anna";
	account->step = LAZY_EXPUNGE_ACCOUNT_BRINGING;
	account->deleted = 1795939200;
	account->kept_until = 0;
	account->renaming = TRUE;
	account->messages = -1;
	account->bytes = INT64_MAX;
	p_array_init(&account->parts, pool, 2);
	array_append(&account->parts, parts, N_ELEMENTS(parts));
	p_array_init(&account->places, pool, 2);
	array_append(&account->places, places, N_ELEMENTS(places));
	record_fill_namespaces(pool, account);
}

START_TEST(a_record_is_read_as_it_was_written)
{
	pool_t pool = pool_alloconly_create("test", 4096);
	struct lazy_expunge_account in, out;
	string_t *text = str_new(pool, 256), *again = str_new(pool, 256);
	const char *error = NULL;

	record_fill(pool, &in);
	lazy_expunge_account_append(text, &in);
	ck_assert_msg(lazy_expunge_account_parse(str_c(text), str_len(text),
						 pool, &out, &error) == 0,
		      "%s", error);
	ck_assert_str_eq(out.user, in.user);
	ck_assert_int_eq(out.step, in.step);
	ck_assert_int_eq(out.bytes, in.bytes);
	ck_assert_uint_eq(array_count(&out.parts), 2);
	ck_assert_uint_eq(array_count(&out.places), 2);
	ck_assert_uint_eq(array_count(&out.namespaces), 2);
	ck_assert_str_eq(out.mailbox, in.mailbox);
	lazy_expunge_account_append(again, &out);
	ck_assert_str_eq(str_c(again), str_c(text));
	pool_unref(&pool);
}
END_TEST

START_TEST(a_part_of_a_record_is_none)
{
	pool_t pool = pool_alloconly_create("test", 4096);
	struct lazy_expunge_account in, out;
	string_t *text = str_new(pool, 256);
	const char *error;

	record_fill(pool, &in);
	lazy_expunge_account_append(text, &in);
	for (size_t len = 0; len < str_len(text); len++) {
		ck_assert_int_eq(lazy_expunge_account_parse(str_c(text), len,
				pool, &out, &error), -1);
	}
	str_append(text, "more\n");
	ck_assert_int_eq(lazy_expunge_account_parse(str_c(text), str_len(text),
						    pool, &out, &error), -1);
	pool_unref(&pool);
}
END_TEST

static const char *const bad_lines[] = {
	"", "lazy-expunge-account\t2\nend\n", "lazy-expunge-account\t1\nend\n",
	"lazy-expunge-account\t1\nid\tx\nuser\ty\npart\t0\tm\t/n\t\nend\n",
	"lazy-expunge-account\t1\nid\t../x\nuser\ty\npart\t0\t/m\t/n\t\nend\n",
	"lazy-expunge-account\t1\nplace\t0\tmail\t\nend\n",
	"lazy-expunge-account\t1\nstep\tflying\nend\n",
	"lazy-expunge-account\t1\ndeleted\tyesterday\nend\n",
	"lazy-expunge-account\t1\nother\t1\nend\n",
	"lazy-expunge-account\t1\nsetting\tmail_path\t/m\nend\n",
	"lazy-expunge-account\t1\nnamespace\t//\t1\t\nend\n",
};

START_TEST(what_is_not_understood_is_none)
{
	pool_t pool = pool_alloconly_create("test", 1024);
	struct lazy_expunge_account account;
	const char *error;

	ck_assert_int_eq(lazy_expunge_account_parse(bad_lines[_i],
		strlen(bad_lines[_i]), pool, &account, &error), -1);
	ck_assert(*error != '\0');
	pool_unref(&pool);
}
END_TEST

START_TEST(an_id_is_a_file_name)
{
	const char *id = lazy_expunge_account_make_id("../a/b@\xc3\xa4", 0, 7);
	char name[4096];

	ck_assert(lazy_expunge_account_is_id(id));
	ck_assert_ptr_nonnull(strstr(id, ".19700101T000000.00000007"));
	memset(name, '/', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ck_assert(lazy_expunge_account_is_id(
		lazy_expunge_account_make_id(name, 0, 0)));
	ck_assert(!lazy_expunge_account_is_id(""));
	ck_assert(!lazy_expunge_account_is_id(".x"));
	ck_assert(!lazy_expunge_account_is_id("x/y"));
}
END_TEST

static const struct {
	const char *path, *other;
	bool below, names;
} paths[] = {
	{ "/home/anna", "/home/anna", TRUE, FALSE },
	{ "/home/anna/x", "/home/anna", TRUE, FALSE },
	{ "/home/anna/x", "/home/anna/", TRUE, FALSE },
	{ "/home/annabel", "/home/anna", FALSE, FALSE },
	{ "/home", "/", TRUE, FALSE },
	{ "/srv/example.com/anna", "anna@example.com", FALSE, TRUE },
	{ "/srv/Anna@Example.Com/mail", "anna@example.com", FALSE, TRUE },
	{ "/srv/vmail", "anna@example.com", FALSE, FALSE },
	{ "/srv/annabel", "anna", FALSE, FALSE },
};

START_TEST(a_path_is_below_another_and_names_a_user)
{
	if (*paths[_i].other == '/')
		ck_assert(lazy_expunge_account_path_is_below(paths[_i].path,
			paths[_i].other) == paths[_i].below);
	else
		ck_assert(lazy_expunge_account_path_names_user(paths[_i].path,
			paths[_i].other) == paths[_i].names);
}
END_TEST

static const struct {
	const char *setting, *path, *user;
	bool names;
} settings[] = {
	{ "/srv/att/%u", "/srv/att/anna@x.org", "anna@x.org", TRUE },
	{ "/srv/%d/%n/att", "/srv/x.org/anna/att", "anna@x.org", TRUE },
	{ "/srv/%{user|username}", "/srv/Anna", "anna@x.org", TRUE },
	{ "/srv/att/%u", "/srv/att/annabel", "anna", FALSE },
	/* by chance */
	{ "/srv/att", "/srv/att", "att", FALSE },
	{ "/srv/%d/att", "/srv/x.org/att", "att@x.org", FALSE },
	{ "/srv/%d/att", "/srv/x.org/att", "srv@x.org", FALSE },
	/* the variable has a directory in it */
	{ "%h/att", "/home/att/att", "att", FALSE },
	{ "~/att", "/home/att/att", "att", FALSE },
	{ "", "", "anna", FALSE },
};

START_TEST(a_setting_names_a_user_by_a_variable)
{
	ck_assert(lazy_expunge_account_setting_names_user(settings[_i].setting,
		settings[_i].path, settings[_i].user) == settings[_i].names);
}
END_TEST

Suite *unit_suite(void)
{
	TCase *tcase;
	Suite *suite = unit_suite_create("account-record", &tcase);

	tcase_add_test(tcase, a_record_is_read_as_it_was_written);
	tcase_add_test(tcase, a_part_of_a_record_is_none);
	tcase_add_loop_test(tcase, what_is_not_understood_is_none, 0,
			    N_ELEMENTS(bad_lines));
	tcase_add_test(tcase, an_id_is_a_file_name);
	tcase_add_loop_test(tcase, a_path_is_below_another_and_names_a_user, 0,
			    N_ELEMENTS(paths));
	tcase_add_loop_test(tcase, a_setting_names_a_user_by_a_variable, 0,
			    N_ELEMENTS(settings));
	return suite;
}
