#ifndef LAZY_EXPUNGE_RESTORE_WHERE_H
#define LAZY_EXPUNGE_RESTORE_WHERE_H

/* Where restored mail goes. */

#include "inventory/select.h"

/* A run of the selected mails that are of one origin and go to one target. */
struct lazy_expunge_restore_part {
	/* the first in select->mails */
	unsigned int first, count;
	/* "" for mails that have none */
	const char *origin;
	const char *target;
	/* the origin was renamed to the target */
	bool renamed;
};
ARRAY_DEFINE_TYPE(lazy_expunge_restore_part, struct lazy_expunge_restore_part);

/* Sort the selected mails into parts. target: where all of them go, NULL = where
   each came from. When that is gone, but was renamed after the mail was deleted,
   it is where the mailbox is now (known by its GUID), or if it is nowhere, what
   its last name was. Texts live as long as the selection. */
void lazy_expunge_restore_where(struct lazy_expunge_select *select,
				const char *target,
				ARRAY_TYPE(lazy_expunge_restore_part) *parts);

#endif
