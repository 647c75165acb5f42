#ifndef LAZY_EXPUNGE_GUIDS_H
#define LAZY_EXPUNGE_GUIDS_H

/* What was read of the GUIDs of one mailbox: a contiguous range of UIDs, read
   from the newest mail down and extended rather than read again. */

#include "core/guid-records.h"
#include "core/look-budget.h"

struct mailbox;
struct lazy_expunge_guids;

struct lazy_expunge_guids *lazy_expunge_guids_init(void);
/* Takes NULL. */
void lazy_expunge_guids_deinit(struct lazy_expunge_guids **guids);
/* Number of records, for bounding memory. */
unsigned int lazy_expunge_guids_count(const struct lazy_expunge_guids *guids);

/* The mailbox is open and synced: forget everything if it is another one
   (UIDVALIDITY) than was read. */
void lazy_expunge_guids_refresh(struct lazy_expunge_guids *guids,
				struct mailbox *box);
/* Read more: first what is new since, then older mails, at most max mails and
   not beyond the budget, which is reduced. Returns TRUE if something was
   read, FALSE if there is nothing more or the budget is used up. */
bool lazy_expunge_guids_read(struct lazy_expunge_guids *guids,
			     struct mailbox *box, unsigned int max,
			     struct lazy_expunge_budget *budget);

/* Find UIDs that may have the GUID: init once, next until FALSE. Reading in
   between is not allowed. */
void lazy_expunge_guids_lookup_init(struct lazy_expunge_guids *guids,
				    const char *guid,
				    struct lazy_expunge_guid_iter *iter_r);
bool lazy_expunge_guids_lookup_next(struct lazy_expunge_guids *guids,
				    struct lazy_expunge_guid_iter *iter,
				    uint32_t *uid_r);

#endif
