/* Deletions and restores: numbers and lines there and back, and what is none. */

#include "unit.h"
#include "array.h"
#include "str.h"
#include "core/deletion-lines.h"
#include "core/passed-lines.h"
#include "core/restored-lines.h"

static const struct {
	const char *text;
	uint32_t id;
} numbers[] = {
	{ "00000001", 1 }, { "0a1b2c3d", 0x0a1b2c3d }, { "0A1B2C3D", 0x0a1b2c3d },
	{ "ffffffff", 0xffffffff }, { "00000000", 0 }, { "", 0 },
	{ "0a1b2c3", 0 }, { "0a1b2c3d4", 0 }, { "0a1b2c3g", 0 },
	{ "-a1b2c3d", 0 }, { " a1b2c3d", 0 },
};

START_TEST(a_number_is_read_as_the_table_says)
{
	ck_assert_uint_eq(lazy_expunge_deletion_id_parse(numbers[_i].text),
			  numbers[_i].id);
}
END_TEST

static const struct {
	const char *fname;
	uint32_t id;
} fnames[] = {
	{ "1.M2P3.host:2,S,d0a1b2c3d", 0x0a1b2c3d },
	{ "/x/cur/1.host:2,Sab,o0123456789abcdef,d00000007", 7 },
	{ "1.host:2,,d00000007,o0123456789abcdef", 7 },
	{ "1.host:2,S", 0 }, { "1.host,d00000007", 0 },
	{ "1.host:2,S,d0000007", 0 }, { "1.host:2,S,d000000071", 0 },
	{ "1.host:2,S,dx,d00000009", 9 }, { "1.host:1,S,d00000007", 0 },
};

START_TEST(a_file_name_has_the_number_of_the_table)
{
	ck_assert_uint_eq(lazy_expunge_deletion_id_from_fname(fnames[_i].fname),
			  fnames[_i].id);
}
END_TEST

START_TEST(a_record_comes_back)
{
	struct lazy_expunge_deletion_record record = {
		.kind = _i, .id = 0xfedcba98, .first = 10, .last = 12,
		.by = "imap", .command = "UID EXPUNGE", .address = "",
		.session = "a\tb\nc",
	}, back;
	pool_t pool = pool_alloconly_create("test deletions", 1024);
	const struct lazy_expunge_deletion_mails *mails;
	const struct lazy_expunge_deletion_taken *taken;
	const char *line, *box;

	p_array_init(&record.mails, pool, 2);
	p_array_init(&record.taken, pool, 2);
	p_array_init(&record.boxes, pool, 2);
	box = "a\tb:c";
	array_push_back(&record.boxes, &box);
	lazy_expunge_deletion_add_mails(&record.mails, pool, "INBOX", 1);
	lazy_expunge_deletion_add_mails(&record.mails, pool, "a:b\tc", 7);
	lazy_expunge_deletion_add_mails(&record.mails, pool, "INBOX", 2);
	lazy_expunge_deletion_add_taken(&record.taken, 5, 4);
	lazy_expunge_deletion_add_taken(&record.taken, 5, 1);
	T_BEGIN {
		string_t *str = t_str_new(64);

		lazy_expunge_deletion_append(str, &record);
		line = str_c(str);
		ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
		ck_assert(lazy_expunge_deletion_parse(
			t_strdup_until(line, line + strlen(line) - 1), pool,
			&back));
	} T_END;
	ck_assert_int_eq(back.kind, _i);
	ck_assert_uint_eq(back.id, record.id);
	ck_assert_int_eq(back.first, 10);
	ck_assert_int_eq(back.last, 12);
	ck_assert_str_eq(back.command, "UID EXPUNGE");
	ck_assert_str_eq(back.address, "");
	ck_assert_str_eq(back.session, "a\tb\nc");
	ck_assert_uint_eq(lazy_expunge_deletion_count(&back), 10);
	ck_assert_uint_eq(array_count(&back.mails), 2);
	mails = array_idx(&back.mails, 1);
	ck_assert_str_eq(mails->mailbox, "a:b\tc");
	ck_assert_uint_eq(array_count(&back.boxes), 1);
	ck_assert_str_eq(array_idx_elem(&back.boxes, 0), "a\tb:c");
	taken = array_idx(&back.taken, 0);
	ck_assert_uint_eq(taken->id, 5);
	ck_assert_uint_eq(taken->count, 5);
	pool_unref(&pool);
}
END_TEST

