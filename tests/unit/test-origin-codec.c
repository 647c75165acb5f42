/* The origin codec: keywords and names of namespace mode, there and back. */

#include "unit.h"
#include "array.h"
#include "unichar.h"
#include "core/origin-codec.h"

#define PREFIX LAZY_EXPUNGE_ORIGIN_PREFIX

static const struct {
	const char *vname, *keyword, *exact;
} keywords[] = {
	{ "INBOX", PREFIX"INBOX", PREFIX"=49=4E=42=4F=58" },
	{ "a", PREFIX"a", PREFIX"=61" },
	{ "A-1", PREFIX"A-1", PREFIX"=41-1" },
	{ "Work/2024.q1", PREFIX"Work/2024.q1",
	  PREFIX"=57=6F=72=6B/2024.=711" },
	/* each of the atom-specials, alone */
	{ "(", PREFIX"=28", PREFIX"=28" },
	{ ")", PREFIX"=29", PREFIX"=29" },
	{ "{", PREFIX"=7B", PREFIX"=7B" },
	{ "%", PREFIX"=25", PREFIX"=25" },
	{ "*", PREFIX"=2A", PREFIX"=2A" },
	{ "\"", PREFIX"=22", PREFIX"=22" },
	{ "\\", PREFIX"=5C", PREFIX"=5C" },
	{ "]", PREFIX"=5D", PREFIX"=5D" },
	{ "=", PREFIX"=3D", PREFIX"=3D" },
	/* their neighbours, which an atom can hold */
	{ "'+[^|}~&!#$:", PREFIX"'+[^|}~&!#$:", PREFIX"'+[^|}~&!#$:" },
	/* both ends of printable ASCII */
	{ "\x01\x1f\x20\x21", PREFIX"=01=1F=20!", PREFIX"=01=1F=20!" },
	{ "\x7e\x7f", PREFIX"~=7F", PREFIX"~=7F" },
	{ "Entw\xc3\xbcrfe", PREFIX"Entw=C3=BCrfe",
	  PREFIX"=45=6E=74=77=C3=BC=72=66=65" },
	/* what looks like a sequence is none */
	{ "=41", PREFIX"=3D41", PREFIX"=3D41" },
	{ "a=", PREFIX"a=3D", PREFIX"=61=3D" },
	{ "==", PREFIX"=3D=3D", PREFIX"=3D=3D" },
};

START_TEST(keyword_is_as_the_table_says)
{
	const char *vname;

	T_BEGIN {
		ck_assert_str_eq(lazy_expunge_origin_encode(keywords[_i].vname),
				 keywords[_i].keyword);
		ck_assert_str_eq(
			lazy_expunge_origin_encode_exact(keywords[_i].vname),
			keywords[_i].exact);
		ck_assert(lazy_expunge_origin_decode(keywords[_i].keyword,
						     &vname));
		ck_assert_str_eq(vname, keywords[_i].vname);
		ck_assert(lazy_expunge_origin_decode(keywords[_i].exact,
						     &vname));
		ck_assert_str_eq(vname, keywords[_i].vname);
	} T_END;
}
END_TEST

/* The keyword is an IMAP atom, and comes back as the name, unless its bytes cannot
   be one. */
static void assert_round_trip(const char *name)
{
	bool valid = uni_utf8_str_is_valid(name);
	const char *forms[] = { lazy_expunge_origin_encode(name),
				lazy_expunge_origin_encode_exact(name) };
	const char *vname;

	for (unsigned int i = 0; i < N_ELEMENTS(forms); i++) {
		for (const char *p = forms[i]; *p != '\0'; p++) {
			ck_assert_msg(*p > 0x20 && *p < 0x7f &&
				      strchr("(){%*\"\\]", *p) == NULL,
				      "%s is no atom", forms[i]);
		}
		ck_assert(lazy_expunge_origin_is_keyword(forms[i]));
		ck_assert_int_eq(lazy_expunge_origin_decode(forms[i], &vname),
				 valid);
		if (valid)
			ck_assert_str_eq(vname, name);
	}
}

START_TEST(every_byte_comes_back)
{
	for (unsigned int c = 1; c <= 255; c++) T_BEGIN {
		const char alone[] = { c, '\0' };
		const char between[] = { 'a', c, 'B', '\0' };
		const char before_hex[] = { '=', c, '4', '1', '\0' };

		assert_round_trip(alone);
		assert_round_trip(between);
		assert_round_trip(before_hex);
	} T_END;
}
END_TEST

