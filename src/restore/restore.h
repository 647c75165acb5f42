#ifndef LAZY_EXPUNGE_RESTORE_H
#define LAZY_EXPUNGE_RESTORE_H

/* Putting mails back. The copy is committed before the storage is cleared, and
   what is in the target already (by GUID) is not copied again: killed at any
   moment and done again, the result is as if it had been done once. */

#include "inventory/select.h"
#include "restore/rows.h"

/* Restore the selected mails, and then copies of mails that passed, which stay
   where they are. Adds a row for each origin and target. Texts live as long as
   the selections. Returns 0 if all went well, -1 if some mail failed: the rows
   say which and why. */
int lazy_expunge_restore(struct lazy_expunge_select *select,
			 const struct lazy_expunge_restore_params *params,
			 ARRAY_TYPE(lazy_expunge_restore_row) *rows);

#endif
