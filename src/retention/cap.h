#ifndef LAZY_EXPUNGE_CAP_H
#define LAZY_EXPUNGE_CAP_H

/* lazy_expunge_max_storage: the byte caps over the storages of a user. Sizes are
   those that IMAP clients and quota see (RFC822.SIZE). */

#include "inventory/select.h"
#include "core/retention-rules.h"

/* What the mailboxes hold that have the cap of this index. Returns 0 if ok, -1
   and the error. */
int lazy_expunge_cap_sum(struct lazy_expunge_select *select,
			 unsigned int cap_idx, uint64_t *bytes_r,
			 struct lazy_expunge_error *error_r);
/* All mails of these mailboxes in the order in which they go; box is the index
   of the mailbox. Returns 0 if ok, -1 and the error. */
int lazy_expunge_cap_read(struct lazy_expunge_select *select,
			  unsigned int cap_idx,
			  ARRAY_TYPE(lazy_expunge_cap_mail) *mails,
			  struct lazy_expunge_error *error_r);

struct lazy_expunge_cap_result {
	/* what went, or with plan: what is to go */
	uint64_t messages, bytes;
};

/* Expunge the oldest mails until the storages are within their caps. Returns 0
   if ok, -1 and the error if some of them are still there. */
int lazy_expunge_cap_apply(struct lazy_expunge_user *luser, bool plan,
			   struct lazy_expunge_cap_result *result_r,
			   struct lazy_expunge_error *error_r);

#endif