START_TEST(long_names_come_back)
{
	/* mailbox names have 200 bytes at most by Dovecot's default of 2.3's
	   Maildir++, and 4096 by its own limit */
	static const unsigned int lengths[] = { 1, 199, 200, 201, 255, 256,
						4095, 4096 };
	char name[4097];

	for (unsigned int i = 0; i < N_ELEMENTS(lengths); i++) T_BEGIN {
		memset(name, 'x', lengths[i]);
		name[lengths[i]] = '\0';
		assert_round_trip(name);
		/* each byte of it escaped, and each of them another one */
		for (unsigned int j = 0; j < lengths[i]; j++)
			name[j] = 1 + j % 127;
		assert_round_trip(name);
		memset(name, '\xff', lengths[i]);
		assert_round_trip(name);
		ck_assert_uint_eq(strlen(lazy_expunge_origin_encode(name)),
				  strlen(PREFIX) + 3 * lengths[i]);
	} T_END;
}
END_TEST

static const char *const no_origins[] = {
	"", "$", "$Forwarded", "$Expunged", "$Expunged-From", "Expunged-From:x",
	" "PREFIX"x",
	/* no name */
	PREFIX,
	/* wrong sequences */
	PREFIX"=", PREFIX"x=", PREFIX"=4", PREFIX"x=4", PREFIX"=4G",
	PREFIX"=G4", PREFIX"==41", PREFIX"= 41", PREFIX"=-1", PREFIX"=4=41",
	/* the NUL that no name has, at each end */
	PREFIX"=00", PREFIX"x=00", PREFIX"=00x",
	/* bytes that an atom cannot hold */
	PREFIX"a b", PREFIX"(", PREFIX"a)", PREFIX"{", PREFIX"%", PREFIX"*",
	PREFIX"\"", PREFIX"\\", PREFIX"]", PREFIX"\x01", PREFIX"\x1f",
	PREFIX"\x7f", PREFIX"\x80", PREFIX"\xc3\xbc", PREFIX"\xff",
	PREFIX"a\r\nb",
	/* no UTF-8: a byte alone, cut off, too long, a surrogate */
	PREFIX"W=E4rk", PREFIX"=80", PREFIX"a=C3", PREFIX"=C0=AF",
	PREFIX"=ED=A0=80", PREFIX"=FF",
};

START_TEST(what_is_no_origin_is_refused)
{
	const char *vname = "untouched";

	ck_assert_msg(!lazy_expunge_origin_decode(no_origins[_i], &vname),
		      "%s is taken for the origin %s", no_origins[_i], vname);
	ck_assert_str_eq(vname, "untouched");
}
END_TEST

static const struct {
	const char *keyword, *vname;
} other_case[] = {
	{ "$expunged-from:INBOX", "INBOX" },
	{ "$EXPUNGED-FROM:Work", "Work" },
	{ PREFIX"=c3=bc", "\xc3\xbc" },
	{ PREFIX"=C3=bC", "\xc3\xbc" },
	/* sequences that the encoder does not need */
	{ PREFIX"=41=30", "A0" },
};

START_TEST(case_of_prefix_and_digits_does_not_matter)
{
	const char *vname;

	T_BEGIN {
		ck_assert(lazy_expunge_origin_is_keyword(
				other_case[_i].keyword));
		ck_assert(lazy_expunge_origin_decode(other_case[_i].keyword,
						     &vname));
		ck_assert_str_eq(vname, other_case[_i].vname);
	} T_END;
}
END_TEST

START_TEST(names_that_differ_in_case_differ_without_case_too)
{
	static const char *const names[] = { "foo", "Foo", "FOO", "fOo" };

	T_BEGIN {
		for (unsigned int i = 0; i < N_ELEMENTS(names); i++) {
			for (unsigned int j = 0; j < i; j++) {
				ck_assert(strcasecmp(
				    lazy_expunge_origin_encode_exact(names[i]),
				    lazy_expunge_origin_encode_exact(names[j]))
					!= 0);
			}
		}
	} T_END;
}
END_TEST

