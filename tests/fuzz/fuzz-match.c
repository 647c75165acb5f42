/* The exclude list: any patterns against any mailbox. */

#include "fuzz.h"
#include "core/exclude.h"

static bool is_plain(const char *name)
{
	return *name != '\0' && strpbrk(name, "*?\\") == NULL;
}

void fuzz_one(char *text)
{
	char *flag = fuzz_cut(text);
	char *name = fuzz_cut(flag);
	char *pattern = fuzz_cut(name);
	const char *const flags[] = { flag, NULL };
	const struct lazy_expunge_match box = {
		.vname = t_strconcat(text, name, NULL),
		.prefix_len = strlen(text),
		.storage_name = name,
		.special_use = flags,
	};
	const char *const given[] = { pattern, NULL };
	const char *const more[] = { pattern, "*", NULL };
	const char *const own[] = { name, NULL };
	const char *const none[] = { "", NULL };

	/* one more pattern never unmatches */
	if (lazy_expunge_match(given, &box) || *box.vname != '\0')
		i_assert(lazy_expunge_match(more, &box));
	i_assert(!lazy_expunge_match(none, &box));
	if (is_plain(name))
		i_assert(lazy_expunge_match(own, &box));
	/* a flag is no name, and the other way round */
	if (*pattern == '\\')
		i_assert(lazy_expunge_match(given, &box) ==
			 (strcasecmp(pattern, flag) == 0));
}
