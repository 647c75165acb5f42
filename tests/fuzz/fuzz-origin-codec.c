/* The origin codec: decodes anything, and what it encodes comes back. */

#include "fuzz.h"
#include "core/origin-codec.h"

static void assert_comes_back(const char *keyword, const char *name)
{
	const char *vname, *p;

	for (p = keyword; *p != '\0'; p++)
		i_assert(*p > 0x20 && *p < 0x7f);
	i_assert(lazy_expunge_origin_is_keyword(keyword));
	i_assert(lazy_expunge_origin_decode(keyword, &vname));
	i_assert(strcmp(vname, name) == 0);
}

static void decode(const char *keyword)
{
	const char *const keywords[] = { "$Forwarded", keyword, NULL };
	const char *vname;

	if (!lazy_expunge_origin_decode(keyword, &vname)) {
		i_assert(lazy_expunge_origin_find(keywords) == NULL);
		return;
	}
	i_assert(*vname != '\0');
	i_assert(strcmp(lazy_expunge_origin_find(keywords), vname) == 0);
	assert_comes_back(lazy_expunge_origin_encode(vname), vname);
}

void fuzz_one(char *text)
{
	decode(text);
	decode(t_strconcat(LAZY_EXPUNGE_ORIGIN_PREFIX, text, NULL));
	if (*text != '\0') {
		assert_comes_back(lazy_expunge_origin_encode(text), text);
		assert_comes_back(lazy_expunge_origin_encode_exact(text), text);
	}
}