START_TEST(the_first_origin_that_can_be_read_is_found)
{
	const char *const none[] = { "$Forwarded", "NonJunk", PREFIX, NULL };
	const char *const empty[] = { NULL };
	const char *const some[] = { "$Forwarded", PREFIX"=0", PREFIX"one",
				     PREFIX"two", NULL };

	T_BEGIN {
		ck_assert_ptr_null(lazy_expunge_origin_find(NULL));
		ck_assert_ptr_null(lazy_expunge_origin_find(empty));
		ck_assert_ptr_null(lazy_expunge_origin_find(none));
		ck_assert_str_eq(lazy_expunge_origin_find(some), "one");
	} T_END;
}
END_TEST

/* The parts in reverse order, other keywords between them. */
static const char *const *parts_shuffled(const char *name, size_t max_len)
{
	ARRAY_TYPE(const_string) parts, all;
	const char *other = "NonJunk";

	t_array_init(&parts, 8);
	t_array_init(&all, 16);
	lazy_expunge_origin_encode_parts(name, max_len, &parts);
	for (unsigned int i = array_count(&parts); i > 0; i--) {
		const char *part = array_idx_elem(&parts, i - 1);

		ck_assert_uint_le(strlen(part), max_len);
		ck_assert(lazy_expunge_origin_is_keyword(part));
		for (const char *p = part; *p != '\0'; p++) {
			ck_assert(*p > 0x20 && *p < 0x7f &&
				  strchr("(){%*\"\\]", *p) == NULL);
		}
		array_push_back(&all, &other);
		array_push_back(&all, &part);
	}
	array_append_zero(&all);
	return array_front(&all);
}

START_TEST(parts_of_any_name_come_back_in_any_order_and_case)
{
	static const unsigned int lengths[] = { 1, 2, 25, 26, 27, 28, 54, 55,
						255, 4095, 4096 };
	char name[4097];

	for (unsigned int i = 0; i < N_ELEMENTS(lengths); i++) {
		for (unsigned int kind = 0; kind < 3; kind++) T_BEGIN {
			const char *const *parts;
			const char **upper;

			for (unsigned int j = 0; j < lengths[i]; j++) {
				name[j] = kind == 0 ? 'x' :
					kind == 1 ? 'A' + j % 26 :
					1 + j % 127;
			}
			name[lengths[i]] = '\0';
			parts = parts_shuffled(name,
				LAZY_EXPUNGE_ORIGIN_MAX_KEYWORD);
			ck_assert_str_eq(lazy_expunge_origin_find(parts), name);
			upper = t_new(const char *,
				      str_array_length(parts) + 1);
			for (unsigned int j = 0; parts[j] != NULL; j++)
				upper[j] = t_str_ucase(parts[j]);
			ck_assert_str_eq(lazy_expunge_origin_find(upper), name);
		} T_END;
	}
}
END_TEST

START_TEST(parts_whose_bytes_are_no_name_are_no_origin)
{
	T_BEGIN {
		ck_assert_ptr_null(lazy_expunge_origin_find(
			parts_shuffled("W\xe4rk",
				       LAZY_EXPUNGE_ORIGIN_MAX_KEYWORD)));
	} T_END;
}
END_TEST

START_TEST(a_trash_is_no_origin)
{
	const char *const keywords[] = { "NonJunk",
		"$expunged-via:Deleted=20Items", "$Expunged-Via:Junk", NULL };
	const char *const none[] = { "$Expunged-Via", "$Expunged-Via:",
		"$Expunged-Via:=4", "$Expunged-From:Work",
		"$Expunged-Via:W=E4rk", NULL };

	T_BEGIN {
		ck_assert_str_eq(
			lazy_expunge_origin_encode_via("Deleted Items"),
			"$Expunged-Via:Deleted=20Items");
		ck_assert(lazy_expunge_origin_is_keyword(keywords[1]));
		ck_assert(lazy_expunge_origin_is_via(keywords[1]));
		ck_assert(!lazy_expunge_origin_is_via("$Expunged-From:x"));
		ck_assert_ptr_null(lazy_expunge_origin_find(keywords));
		ck_assert_str_eq(lazy_expunge_origin_find_via(keywords),
				 "Deleted Items");
		ck_assert_ptr_null(lazy_expunge_origin_find_via(none));
	} T_END;
}
END_TEST

