/* Archives: names that can be unpacked everywhere, and the manifest. */

#include "unit.h"
#include "array.h"
#include "str.h"
#include "core/archive-name.h"
#include "core/json-line.h"
#include "core/manifest.h"

#define TIME 1672628645

static const struct {
	const char *origin, *subject, *name;
} names[] = {
	{ "INBOX", "Offer", "INBOX/2023-01-02 03.04.05 Offer" },
	{ "Work/Spring", "Gr\xc3\xbc\xc3\x9f""e",
	  "Work/Spring/2023-01-02 03.04.05 Gr\xc3\xbc\xc3\x9f""e" },
	{ "", "", "unknown mailbox/2023-01-02 03.04.05 no subject" },
	{ "../..", "../../etc/passwd",
	  "_/_/2023-01-02 03.04.05 _.._.._etc_passwd" },
	{ "a//b", " . ", "a/_/b/2023-01-02 03.04.05 no subject" },
	{ ".hidden/-rf/~root", "x. . .",
	  "_.hidden/_-rf/_~root/2023-01-02 03.04.05 x" },
	{ "CON/lpt1.old/com", "nul.txt",
	  "_CON/_lpt1.old/com/2023-01-02 03.04.05 _nul.txt" },
	{ "a:b", "c*d?e\"f<g>h|i\\j\n",
	  "a_b/2023-01-02 03.04.05 c_d_e_f_g_h_i_j_" },
	{ "x\xe2\x80\xae""y", "\xe2\x80\xa8\xff\xef\xbb\xbf\x7f",
	  "x_y/2023-01-02 03.04.05 ____" },
};

START_TEST(names_are_safe)
{
	const char *name = lazy_expunge_archive_name(names[_i].origin, '/',
						     TIME, names[_i].subject);

	ck_assert_str_eq(name, names[_i].name);
	ck_assert(lazy_expunge_archive_name_is_safe(name));
}
END_TEST

START_TEST(names_are_short)
{
	string_t *long_text = t_str_new(4096);
	const char *name;

	for (unsigned int i = 0; i < 1000; i++)
		str_append(long_text, i % 10 == 9 ? "/" : "\xc3\xa4");
	name = lazy_expunge_archive_name(str_c(long_text), '/', TIME,
					 str_c(long_text));
	ck_assert_uint_lt(strlen(name), 230);
	ck_assert(lazy_expunge_archive_name_is_safe(name));
}
END_TEST

START_TEST(names_are_folded)
{
	ck_assert_str_eq(lazy_expunge_archive_name_fold("\xc3\x84""b"),
			 lazy_expunge_archive_name_fold("a\xcc\x88""B"));
	ck_assert_str_ne(lazy_expunge_archive_name_fold("ab"),
			 lazy_expunge_archive_name_fold("ac"));
}
END_TEST

static const char *const unsafe[] = {
	"", "/etc/passwd", "..", "a/../b", "./a", "a/.", "a//b", "a/", "a\\b",
	"a\nb", "a\x7f", "\xff"
};

START_TEST(unsafe_names_are_known)
{
	ck_assert(!lazy_expunge_archive_name_is_safe(unsafe[_i]));
}
END_TEST

static void mail_make(struct lazy_expunge_manifest_mail *mail)
{
	static const char *const flags[] = { "\\Seen", NULL };
	static const char *const keywords[] = { "own", "$Label", NULL };

	i_zero(mail);
	mail->file = "INBOX/x.eml";
	mail->guid = "0a1b";
	mail->uid = 7;
	mail->mailbox = ".EXPUNGED";
	mail->origin = "INBOX";
	mail->via = mail->deletion = mail->to = "";
	mail->from = "=\"a\" \\ \t\x01 \xf0\x9f\x98\x80";
	mail->subject = "b,\"c\"";
	mail->received = TIME;
	mail->flags = flags;
	mail->keywords = keywords;
	mail->size = 4711;
	mail->sha256 = "00ff";
}

START_TEST(a_mail_is_read_as_it_was_written)
{
	struct lazy_expunge_manifest_mail mail, back;
	pool_t pool = pool_alloconly_create("test", 1024);
	string_t *line = t_str_new(512), *again = t_str_new(512);

	mail_make(&mail);
	lazy_expunge_manifest_mail_write(line, &mail);
	ck_assert(strchr(str_c(line), '\n') == NULL);
	ck_assert_int_eq(lazy_expunge_manifest_mail_read(pool, str_c(line),
							 &back), 0);
	ck_assert_str_eq(back.from, mail.from);
	ck_assert_int_eq(back.received, TIME);
	ck_assert_int_eq(back.deleted, 0);
	ck_assert_uint_eq(back.size, 4711);
	lazy_expunge_manifest_mail_write(again, &back);
	ck_assert_str_eq(str_c(again), str_c(line));
	/* with what joins it to the next one */
	str_append_c(line, ',');
	ck_assert_int_eq(lazy_expunge_manifest_mail_read(pool, str_c(line),
							 &back), 0);
	str_truncate(line, str_len(line) - 2);
	ck_assert_int_eq(lazy_expunge_manifest_mail_read(pool, str_c(line),
							 &back), -1);
	pool_unref(&pool);
}
END_TEST

