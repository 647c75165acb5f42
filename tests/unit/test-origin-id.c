/* Origin numbers: they are the same for ever, and in file names they are found
   where they are and nowhere else. */

#include "unit.h"
#include "core/origin-id.h"

START_TEST(numbers_are_what_they_were_when_mail_was_kept)
{
	/* the first 8 bytes of the names' SHA-1 */
	ck_assert(lazy_expunge_origin_id("INBOX") == 0xdc063b45c92f64f7ULL);
	ck_assert(lazy_expunge_origin_id("") == 0xda39a3ee5e6b4b0dULL);
	ck_assert(lazy_expunge_origin_id("Work/\xc3\xbc") !=
		  lazy_expunge_origin_id("Work/u"));
	ck_assert(lazy_expunge_origin_id("work") !=
		  lazy_expunge_origin_id("Work"));
}
END_TEST

static const struct {
	const char *fname;
	uint64_t id;
} fnames[] = {
	{ "1.M1P1.host:2,,o0123456789abcdef", 0x0123456789abcdefULL },
	{ "1.M1P1.host,S=1:2,FSab,offffffffffffffff", UINT64_MAX },
	{ "/home/u/Maildir/cur/1.M1P1.host:2,S,o0000000000000001", 1 },
	/* beside what other programs write there */
	{ "1.host:2,S,x=1,o00000000000000ff", 255 },
	{ "1.host:2,S,o00000000000000ff,x=1", 255 },
	{ "1.host:2,S,old,o00000000000000ff", 255 },
	/* none */
	{ "", 0 },
	{ "1.host", 0 },
	{ "1.host:2,", 0 },
	{ "1.host:2,FS", 0 },
	{ "1.host,o0123456789abcdef", 0 },
	{ "1.host,o0123456789abcdef:2,S", 0 },
	{ "1.host:1,S,o0123456789abcdef", 0 },
	{ "1.host:2,S,o", 0 },
	{ "1.host:2,S,o0123456789abcde", 0 },
	{ "1.host:2,S,o0123456789abcdef0", 0 },
	{ "1.host:2,S,o0123456789abcdeg", 0 },
	{ "1.host:2,S,o0123456789ABCDEF", 0 },
	{ "1.host:2,S,o0123456789abcdef-", 0 },
	{ "1.host:2,S,o0000000000000000", 0 },
};

START_TEST(number_of_a_file_name_is_as_the_table_says)
{
	ck_assert_msg(lazy_expunge_origin_id_from_fname(fnames[_i].fname) ==
		      fnames[_i].id, "%s", fnames[_i].fname);
}
END_TEST

START_TEST(what_is_written_is_found)
{
	static const uint64_t ids[] = { 1, 0xff, 0x100, 1ULL << 32, INT64_MAX,
					UINT64_MAX };

	for (unsigned int i = 0; i < N_ELEMENTS(ids); i++) T_BEGIN {
		const char *info = lazy_expunge_origin_id_to_info(ids[i]);

		ck_assert(lazy_expunge_origin_id_from_fname(
			t_strconcat("1.host:2,S", info, NULL)) == ids[i]);
	} T_END;
}
END_TEST

Suite *unit_suite(void)
{
	TCase *tcase;
	Suite *suite = unit_suite_create("origin id", &tcase);

	tcase_add_test(tcase, numbers_are_what_they_were_when_mail_was_kept);
	tcase_add_loop_test(tcase, number_of_a_file_name_is_as_the_table_says,
			    0, N_ELEMENTS(fnames));
	tcase_add_test(tcase, what_is_written_is_found);
	return suite;
}