START_TEST(mails_that_passed_come_back)
{
	static const char *const keywords[] = { "own", "$For\tward", NULL };
	static const char *const none[] = { NULL };
	struct lazy_expunge_passed mails[] = {
		{ .deletion = 0xfedcba98, .time = 10, .mailbox = "a\tb:c",
		  .via = "", .guid = { 1, 0xff }, .flags = MAIL_SEEN | MAIL_DRAFT,
		  .keywords = keywords },
		{ .deletion = 0xfedcba98, .time = 11, .mailbox = "a\tb:c",
		  .via = "", .guid = { 2 }, .keywords = none },
		{ .deletion = 0xfedcba98, .time = 11, .mailbox = "a\tb:c",
		  .via = "", .guid = { 6 }, .keywords = none },
		{ .time = 110, .mailbox = "a\tb:c", .superseded = TRUE,
		  .via = "Trash", .guid = { 3 }, .keywords = none,
		  .flags = MAIL_ANSWERED | MAIL_FLAGGED },
		{ .time = 13, .mailbox = "INBOX", .guid = { 4 }, .back = TRUE },
		{ .time = 13, .mailbox = "INBOX", .guid = { 5 }, .back = TRUE },
	};
	pool_t pool = pool_alloconly_create("test passed", 1024);
	struct lazy_expunge_passed_lines lines = { .text = t_str_new(256) };
	ARRAY_TYPE(lazy_expunge_passed) all;
	const struct lazy_expunge_passed *passed;
	const char *const *line;

	for (unsigned int i = 0; i < N_ELEMENTS(mails); i++)
		lazy_expunge_passed_append(&lines, &mails[i]);
	p_array_init(&all, pool, 4);
	line = t_strsplit(str_c(lines.text), "\n");
	/* one for what has all but GUID and flags in common */
	ck_assert_uint_eq(str_array_length(line), 5);
	ck_assert_str_eq(line[4], "");
	for (; **line != '\0'; line++) {
		ck_assert(lazy_expunge_passed_is_line(*line));
		lazy_expunge_passed_parse(*line, pool, &all);
	}
	ck_assert_uint_eq(array_count(&all), N_ELEMENTS(mails));
	for (unsigned int i = 0; i < N_ELEMENTS(mails); i++) {
		passed = array_idx(&all, i);
		ck_assert_mem_eq(passed->guid, mails[i].guid, GUID_128_SIZE);
		ck_assert_str_eq(passed->mailbox, mails[i].mailbox);
		ck_assert_int_eq(passed->time, mails[i].time);
		ck_assert_int_eq(passed->back, mails[i].back);
		ck_assert_int_eq(passed->superseded, mails[i].superseded);
		if (passed->back)
			continue;
		ck_assert_uint_eq(passed->deletion, mails[i].deletion);
		ck_assert_str_eq(passed->via, mails[i].via);
		ck_assert_int_eq(passed->flags, mails[i].flags);
		ck_assert_str_eq(t_strarray_join(passed->keywords, " "),
				 t_strarray_join(mails[i].keywords, " "));
	}
	pool_unref(&pool);
}
END_TEST

