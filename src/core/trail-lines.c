/* Steps to a Trash: lines of text, and finding them. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "strescape.h"
#include "strnum.h"
#include "unichar.h"
#include "core/trail-lines.h"

#define TRAIL_KIND "T"
/* a line without it was cut off */
#define TRAIL_END "."

void lazy_expunge_trail_step_append(string_t *dest,
				    const struct lazy_expunge_trail_step *step)
{
	str_printfa(dest, TRAIL_KIND"\t%"PRId64"\t%u\t%u:%u\t",
		    (int64_t)step->time, step->uid_validity, step->first_uid,
		    step->last_uid);
	str_append_tabescaped(dest, step->mailbox);
	str_append_c(dest, '\t');
	str_append_tabescaped(dest, step->origin);
	str_append(dest, "\t"TRAIL_END"\n");
}

static bool uids_parse(const char *text, uint32_t *first_r, uint32_t *last_r)
{
	const char *sep = strchr(text, ':');

	return sep != NULL &&
		str_to_uint32(t_strdup_until(text, sep), first_r) == 0 &&
		str_to_uint32(sep + 1, last_r) == 0 &&
		*first_r > 0 && *first_r <= *last_r;
}

static const char *name_dup(pool_t pool, const char *name, const char *last)
{
	return last != NULL && strcmp(name, last) == 0 ? last :
		p_strdup(pool, name);
}

static bool step_parse(const char *const *args, pool_t pool,
		       const struct lazy_expunge_trail_step *last,
		       struct lazy_expunge_trail_step *step_r)
{
	if (str_array_length(args) != 7 || strcmp(args[0], TRAIL_KIND) != 0 ||
	    strcmp(args[6], TRAIL_END) != 0 ||
	    str_to_time(args[1], &step_r->time) < 0 ||
	    str_to_uint32(args[2], &step_r->uid_validity) < 0 ||
	    step_r->uid_validity == 0 ||
	    !uids_parse(args[3], &step_r->first_uid, &step_r->last_uid) ||
	    *args[4] == '\0' || *args[5] == '\0' ||
	    !uni_utf8_str_is_valid(args[4]) || !uni_utf8_str_is_valid(args[5]))
		return FALSE;
	step_r->mailbox = name_dup(pool, args[4],
				   last == NULL ? NULL : last->mailbox);
	step_r->origin = name_dup(pool, args[5],
				  last == NULL ? NULL : last->origin);
	return TRUE;
}

bool lazy_expunge_trail_step_parse(const char *line, pool_t pool,
				   const struct lazy_expunge_trail_step *last,
				   struct lazy_expunge_trail_step *step_r)
{
	bool valid;

	i_zero(step_r);
	T_BEGIN {
		valid = step_parse(t_strsplit_tabescaped(line), pool, last,
				   step_r);
	} T_END;
	return valid;
}

bool lazy_expunge_trail_is_step(const char *line)
{
	return strncmp(line, TRAIL_KIND"\t", strlen(TRAIL_KIND"\t")) == 0;
}

static int step_cmp(const struct lazy_expunge_trail_step *s1,
		    const struct lazy_expunge_trail_step *s2)
{
	if (s1->uid_validity != s2->uid_validity)
		return s1->uid_validity < s2->uid_validity ? -1 : 1;
	if (s1->first_uid != s2->first_uid)
		return s1->first_uid < s2->first_uid ? -1 : 1;
	if (s1->time != s2->time)
		return s1->time < s2->time ? -1 : 1;
	return strcmp(s1->mailbox, s2->mailbox);
}

void lazy_expunge_trail_sort(ARRAY_TYPE(lazy_expunge_trail_step) *steps)
{
	array_sort(steps, step_cmp);
}

/* How many steps begin with this UID or before it. */
static unsigned int
trail_count_before(const struct lazy_expunge_trail_step *steps,
		   unsigned int count, uint32_t uid_validity, uint32_t uid)
{
	unsigned int first = 0, middle;

	while (first < count) {
		middle = first + (count - first) / 2;
		if (steps[middle].uid_validity < uid_validity ||
		    (steps[middle].uid_validity == uid_validity &&
		     steps[middle].first_uid <= uid))
			first = middle + 1;
		else
			count = middle;
	}
	return first;
}

const struct lazy_expunge_trail_step *
lazy_expunge_trail_find(const struct lazy_expunge_trail_step *steps,
			unsigned int count, const char *mailbox,
			uint32_t uid_validity, uint32_t uid)
{
	const struct lazy_expunge_trail_step *step;

	count = trail_count_before(steps, count, uid_validity, uid);
	for (; count > 0; count--) {
		step = &steps[count - 1];
		if (step->uid_validity != uid_validity)
			break;
		/* a mailbox gives each UID once, in order */
		if (strcmp(step->mailbox, mailbox) == 0)
			return uid <= step->last_uid ? step : NULL;
	}
	return NULL;
}
