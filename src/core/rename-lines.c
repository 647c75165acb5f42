/* Renames: lines of text, and following them. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "strescape.h"
#include "strnum.h"
#include "unichar.h"
#include "core/rename-lines.h"

void lazy_expunge_rename_append(string_t *dest,
				const struct lazy_expunge_rename *rename)
{
	str_printfa(dest, "%"PRId64"\t%s\t", (int64_t)rename->time,
		    guid_128_to_string(rename->guid));
	str_append_tabescaped(dest, rename->old_name);
	str_append_c(dest, '\t');
	str_append_tabescaped(dest, rename->new_name);
	str_append_c(dest, '\n');
}

static bool rename_parse(const char *const *args, pool_t pool,
			 struct lazy_expunge_rename *rename_r)
{
	if (str_array_length(args) != 4 ||
	    str_to_time(args[0], &rename_r->time) < 0 ||
	    guid_128_from_string(args[1], rename_r->guid) < 0 ||
	    guid_128_is_empty(rename_r->guid) ||
	    *args[2] == '\0' || *args[3] == '\0' ||
	    !uni_utf8_str_is_valid(args[2]) || !uni_utf8_str_is_valid(args[3]))
		return FALSE;
	rename_r->old_name = p_strdup(pool, args[2]);
	rename_r->new_name = p_strdup(pool, args[3]);
	return TRUE;
}

bool lazy_expunge_rename_parse(const char *line, pool_t pool,
			       struct lazy_expunge_rename *rename_r)
{
	bool valid;

	i_zero(rename_r);
	T_BEGIN {
		valid = rename_parse(t_strsplit_tabescaped(line), pool,
				     rename_r);
	} T_END;
	return valid;
}

const struct lazy_expunge_rename *
lazy_expunge_renames_find(const struct lazy_expunge_rename *renames,
			  unsigned int count, const char *name, time_t when)
{
	for (unsigned int i = 0; i < count; i++) {
		if (renames[i].time >= when &&
		    strcmp(renames[i].old_name, name) == 0)
			return &renames[i];
	}
	return NULL;
}

const char *
lazy_expunge_renames_last_name(const struct lazy_expunge_rename *renames,
			       unsigned int count, const guid_128_t guid)
{
	while (count > 0) {
		if (guid_128_equals(renames[--count].guid, guid))
			return renames[count].new_name;
	}
	return NULL;
}

void lazy_expunge_renames_part(const struct lazy_expunge_rename *renames,
			       unsigned int count, const char *name,
			       const time_t *times, unsigned int times_count,
			       ARRAY_TYPE(lazy_expunge_rename_run) *runs)
{
	struct lazy_expunge_rename_run *run = NULL;

	for (unsigned int i = 0; i < times_count; i++) {
		if (run != NULL &&
		    (run->rename == NULL || times[i] <= run->rename->time)) {
			run->count++;
			continue;
		}
		run = array_append_space(runs);
		run->count = 1;
		run->rename = lazy_expunge_renames_find(renames, count, name,
							times[i]);
	}
}
