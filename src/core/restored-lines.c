/* What a restore has put where: lines of text. */

#include "lib.h"
#include "str.h"
#include "strescape.h"
#include "strnum.h"
#include "unichar.h"
#include "core/deletion-lines.h"
#include "core/restored-lines.h"

#define RESTORED_KIND "U"
/* the fields before the keywords */
#define FIXED_FIELDS 9

static void append_text(string_t *dest, const char *text)
{
	str_append_c(dest, '\t');
	str_append_tabescaped(dest, text);
}

void lazy_expunge_restored_append(string_t *dest,
				  const struct lazy_expunge_restored *restored)
{
	const char *const *keyword;

	str_printfa(dest, RESTORED_KIND"\t%08x\t%u\t%u:%u\t%u\t%08x",
		    restored->restore, restored->uid_validity,
		    restored->first_uid, restored->last_uid,
		    (unsigned int)restored->flags, restored->deletion);
	append_text(dest, restored->target);
	append_text(dest, restored->origin);
	append_text(dest, restored->via);
	for (keyword = restored->keywords; *keyword != NULL; keyword++)
		append_text(dest, *keyword);
	str_append_c(dest, '\n');
}

static bool uids_parse(const char *text, uint32_t *first_r, uint32_t *last_r)
{
	const char *sep = strchr(text, ':');

	return sep != NULL &&
		str_to_uint32(t_strdup_until(text, sep), first_r) == 0 &&
		str_to_uint32(sep + 1, last_r) == 0 &&
		*first_r > 0 && *first_r <= *last_r;
}

/* What is no name is not known. */
static const char *name_dup(pool_t pool, const char *name)
{
	return uni_utf8_str_is_valid(name) ? p_strdup(pool, name) : "";
}

static bool restored_parse(const char *const *fields, pool_t pool,
			   struct lazy_expunge_restored *restored)
{
	unsigned int flags;

	if (str_array_length(fields) < FIXED_FIELDS ||
	    strcmp(fields[0], RESTORED_KIND) != 0 ||
	    (restored->restore = lazy_expunge_deletion_id_parse(fields[1])) == 0 ||
	    str_to_uint32(fields[2], &restored->uid_validity) < 0 ||
	    !uids_parse(fields[3], &restored->first_uid,
			&restored->last_uid) ||
	    str_to_uint(fields[4], &flags) < 0 ||
	    *fields[6] == '\0' || !uni_utf8_str_is_valid(fields[6]))
		return FALSE;
	restored->flags = flags;
	restored->deletion = lazy_expunge_deletion_id_parse(fields[5]);
	restored->target = p_strdup(pool, fields[6]);
	restored->origin = name_dup(pool, fields[7]);
	restored->via = name_dup(pool, fields[8]);
	restored->keywords = (const char *const *)
		p_strarray_dup(pool, fields + FIXED_FIELDS);
	return TRUE;
}

bool lazy_expunge_restored_parse(const char *line, pool_t pool,
				 struct lazy_expunge_restored *restored_r)
{
	bool valid;

	i_zero(restored_r);
	T_BEGIN {
		valid = restored_parse(t_strsplit_tabescaped(line), pool,
				       restored_r);
	} T_END;
	return valid;
}

bool lazy_expunge_restored_is_line(const char *line)
{
	return strncmp(line, RESTORED_KIND"\t", strlen(RESTORED_KIND"\t")) == 0;
}

bool lazy_expunge_restored_are_alike(const struct lazy_expunge_restored *r1,
				     const struct lazy_expunge_restored *r2)
{
	unsigned int count = str_array_length(r1->keywords);

	if (r1->restore != r2->restore ||
	    r1->uid_validity != r2->uid_validity || r1->flags != r2->flags ||
	    r1->deletion != r2->deletion ||
	    strcmp(r1->target, r2->target) != 0 ||
	    strcmp(r1->origin, r2->origin) != 0 ||
	    strcmp(r1->via, r2->via) != 0 ||
	    str_array_length(r2->keywords) != count)
		return FALSE;
	for (unsigned int i = 0; i < count; i++) {
		if (strcasecmp(r1->keywords[i], r2->keywords[i]) != 0)
			return FALSE;
	}
	return TRUE;
}