START_TEST(a_name_now_is_no_origin)
{
	const char *const keywords[] = { "$expunged-now:Caf=C3=A9",
		"$Expunged-From:Work", NULL };

	T_BEGIN {
		ck_assert_str_eq(lazy_expunge_origin_encode_now("Caf\xc3\xa9 1"),
				 "$Expunged-Now:Caf=C3=A9=201");
		ck_assert(lazy_expunge_origin_is_keyword(keywords[0]));
		ck_assert_str_eq(lazy_expunge_origin_encode_now_exact("Ab 1"),
				 "$Expunged-Now:=41=62=201");
		ck_assert(!lazy_expunge_origin_is_keyword("$Expunged-Now"));
		ck_assert(!lazy_expunge_origin_is_via(keywords[0]));
		ck_assert_str_eq(lazy_expunge_origin_find(keywords), "Work");
		ck_assert_ptr_null(lazy_expunge_origin_find_via(keywords));
	} T_END;
}
END_TEST

START_TEST(a_deletion_is_no_origin)
{
	const char *const keywords[] = { "$Expunged-From:Work",
		"$expunged-in:0A1B2C3D", "$Expunged-In:00000007", NULL };
	const char *const none[] = { "$Expunged-In:", "$Expunged-In:7",
		"$Expunged-In:0a1b2c3d4", "$Expunged-In:00000000", NULL };

	T_BEGIN {
		ck_assert_str_eq(lazy_expunge_origin_encode_deletion(0xabcdef),
				 "$Expunged-In:00abcdef");
		ck_assert(lazy_expunge_origin_is_keyword(keywords[1]));
		ck_assert(!lazy_expunge_origin_is_via(keywords[1]));
		ck_assert_str_eq(lazy_expunge_origin_find(keywords), "Work");
		ck_assert_uint_eq(lazy_expunge_origin_find_deletion(keywords),
				  0x0a1b2c3d);
		ck_assert_uint_eq(lazy_expunge_origin_find_deletion(none), 0);
	} T_END;
}
END_TEST

#define PART LAZY_EXPUNGE_ORIGIN_PART_PREFIX
static const struct {
	const char *keywords[4];
	const char *vname;
} part_sets[] = {
	{ { PART"1/1:work" }, "work" },
	{ { PART"1/1:=57ork" }, "Work" },
	{ { PART"1/1:WORK" }, "work" },
	{ { PART"2/2:b", PART"1/2:a" }, "ab" },
	{ { PART"1/2:a", PART"2/2:b", PART"2/2:B" }, "ab" },
	{ { PART"1/2:a", PART"2/2:b", PREFIX"whole" }, "whole" },
	/* incomplete */
	{ { PART"1/2:a" }, NULL },
	{ { PART"2/2:b" }, NULL },
	{ { PART"1/3:a", PART"3/3:c" }, NULL },
	/* of two origins */
	{ { PART"1/2:a", PART"2/2:b", PART"2/2:c" }, NULL },
	{ { PART"1/1:a", PART"1/2:a", PART"2/2:b" }, NULL },
	/* no parts */
	{ { PART }, NULL }, { { PART"1" }, NULL }, { { PART"1/1" }, NULL },
	{ { PART"1/1:" }, NULL }, { { PART"0/1:a" }, NULL },
	{ { PART"2/1:a" }, NULL }, { { PART"1/0:a" }, NULL },
	{ { PART"1/1000:a" }, NULL }, { { PART"-1/1:a" }, NULL },
	{ { PART"1/4294967297:a" }, NULL }, { { PART"1/1:=4" }, NULL },
	{ { PART"1/1:=00" }, NULL }, { { PART"1/1:a b" }, NULL },
	{ { PART"x/y:a" }, NULL }, { { PART"1 /1:a" }, NULL },
};

START_TEST(parts_are_joined_as_the_table_says)
{
	T_BEGIN {
		const char *vname =
			lazy_expunge_origin_find(part_sets[_i].keywords);

		ck_assert_msg(null_strcmp(vname, part_sets[_i].vname) == 0,
			      "%s is %s", part_sets[_i].keywords[0],
			      vname == NULL ? "none" : vname);
	} T_END;
}
END_TEST