START_TEST(csv_is_quoted)
{
	struct lazy_expunge_manifest_mail mail;
	string_t *line = t_str_new(512);

	mail_make(&mail);
	lazy_expunge_manifest_mail_write_csv(line, &mail);
	ck_assert(strstr(str_c(line), ",\"b,\"\"c\"\"\",") != NULL);
	/* no formula */
	ck_assert(strstr(str_c(line), ",\"'=\"\"a\"\"") != NULL);
	ck_assert(strstr(str_c(line), ",\"own $Label\",") != NULL);
}
END_TEST

START_TEST(the_head_is_read_as_it_was_written)
{
	struct lazy_expunge_manifest_head head = {
		.user = "anna", .query = "ALL", .by = "root", .server = "mail",
		.dovecot = "2.4", .version = "1", .created = TIME,
		.messages = 2, .bytes = 5,
	}, back;
	pool_t pool = pool_alloconly_create("test", 1024);
	string_t *text = t_str_new(512);
	const char *const *lines;

	lazy_expunge_manifest_head_write(text, &head);
	lines = t_strsplit(str_c(text), "\n");
	ck_assert_int_eq(lazy_expunge_manifest_head_read(pool, lines[0],
							 &back), 0);
	ck_assert_str_eq(back.query, "ALL");
	ck_assert_uint_eq(back.messages, 2);
	ck_assert_int_eq(back.created, TIME);
	ck_assert_str_eq(lines[1], "\"mails\":[");
	ck_assert_int_eq(lazy_expunge_manifest_head_read(pool,
		t_str_replace(lines[0], '1', '2'), &back), -1);
	pool_unref(&pool);
}
END_TEST

static const struct {
	const char *line;
	int ret;
} lines[] = {
	{ "{\"a\":\"b\"}", 0 },
	{ " { \"a\" : [ ] , \"b\" : [\"c\",\"d\"] , \"e\":null, \"f\":12 } ", 0 },
	{ "{\"a\":\"\\u00e4\\ud83d\\ude00\\n\\\"\\\\\"}", 0 },
	{ "", -1 },
	{ "{", -1 },
	{ "{}", -1 },
	{ "{\"a\"}", -1 },
	{ "{\"a\":}", -1 },
	{ "{\"a\":\"b\"", -1 },
	{ "{\"a\":\"b\"}x", -1 },
	{ "{\"a\":\"b\",}", -1 },
	{ "{\"a\":\"b\",\"a\":\"c\"}", -1 },
	{ "{\"a\":\"b}", -1 },
	{ "{\"a\":\"\\u00\"}", -1 },
	{ "{\"a\":\"\\u0000\"}", -1 },
	{ "{\"a\":\"\\ud83d\"}", -1 },
	{ "{\"a\":\"\\ude00\"}", -1 },
	{ "{\"a\":\"\\x\"}", -1 },
	{ "{\"a\":\"\xff\"}", -1 },
	{ "{\"a\":[\"b\"}", -1 },
	{ "{\"a\":[1]}", -1 },
	{ "{\"a\":-1}", -1 },
	{ "{\"a\":true}", -1 },
	{ "{\"a\":{}}", -1 },
};

START_TEST(json_is_read_as_it_is_defined)
{
	ARRAY_TYPE(lazy_expunge_json_value) values;
	pool_t pool = pool_alloconly_create("test", 1024);

	t_array_init(&values, 4);
	ck_assert_int_eq(lazy_expunge_json_parse(pool, lines[_i].line, &values),
			 lines[_i].ret);
	pool_unref(&pool);
}
END_TEST

Suite *unit_suite(void)
{
	TCase *tcase;
	Suite *suite = unit_suite_create("archive", &tcase);

	tcase_add_loop_test(tcase, names_are_safe, 0, N_ELEMENTS(names));
	tcase_add_test(tcase, names_are_short);
	tcase_add_test(tcase, names_are_folded);
	tcase_add_loop_test(tcase, unsafe_names_are_known, 0,
			    N_ELEMENTS(unsafe));
	tcase_add_test(tcase, a_mail_is_read_as_it_was_written);
	tcase_add_test(tcase, csv_is_quoted);
	tcase_add_test(tcase, the_head_is_read_as_it_was_written);
	tcase_add_loop_test(tcase, json_is_read_as_it_is_defined, 0,
			    N_ELEMENTS(lines));
	return suite;
}
