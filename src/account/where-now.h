#ifndef LAZY_EXPUNGE_WHERE_NOW_H
#define LAZY_EXPUNGE_WHERE_NOW_H

/* Where a mailbox is that mail came from: under its name, or where it was
   renamed to. */

#include "account/rename-log.h"

struct lazy_expunge_user;

/* TRUE if there is a mailbox of this name, recorded before and not as it is
   shown now; also if that cannot be told. */
bool lazy_expunge_where_exists(struct lazy_expunge_user *luser,
			       const char *vname);
/* Where the mailbox of this rename is now (known by its GUID), or if it is
   nowhere, what its last name was. NULL if mail must not go there: it would be
   deleted again, or could not be restored to. renames has all that are known.
   Data stack. */
const char *
lazy_expunge_where_now(struct lazy_expunge_user *luser,
		       const ARRAY_TYPE(lazy_expunge_rename) *renames,
		       const struct lazy_expunge_rename *rename);

#endif
