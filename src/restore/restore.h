#ifndef LAZY_EXPUNGE_RESTORE_H
#define LAZY_EXPUNGE_RESTORE_H

/* Putting mails back. The copy is committed before the storage is cleared, and
   what is in the target already (by GUID) is not copied again: killed at any
   moment and done again, the result is as if it had been done once. */

#include "inventory/select.h"

struct lazy_expunge_restore_params {
	/* where everything goes, NULL = where each came from */
	const char *target;
	/* change nothing, only count */
	bool plan;
	/* returns TRUE when it is time to stop. May be NULL. */
	bool (*is_killed)(void);
};

/* What became of the mails of one origin that go to one target. */
struct lazy_expunge_restore_row {
	/* "" for mails that have none */
	const char *origin;
	const char *target;
	/* the origin was renamed, and the target is what it is now */
	bool renamed;
	/* put back, or with plan: to be put back */
	unsigned int restored;
	/* in the target already, so only cleared from the storage */
	unsigned int skipped;
	/* still in the storage, or with plan: to stay there, because the
	   quota is exceeded */
	unsigned int failed;
	/* why, if failed > 0; NULL text if there is nothing to say */
	struct lazy_expunge_error error;
};
ARRAY_DEFINE_TYPE(lazy_expunge_restore_row, struct lazy_expunge_restore_row);

/* Restore the selected mails. Adds a row for each origin and target. Texts live as long as
   the selection. Returns 0 if all went well, -1 if some mail failed: the rows
   say which and why. */
int lazy_expunge_restore(struct lazy_expunge_select *select,
			 const struct lazy_expunge_restore_params *params,
			 ARRAY_TYPE(lazy_expunge_restore_row) *rows);

#endif
