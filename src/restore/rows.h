#ifndef LAZY_EXPUNGE_RESTORE_ROWS_H
#define LAZY_EXPUNGE_RESTORE_ROWS_H

/* What is asked of a restore, and what it answers. */

#include "account/error.h"

struct lazy_expunge_restore_intent;
struct lazy_expunge_select;

struct lazy_expunge_restore_params {
	/* where everything goes, NULL = where each came from */
	const char *target;
	/* also to where the user may not put mail, and where an origin is
	   believed that no delete of the user can have come from */
	bool ignore_acls;
	/* change nothing, only count */
	bool plan;
	/* returns TRUE when it is time to stop. May be NULL. */
	bool (*is_killed)(void);
	/* Called when the mails of the storages are back: finds copies of mails
	   that passed (inventory/copies.h), to be restored as well, those that
	   the intent (NULL = none) has, too. *select_r is
	   the caller's, NULL if there are none. Returns 0 if ok, -1 if that
	   failed, and was said. May be NULL. */
	int (*find_copies)(void *context,
			   struct lazy_expunge_restore_intent *intent,
			   struct lazy_expunge_select **select_r);
	void *context;
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
	/* of mails that passed: made from a copy, which stays where it is */
	unsigned int copied;
	/* in the target already, so only cleared from the storage */
	unsigned int skipped;
	/* still in the storage, or with plan: to stay there, because the
	   quota is exceeded */
	unsigned int failed;
	/* why, if failed > 0; NULL text if there is nothing to say */
	struct lazy_expunge_error error;
	/* not made from a copy, and why. The same. */
	unsigned int not_copied;
	struct lazy_expunge_error copy_error;
};
ARRAY_DEFINE_TYPE(lazy_expunge_restore_row, struct lazy_expunge_restore_row);

#endif