static const struct {
	const char *name;
	char sep, storage_sep;
	const char *stored;
} names[] = {
	{ "INBOX", '/', '/', "INBOX" },
	{ "Work/Old", '/', '/', "Work/Old" },
	{ "Work/Old", '/', '.', "Work.Old" },
	{ "Work.Old", '.', '/', "Work/Old" },
	/* a separator of the storage that is none here */
	{ "v1.2/a", '/', '.', "v1=2E2.a" },
	{ "and/or.x", '.', '/', "and=2For/x" },
	{ "a^b/c", '/', '^', "a=5Eb^c" },
	/* with one separator for both every name is its own */
	{ "v1.2", '/', '/', "v1.2" },
	{ "=2F", '/', '/', "=2F" },
	{ "=3D", '/', '/', "=3D" },
	{ "=41", '.', '.', "=41" },
	/* with two, what would be read as a sequence is escaped ... */
	{ "=2E", '/', '.', "=3D2E" },
	{ "=2e", '/', '.', "=3D2e" },
	{ "=3D", '/', '.', "=3D3D" },
	{ "=3d", '/', '.', "=3D3d" },
	/* ... and nothing else is */
	{ "=41", '/', '.', "=41" },
	{ "=2F", '/', '.', "=2F" },
	{ "=", '/', '.', "=" },
	{ "==", '/', '.', "==" },
	{ "=2", '/', '.', "=2" },
	{ "a=b", '/', '.', "a=b" },
	{ "=.", '/', '.', "==2E" },
	{ "=/2E", '/', '.', "=.2E" },
	{ "Entw\xc3\xbcrfe/\xf0\x9f\x98\x80", '/', '.',
	  "Entw\xc3\xbcrfe.\xf0\x9f\x98\x80" },
	{ "", '/', '.', "" },
};

START_TEST(name_in_the_storage_is_as_the_table_says)
{
	T_BEGIN {
		ck_assert_str_eq(lazy_expunge_origin_to_name(names[_i].name,
				names[_i].sep, names[_i].storage_sep),
				names[_i].stored);
		ck_assert_str_eq(lazy_expunge_origin_from_name(
				names[_i].stored, names[_i].sep,
				names[_i].storage_sep), names[_i].name);
	} T_END;
}
END_TEST

static unsigned int count_of(const char *name, char c)
{
	unsigned int count = 0;

	for (; *name != '\0'; name++) {
		if (*name == c)
			count++;
	}
	return count;
}

/* All names of up to five of the bytes that matter. */
START_TEST(every_short_name_comes_back_from_the_storage)
{
	static const char bytes[] = "/.^=23DEef";
	static const struct { char sep, storage_sep; } seps[] = {
		{ '/', '/' }, { '/', '.' }, { '.', '/' }, { '/', '^' },
	};
	const unsigned int n = sizeof(bytes) - 1;
	const char sep = seps[_i].sep, storage_sep = seps[_i].storage_sep;
	char name[6];

	for (unsigned int num = 0; num < n * n * n * n * n; num++) T_BEGIN {
		const char *stored;

		for (unsigned int i = 0, rest = num; i < 5; i++, rest /= n)
			name[i] = bytes[rest % n];
		name[1 + num % 5] = '\0';
		stored = lazy_expunge_origin_to_name(name, sep, storage_sep);
		ck_assert_str_eq(lazy_expunge_origin_from_name(stored, sep,
						storage_sep), name);
		ck_assert_uint_eq(count_of(stored, storage_sep),
				  count_of(name, sep));
	} T_END;
}
END_TEST

Suite *unit_suite(void)
{
	TCase *tcase;
	Suite *suite = unit_suite_create("origin codec", &tcase);

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, keyword_is_as_the_table_says,
			    0, N_ELEMENTS(keywords));
	tcase_add_test(tcase, every_byte_comes_back);
	tcase_add_test(tcase, long_names_come_back);
	tcase_add_loop_test(tcase, what_is_no_origin_is_refused,
			    0, N_ELEMENTS(no_origins));
	tcase_add_loop_test(tcase, case_of_prefix_and_digits_does_not_matter,
			    0, N_ELEMENTS(other_case));
	tcase_add_test(tcase,
		       names_that_differ_in_case_differ_without_case_too);
	tcase_add_test(tcase, the_first_origin_that_can_be_read_is_found);
	tcase_add_test(tcase,
		       parts_of_any_name_come_back_in_any_order_and_case);
	tcase_add_test(tcase, parts_whose_bytes_are_no_name_are_no_origin);
	tcase_add_test(tcase, a_trash_is_no_origin);
	tcase_add_test(tcase, a_name_now_is_no_origin);
	tcase_add_test(tcase, a_deletion_is_no_origin);
	tcase_add_loop_test(tcase, parts_are_joined_as_the_table_says,
			    0, N_ELEMENTS(part_sets));
	tcase_add_loop_test(tcase, name_in_the_storage_is_as_the_table_says,
			    0, N_ELEMENTS(names));
	tcase_add_loop_test(tcase, every_short_name_comes_back_from_the_storage,
			    0, 4);
	return suite;
}