static const struct {
	const char *line;
	unsigned int count;
} passed_lines[] = {
	{ "C\t0000000a\tINBOX\t\t5\t01020304050607080910111213141516:S", 1 },
	{ "C\t0000000a\tINBOX\t\t5\t01020304050607080910111213141516:S\t"
	  "0102030405060708091011121314151:\tfuture\t"
	  "01020304050607080910111213141517:", 2 },
	{ "S\t0000000a\tINBOX\t\t5\t01020304050607080910111213141516:S", 1 },
	/* cut off */
	{ "C\t0000000a\tINBOX\t\t5\t010203040506070809101112131415", 0 },
	{ "C\t0000000a\tINBOX\t\t5\t01020304050607080910111213141516", 0 },
	{ "C\t0000000a\tINBOX\t\t5", 0 },
	{ "C\t0000000a\tINBOX", 0 },
	{ "C\t", 0 },
	/* the number is not known, and that is no number, no time, no mailbox */
	{ "C\t00000000\tINBOX\t\t5\t01020304050607080910111213141516:S", 1 },
	{ "C\t0\tINBOX\t\t5\t01020304050607080910111213141516:S", 0 },
	{ "C\tx\tINBOX\t\t5\t01020304050607080910111213141516:S", 0 },
	{ "C\t0000000a\tINBOX\t\tx\t01020304050607080910111213141516:S", 0 },
	{ "C\t0000000a\t\t\t5\t01020304050607080910111213141516:S", 0 },
	{ "X\tINBOX\t5\t01020304050607080910111213141516", 1 },
	{ "X\tINBOX\t5\t01020304050607080910111213141516:S", 0 },
	{ "X\tINBOX\t5", 0 },
	/* names that are none */
	{ "C\t0000000a\tW\xe4rk\t\t5\t01020304050607080910111213141516:S", 0 },
	{ "C\t0000000a\tINBOX\tW\xe4\t5\t01020304050607080910111213141516:S", 1 },
	{ "X\tW\xe4rk\t5\t01020304050607080910111213141516", 0 },
	/* others */
	{ "D\t0000000a\t1\t1\timap\t\t\t\tm:1:INBOX", 0 },
	{ "", 0 },
};

START_TEST(lines_of_passed_mails)
{
	pool_t pool = pool_alloconly_create("test passed", 1024);
	ARRAY_TYPE(lazy_expunge_passed) all;

	p_array_init(&all, pool, 4);
	lazy_expunge_passed_parse(passed_lines[_i].line, pool, &all);
	ck_assert_uint_eq(array_count(&all), passed_lines[_i].count);
	pool_unref(&pool);
}
END_TEST

START_TEST(keywords_without_end_leave_a_line_that_is_read)
{
	const char *keywords[2001];
	struct lazy_expunge_passed passed = {
		.deletion = 7, .time = 10, .mailbox = "INBOX", .via = "",
		.guid = { 1 }, .keywords = keywords,
	};
	pool_t pool = pool_alloconly_create("test passed", 1024);
	ARRAY_TYPE(lazy_expunge_passed) all;
	const struct lazy_expunge_passed *back;
	unsigned int count;

	T_BEGIN {
		struct lazy_expunge_passed_lines lines = {
			.text = t_str_new(1024)
		};

		for (unsigned int i = 0; i < 2000; i++)
			keywords[i] = t_strdup_printf("%060u", i);
		keywords[2000] = NULL;
		for (unsigned int i = 0; i < 3; i++)
			lazy_expunge_passed_append(&lines, &passed);
		p_array_init(&all, pool, 4);
		for (const char *const *line = t_strsplit(str_c(lines.text), "\n");
		     **line != '\0'; line++) {
			ck_assert_uint_lt(strlen(*line), 40 * 1024);
			lazy_expunge_passed_parse(*line, pool, &all);
		}
		ck_assert_uint_eq(array_count(&all), 3);
		array_foreach(&all, back) {
			/* whole ones, from the first on */
			count = str_array_length(back->keywords);
			ck_assert(count > 200 && count < 2000);
			ck_assert_str_eq(back->keywords[count - 1],
					 keywords[count - 1]);
		}
	} T_END;
	pool_unref(&pool);
}
END_TEST

START_TEST(mailboxes_whose_names_are_none_are_passed_over)
{
	struct lazy_expunge_deletion_record record;
	struct lazy_expunge_restored restored;
	pool_t pool = pool_alloconly_create("test deletions", 1024);

	ck_assert(lazy_expunge_deletion_parse(
		"D\t00000001\t1\t1\t\t\t\t\tm:2:W\xe4rk\tm:1:INBOX"
		"\tb:W\xe4rk\tb:Work", pool, &record));
	ck_assert_uint_eq(array_count(&record.boxes), 1);
	ck_assert_str_eq(array_idx_elem(&record.boxes, 0), "Work");
	ck_assert_uint_eq(lazy_expunge_deletion_count(&record), 1);
	ck_assert(!lazy_expunge_restored_parse(
		"U\t00000001\t1\t1:1\t0\t00000002\tW\xe4rk\tA\tB", pool,
		&restored));
	ck_assert(lazy_expunge_restored_parse(
		"U\t00000001\t1\t1:1\t0\t00000002\tWork\tW\xe4rk\t\xff", pool,
		&restored));
	ck_assert_str_eq(restored.origin, "");
	ck_assert_str_eq(restored.via, "");
	pool_unref(&pool);
}
END_TEST

