#ifndef LAZY_EXPUNGE_RENAMES_H
#define LAZY_EXPUNGE_RENAMES_H

/* Which mailboxes were renamed, in the order in which that was done. As text
   each is a line: time, mailbox GUID, old and new name, separated by tabs. */

#include "guid.h"

struct lazy_expunge_rename {
	time_t time;
	guid_128_t guid;
	/* with the namespace's prefix */
	const char *old_name, *new_name;
};
ARRAY_DEFINE_TYPE(lazy_expunge_rename, struct lazy_expunge_rename);

/* Append the line, with its end. */
void lazy_expunge_rename_append(string_t *dest,
				const struct lazy_expunge_rename *rename);
/* Returns FALSE if the line (without its end) is none. Names are allocated from
   the pool. */
bool lazy_expunge_rename_parse(const char *line, pool_t pool,
			       struct lazy_expunge_rename *rename_r);
/* The rename that took the name from the mailbox that had it at this time, NULL
   if none is known. */
const struct lazy_expunge_rename *
lazy_expunge_renames_find(const struct lazy_expunge_rename *renames,
			  unsigned int count, const char *name, time_t when);
/* The name that the mailbox got by its last rename, NULL if none is known. */
const char *
lazy_expunge_renames_last_name(const struct lazy_expunge_rename *renames,
			       unsigned int count, const guid_128_t guid);

/* Deletions from one mailbox that have one answer. */
struct lazy_expunge_rename_run {
	unsigned int count;
	/* lazy_expunge_renames_find() for each of them */
	const struct lazy_expunge_rename *rename;
};
ARRAY_DEFINE_TYPE(lazy_expunge_rename_run, struct lazy_expunge_rename_run);

/* Part the deletions from the mailbox of this name, of which times has when each
   was done, the oldest first, at the times at which it was renamed. */
void lazy_expunge_renames_part(const struct lazy_expunge_rename *renames,
			       unsigned int count, const char *name,
			       const time_t *times, unsigned int times_count,
			       ARRAY_TYPE(lazy_expunge_rename_run) *runs);

#endif
