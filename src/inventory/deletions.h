#ifndef LAZY_EXPUNGE_INVENTORY_DELETIONS_H
#define LAZY_EXPUNGE_INVENTORY_DELETIONS_H

/* What was deleted or restored together: the mails of the storages and the
   records of account/deletions.h, joined by their numbers. Mails without one
   are told by origin and time. */

#include "inventory/select.h"
#include "core/deletion-lines.h"

struct lazy_expunge_deletion_row {
	/* what -d takes: the number, or for a guess "g", time and origin */
	const char *name;
	/* What is known of it beside its mails. With id = 0 the mails do not say:
	   it is a guess, as is the rest when has_record is FALSE. */
	struct lazy_expunge_deletion_record record;
	bool has_record;
	/* mails that are still there: so many of select->mails from first_mail
	   on, and those of them that another selection has, too */
	unsigned int there, found;
	unsigned int first_mail;
	/* mails that restores and moves took out of the storage */
	unsigned int restored;
	/* mails that are in no storage, for a copy lived, and can be made from it */
	unsigned int passed;
};

struct lazy_expunge_deletions_list {
	struct lazy_expunge_select *select;
	ARRAY(struct lazy_expunge_deletion_row) rows;
};

/* All deletions of the user, the newest first. select has all its mails, which are
   sorted anew. found has those that count as found, NULL = all. Lives as long as
   the selection. */
struct lazy_expunge_deletions_list *
lazy_expunge_deletions_list(struct lazy_expunge_select *select,
			    const struct lazy_expunge_select *found);
/* The row of this name, NULL if there is none. */
const struct lazy_expunge_deletion_row *
lazy_expunge_deletions_find(struct lazy_expunge_deletions_list *list,
			    const char *name);
/* What the range must have to find the mails of the row. Data stack. */
void lazy_expunge_deletions_select(
			const struct lazy_expunge_deletion_row *row,
			struct lazy_expunge_select_deletion *deletion_r);
/* TRUE if a mail of the row was deleted in the mailboxes of the mask. */
bool lazy_expunge_deletions_match(
			struct lazy_expunge_deletions_list *list,
			const struct lazy_expunge_deletion_row *row,
			const struct lazy_expunge_select_range *range);
/* Adds the mailboxes that were deleted as a whole, by this deletion (0 = any), in the
   range. Names are allocated from the pool. */
void lazy_expunge_deletions_boxes(struct lazy_expunge_user *luser, pool_t pool,
				  const struct lazy_expunge_select_range *range,
				  uint32_t id, ARRAY_TYPE(const_string) *boxes);
/* The same, by any deletion, if nobody named them: but for those of which mail would
   have expired by now, and those that came back and have another name since. */
void lazy_expunge_deletions_all_boxes(
				struct lazy_expunge_user *luser, pool_t pool,
				const struct lazy_expunge_select_range *range,
				ARRAY_TYPE(const_string) *boxes);
/* Bytes of the row's mails that are there. Returns 0 if ok, -1 and the error. */
int lazy_expunge_deletions_bytes(struct lazy_expunge_deletions_list *list,
				 const struct lazy_expunge_deletion_row *row,
				 uint64_t *bytes_r,
				 struct lazy_expunge_error *error_r);

#endif
