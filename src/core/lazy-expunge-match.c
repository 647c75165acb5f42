/* Exclude list: decides whether a mailbox is named by it. */

#include "lib.h"
#include "strfuncs.h"
#include "wildcard-match.h"
#include "lazy-expunge-match.h"

static bool name_matches(const char *name, const char *pattern)
{
	if (strcasecmp(name, "INBOX") == 0)
		return wildcard_match_icase(name, pattern);
	return wildcard_match(name, pattern);
}

bool lazy_expunge_match(const char *const *patterns,
			const struct lazy_expunge_match *box)
{
	const char *const *p;

	if (patterns == NULL)
		return FALSE;
	for (p = patterns; *p != NULL; p++) {
		if (**p == '\0')
			continue;
		if (**p == '\\') {
			if (box->special_use != NULL &&
			    str_array_icase_find(box->special_use, *p))
				return TRUE;
			continue;
		}
		if (name_matches(box->vname, *p))
			return TRUE;
		if (box->prefix_len > 0 &&
		    strlen(box->vname) > box->prefix_len &&
		    name_matches(box->vname + box->prefix_len, *p))
			return TRUE;
		if (box->storage_name != NULL &&
		    name_matches(box->storage_name, *p))
			return TRUE;
	}
	return FALSE;
}
