/* The origin codec: decodes anything, what it encodes comes back, and what is
   not UTF-8 is no name. */

#include "fuzz.h"
#include "array.h"
#include "unichar.h"
#include "core/origin-codec.h"

static void assert_comes_back(const char *keyword, const char *name)
{
	const char *vname, *p;

	for (p = keyword; *p != '\0'; p++)
		i_assert(*p > 0x20 && *p < 0x7f);
	i_assert(lazy_expunge_origin_is_keyword(keyword));
	if (!uni_utf8_str_is_valid(name)) {
		i_assert(!lazy_expunge_origin_decode(keyword, &vname));
		return;
	}
	i_assert(lazy_expunge_origin_decode(keyword, &vname));
	i_assert(strcmp(vname, name) == 0);
}

static void decode(const char *keyword)
{
	const char *const keywords[] = { "$Forwarded", keyword, NULL };
	const char *vname;

	if (!lazy_expunge_origin_decode(keyword, &vname)) {
		i_assert(lazy_expunge_origin_find(keywords) == NULL ||
			 lazy_expunge_origin_is_keyword(keyword));
		return;
	}
	i_assert(*vname != '\0');
	i_assert(uni_utf8_str_is_valid(vname));
	i_assert(strcmp(lazy_expunge_origin_find(keywords), vname) == 0);
	assert_comes_back(lazy_expunge_origin_encode(vname), vname);
}

static void assert_parts_come_back(const char *name)
{
	ARRAY_TYPE(const_string) parts;
	const char *found;

	t_array_init(&parts, 8);
	lazy_expunge_origin_encode_parts(name, LAZY_EXPUNGE_ORIGIN_MAX_KEYWORD,
					 &parts);
	if (array_count(&parts) == 0)
		return;
	array_append_zero(&parts);
	found = lazy_expunge_origin_find(array_front(&parts));
	if (!uni_utf8_str_is_valid(name))
		i_assert(found == NULL);
	else
		i_assert(strcmp(found, name) == 0);
}

void fuzz_one(char *text)
{
	decode(text);
	decode(t_strconcat(LAZY_EXPUNGE_ORIGIN_PART_PREFIX"1/1:", text, NULL));
	decode(t_strconcat(LAZY_EXPUNGE_ORIGIN_PREFIX, text, NULL));
	if (*text != '\0') {
		assert_comes_back(lazy_expunge_origin_encode(text), text);
		assert_comes_back(lazy_expunge_origin_encode_exact(text), text);
		assert_parts_come_back(text);
	}
}