static void record_init(struct lazy_expunge_deletion_record *record, pool_t pool)
{
	i_zero(record);
	record->id = 7;
	record->first = record->last = 10;
	record->by = record->command = "";
	record->address = record->session = "";
	p_array_init(&record->mails, pool, 2);
	p_array_init(&record->taken, pool, 2);
	p_array_init(&record->boxes, pool, 2);
}

/* As a reader does. Returns the number of lines. */
static unsigned int lines_read(const char *text, pool_t pool,
			       struct lazy_expunge_deletion_record *record_r)
{
	struct lazy_expunge_deletion_record more;
	const char *const *lines = t_strsplit(text, "\n");
	unsigned int count = 0;

	for (; **lines != '\0'; lines++) {
		ck_assert_uint_lt(strlen(*lines), 20 * 1024);
		ck_assert(lazy_expunge_deletion_parse(*lines, pool, &more));
		if (count++ == 0 || !more.adds)
			*record_r = more;
		else
			lazy_expunge_deletion_merge(record_r, pool, &more);
	}
	return count;
}

START_TEST(what_is_written_later_comes_to_it)
{
	struct lazy_expunge_deletion_record record, back;
	pool_t pool = pool_alloconly_create("test deletions", 1024);
	const struct lazy_expunge_deletion_mails *mails;
	const struct lazy_expunge_deletion_taken *taken;
	const char *box = "Gone";
	string_t *str;

	T_BEGIN {
		str = t_str_new(64);
		record_init(&record, pool);
		lazy_expunge_deletion_add_mails(&record.mails, pool, "A", 2);
		lazy_expunge_deletion_add_taken(&record.taken, 5, 4);
		lazy_expunge_deletion_append(str, &record);
		lazy_expunge_deletion_written(&record);
		lazy_expunge_deletion_add_mails(&record.mails, pool, "B", 3);
		array_push_back(&record.boxes, &box);
		record.last = 12;
		lazy_expunge_deletion_append(str, &record);
		lazy_expunge_deletion_written(&record);
		lazy_expunge_deletion_add_mails(&record.mails, pool, "A", 1);
		lazy_expunge_deletion_add_taken(&record.taken, 5, 1);
		lazy_expunge_deletion_append(str, &record);
		ck_assert_ptr_eq(strstr(strrchr(str_c(str), '+'), "B"), NULL);
		ck_assert_uint_eq(lines_read(str_c(str), pool, &back), 3);
	} T_END;
	ck_assert_uint_eq(array_count(&back.mails), 2);
	array_foreach(&back.mails, mails)
		ck_assert_uint_eq(mails->count, 3);
	array_foreach(&back.taken, taken)
		ck_assert_uint_eq(taken->count, 5);
	ck_assert_uint_eq(array_count(&back.boxes), 1);
	ck_assert_int_eq(back.first, 10);
	ck_assert_int_eq(back.last, 12);
	pool_unref(&pool);
}
END_TEST

START_TEST(no_line_is_too_long_to_be_read)
{
	struct lazy_expunge_deletion_record record, back, other;
	pool_t pool = pool_alloconly_create("test deletions", 1024);
	string_t *str;

	T_BEGIN {
		str = t_str_new(1024);
		record_init(&record, pool);
		for (unsigned int i = 0; i < 5000; i++) {
			lazy_expunge_deletion_add_mails(&record.mails, pool,
				t_strdup_printf("Projects/%u", i), i);
		}
		lazy_expunge_deletion_append(str, &record);
		ck_assert_uint_gt(str_len(str), 64 * 1024);
		ck_assert_uint_ge(lines_read(str_c(str), pool, &back), 5);
		/* a whole one takes the place of all */
		str_append(str, "D\t00000007\t1\t1\t\t\t\t\tm:1:INBOX\n");
		(void)lines_read(str_c(str), pool, &other);
		ck_assert_uint_eq(lazy_expunge_deletion_count(&other), 1);
	} T_END;
	ck_assert_uint_eq(array_count(&back.mails), 5000);
	ck_assert_uint_eq(lazy_expunge_deletion_count(&back), 4999 * 2500);
	pool_unref(&pool);
}
END_TEST

