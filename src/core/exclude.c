/* Exclude list: decides whether a mailbox is named by it. */

#include "lib.h"
#include "strfuncs.h"
#include "wildcard-match.h"
#include "core/exclude.h"

static bool name_matches(const char *name, const char *pattern)
{
	if (strcasecmp(name, "INBOX") == 0)
		return wildcard_match_icase(name, pattern);
	return wildcard_match(name, pattern);
}

bool lazy_expunge_match(const char *const *patterns,
			const struct lazy_expunge_match *box)
{
	const char *const *p, *name = NULL;

	if (patterns == NULL)
		return FALSE;
	/* the INBOX is without the prefix already */
	if (box->prefix_len > 0 && strlen(box->vname) > box->prefix_len &&
	    strcasecmp(box->vname, "INBOX") != 0)
		name = box->vname + box->prefix_len;
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
		if (name != NULL && name_matches(name, *p))
			return TRUE;
		if (box->storage_name != NULL &&
		    name_matches(box->storage_name, *p))
			return TRUE;
	}
	return FALSE;
}
