#ifndef LAZY_EXPUNGE_INVENTORY_COPIES_H
#define LAZY_EXPUNGE_INVENTORY_COPIES_H

/* Mails that are in no storage because a copy lived when they were deleted
   (account/passed.h), found by these copies. */

#include "inventory/select.h"

/* Add to the selection, which has mails of storages alone, the copies of mails
   that passed in the range (NULL = all), and match the query as they are now: one for each
   mailbox that such a mail was deleted in, which does not have it, and for which
   the selection does not have it. Copies lie in any mailbox, or in a storage.
   What the retention of the storages would have taken by now is left out, and
   what is missed in a mailbox that cannot be read: the selection has why
   (unread). Live mailboxes are not left open.
   target: the mailbox that is to have them, NULL = the one that each was in.
   Returns 0 if ok, -1 and the error. */
int lazy_expunge_copies_find(struct lazy_expunge_select *select,
			     struct mail_search_args *args,
			     const struct lazy_expunge_select_range *range,
			     const char *target,
			     enum lazy_expunge_select_flags flags,
			     struct lazy_expunge_error *error_r);
/* TRUE if there may be some: mails passed that are not back. */
bool lazy_expunge_copies_are_wanted(struct lazy_expunge_user *luser);
/* What passed at this time or later does not expire yet, by the retention of the
   user's storages: 0 if they have none. */
time_t lazy_expunge_copies_since(struct lazy_expunge_user *luser, time_t now);

#endif