static const char *const no_records[] = {
	"", "D", "D\t00000001\t1\t1\t\t\t", "X\t00000001\t1\t1\t\t\t\t",
	"D\t00000000\t1\t1\t\t\t\t", "D\t1\t1\t1\t\t\t\t",
	"D\t00000001\tx\t1\t\t\t\t", "D\t00000001\t2\t1\t\t\t\t",
	"D\t00000001\t1\t1\t\t\t\t\tm:x:INBOX", "D\t00000001\t1\t1\t\t\t\t\tm:1:",
	"+\t00000001\t1\t1\t\t\t\t", "D++\t00000001\t1\t1\t\t\t\t",
	"D-\t00000001\t1\t1\t\t\t\t", "D\t00000001\t1\t1\t\t\t\t\tm:1", "D\t00000001\t1\t1\t\t\t\t\tt:1:xyz",
};

START_TEST(what_is_no_record_is_refused)
{
	struct lazy_expunge_deletion_record record;
	pool_t pool = pool_alloconly_create("test deletions", 256);

	ck_assert_msg(!lazy_expunge_deletion_parse(no_records[_i], pool,
						   &record), "%s",
		      no_records[_i]);
	ck_assert(lazy_expunge_deletion_parse(
		"D\t00000001\t1\t1\t\t\t\t\tfuture:1", pool, &record));
	pool_unref(&pool);
}
END_TEST

START_TEST(what_was_restored_comes_back)
{
	static const char *const keywords[] = { "$A", "b", NULL };
	struct lazy_expunge_restored restored = {
		.restore = 7, .uid_validity = 4294967295U, .first_uid = 3,
		.last_uid = 9, .flags = MAIL_SEEN | MAIL_FLAGGED,
		.deletion = _i, .target = "a\tb",
		.origin = "", .via = "Trash", .keywords = keywords,
	}, back;
	pool_t pool = pool_alloconly_create("test restored", 1024);
	const char *line;

	T_BEGIN {
		string_t *str = t_str_new(64);

		lazy_expunge_restored_append(str, &restored);
		line = str_c(str);
		ck_assert(lazy_expunge_restored_parse(
			t_strdup_until(line, line + strlen(line) - 1), pool,
			&back));
		ck_assert(lazy_expunge_restored_are_alike(&restored, &back));
		ck_assert_uint_eq(back.first_uid, 3);
		ck_assert_uint_eq(back.last_uid, 9);
		back.flags &= ~MAIL_SEEN;
		ck_assert(!lazy_expunge_restored_are_alike(&restored, &back));
		for (const char *end = line; end < line + 30; end++) {
			ck_assert(!lazy_expunge_restored_parse(
				t_strdup_until(line, end), pool, &back));
		}
	} T_END;
	pool_unref(&pool);
}
END_TEST

Suite *unit_suite(void)
{
	TCase *tcase;
	Suite *suite = unit_suite_create("deletions", &tcase);

	tcase_add_loop_test(tcase, a_number_is_read_as_the_table_says,
			    0, N_ELEMENTS(numbers));
	tcase_add_loop_test(tcase, a_file_name_has_the_number_of_the_table,
			    0, N_ELEMENTS(fnames));
	tcase_add_loop_test(tcase, a_record_comes_back, 0, 2);
	tcase_add_test(tcase, keywords_without_end_leave_a_line_that_is_read);
	tcase_add_test(tcase, mailboxes_whose_names_are_none_are_passed_over);
	tcase_add_test(tcase, what_is_written_later_comes_to_it);
	tcase_add_test(tcase, no_line_is_too_long_to_be_read);
	tcase_add_loop_test(tcase, what_is_no_record_is_refused,
			    0, N_ELEMENTS(no_records));
	tcase_add_loop_test(tcase, what_was_restored_comes_back, 0, 2);
	tcase_add_test(tcase, mails_that_passed_come_back);
	tcase_add_loop_test(tcase, lines_of_passed_mails,
			    0, N_ELEMENTS(passed_lines));
	return suite;
}
