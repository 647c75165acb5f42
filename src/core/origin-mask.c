/* Which origins are meant by names and wildcards. */

#include "lib.h"
#include "strfuncs.h"
#include "wildcard-match.h"
#include "core/origin-mask.h"

#include <ctype.h>

/* Names that are longer are compared in other ways alone. */
#define NEAR_MAX_LEN 64
/* One letter in so many may be wrong. */
#define NEAR_LETTERS 3
#define NEAR_MAX_EDITS 2

static bool name_matches(const char *origin, const char *name)
{
	if (strcasecmp(origin, "INBOX") == 0)
		return wildcard_match_icase(origin, name);
	return strcmp(origin, name) == 0 || wildcard_match(origin, name);
}

static bool ancestor_matches(const char *origin, const char *name,
			     char separator)
{
	const char *p = origin;
	bool matches = FALSE;

	while (!matches && (p = strchr(p, separator)) != NULL) {
		T_BEGIN {
			matches = name_matches(t_strdup_until(origin, p), name);
		} T_END;
		p++;
	}
	return matches;
}

bool lazy_expunge_origin_mask_match(const struct lazy_expunge_origin_mask *mask,
				    const char *origin, char separator)
{
	const char *const *name;

	if (mask == NULL || mask->names == NULL)
		return TRUE;
	if (origin == NULL)
		origin = "";
	for (name = mask->names; *name != NULL; name++) {
		if (name_matches(origin, *name) ||
		    (mask->below && separator != '\0' &&
		     ancestor_matches(origin, *name, separator)))
			return TRUE;
	}
	return FALSE;
}

/* How many letters must be put in, taken out or changed to get from one to the
   other (Levenshtein's distance), without case. */
static unsigned int edit_distance(const char *one, const char *other)
{
	unsigned int row[NEAR_MAX_LEN + 1], diagonal, above;
	size_t len = strlen(other);

	for (size_t i = 0; i <= len; i++)
		row[i] = i;
	for (; *one != '\0'; one++) {
		diagonal = row[0]++;
		for (size_t i = 1; i <= len; i++) {
			above = row[i];
			if (i_tolower(*one) != i_tolower(other[i - 1]))
				diagonal++;
			row[i] = I_MIN(I_MIN(above, row[i - 1]) + 1, diagonal);
			diagonal = above;
		}
	}
	return row[len];
}

static bool contains(const char *text, const char *part)
{
	bool found;

	T_BEGIN {
		found = strstr(t_str_lcase(text), t_str_lcase(part)) != NULL;
	} T_END;
	return found;
}

bool lazy_expunge_origin_is_near(const char *name, const char *origin,
				 char separator)
{
	size_t len = strlen(name);
	const char *last = separator == '\0' ? NULL :
		strrchr(origin, separator);

	if (len == 0 || *origin == '\0')
		return FALSE;
	if (contains(origin, name) || contains(name, origin))
		return TRUE;
	if (len > NEAR_MAX_LEN || strlen(origin) > NEAR_MAX_LEN)
		return FALSE;
	len = I_MIN(len / NEAR_LETTERS, NEAR_MAX_EDITS);
	return edit_distance(name, origin) <= len ||
		(last != NULL && edit_distance(name, last + 1) <= len);
}
