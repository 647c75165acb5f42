/* Namespace mode: any name comes back from the storage with its hierarchy, and
   any name that is found there can be read. */

#include "fuzz.h"
#include "core/origin-codec.h"

static unsigned int count_of(const char *name, char c)
{
	unsigned int count = 0;

	for (; *name != '\0'; name++) {
		if (*name == c)
			count++;
	}
	return count;
}

void fuzz_one(char *text)
{
	static const char seps[] = "/.^~\\|:_-!";
	const char *stored, *name;
	char sep, storage_sep;

	if (text[0] == '\0' || text[1] == '\0')
		return;
	sep = seps[(unsigned char)text[0] % (sizeof(seps) - 1)];
	storage_sep = seps[(unsigned char)text[1] % (sizeof(seps) - 1)];
	text += 2;

	stored = lazy_expunge_origin_to_name(text, sep, storage_sep);
	i_assert(count_of(stored, storage_sep) == count_of(text, sep));
	name = lazy_expunge_origin_from_name(stored, sep, storage_sep);
	i_assert(strcmp(name, text) == 0);

	/* a name that somebody else has put there */
	name = lazy_expunge_origin_from_name(text, sep, storage_sep);
	i_assert(strlen(name) <= strlen(text));
	i_assert(count_of(name, sep) >= count_of(text, storage_sep));
}
