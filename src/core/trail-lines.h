#ifndef LAZY_EXPUNGE_TRAIL_LINES_H
#define LAZY_EXPUNGE_TRAIL_LINES_H

/* Where the mail in a Trash came from. As text each step is a line of fields
   separated by tabs: "T", time, the Trash's UIDVALIDITY and UIDs, its name, and
   the mailbox that these mails were in before, and an end. Lines of another kind are for
   versions that know them. */

#include "seq-range-array.h"

struct lazy_expunge_trail_step {
	time_t time;
	uint32_t uid_validity;
	/* one after the other */
	uint32_t first_uid, last_uid;
	/* with the namespace's prefix */
	const char *mailbox, *origin;
};
ARRAY_DEFINE_TYPE(lazy_expunge_trail_step, struct lazy_expunge_trail_step);

/* Append the line, with its end. */
void lazy_expunge_trail_step_append(string_t *dest,
				    const struct lazy_expunge_trail_step *step);
/* Returns FALSE if the line (without its end) is none. Names are allocated from
   the pool; *last may have the same ones already, and may be NULL. */
bool lazy_expunge_trail_step_parse(const char *line, pool_t pool,
				   const struct lazy_expunge_trail_step *last,
				   struct lazy_expunge_trail_step *step_r);
/* TRUE if the line is a step, or was one before it was cut off. */
bool lazy_expunge_trail_is_step(const char *line);
/* Sort the steps for lazy_expunge_trail_find(). */
void lazy_expunge_trail_sort(ARRAY_TYPE(lazy_expunge_trail_step) *steps);
/* The step that led to the mail, NULL if none is known. The steps are sorted. */
const struct lazy_expunge_trail_step *
lazy_expunge_trail_find(const struct lazy_expunge_trail_step *steps,
			unsigned int count, const char *mailbox,
			uint32_t uid_validity, uint32_t uid);

#endif
