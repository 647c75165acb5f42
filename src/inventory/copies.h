#ifndef LAZY_EXPUNGE_INVENTORY_COPIES_H
#define LAZY_EXPUNGE_INVENTORY_COPIES_H

/* Mails that are in no storage because a copy lived when they were deleted
   (account/passed.h), found by these copies. */

#include "core/passed-lines.h"
#include "inventory/select.h"

struct lazy_expunge_copies_params {
	/* the mailbox that is to have the mails, NULL = the one that each was
	   in */
	const char *target;
	/* what is missed (inventory/missed.h), which lives as long as the
	   selection. NULL = it is to be read. */
	const ARRAY_TYPE(lazy_expunge_passed) *missed;
	/* Returns TRUE if the mail may be in the mailbox without its flags, so
	   that it is missed there all the same. NULL = none is. */
	bool (*is_unfinished)(void *context, const char *guid,
			      const char *vname);
	void *context;
};

/* Add to the selection, which has mails of storages alone, the copies of mails
   that passed in the range (NULL = all), and match the query as they are now: one for each
   mailbox that such a mail was deleted in, which does not have it, and for which
   the selection does not have it. Copies lie in any mailbox, or in a storage.
   What the retention of the storages would have taken by now is left out, and
   what is missed in a mailbox that cannot be read: the selection has why
   (unread). Live mailboxes are not left open. params: NULL = all of its NULLs.
   Returns 0 if ok, -1 and the error. */
int lazy_expunge_copies_find(struct lazy_expunge_select *select,
			     struct mail_search_args *args,
			     const struct lazy_expunge_select_range *range,
			     const struct lazy_expunge_copies_params *params,
			     enum lazy_expunge_select_flags flags,
			     struct lazy_expunge_error *error_r);

#endif
