#ifndef LAZY_EXPUNGE_RENAMED_H
#define LAZY_EXPUNGE_RENAMED_H

/* Renamed mailboxes, remembered in a file of the user, so that restore finds
   the mailbox that a mail came from under its new name. A rename never fails
   because of it: what cannot be read or written is a warning. */

#include "core/rename-lines.h"

#define LAZY_EXPUNGE_RENAMED_FNAME "dovecot.lazy-expunge.renames"

struct mail_user;
struct mailbox;
struct lazy_expunge_renamed;

/* Call before the rename: which mailboxes go with it, the children included?
   NULL if none is to be remembered. */
struct lazy_expunge_renamed *
lazy_expunge_renamed_begin(struct mailbox *src, struct mailbox *dest);
/* Call after it: write that down, unless it failed. Takes NULL. */
void lazy_expunge_renamed_finish(struct lazy_expunge_renamed **renamed,
				 bool success, time_t now);

/* Read all that is remembered. Names are allocated from the pool. */
void lazy_expunge_renamed_read(struct mail_user *user, pool_t pool,
			       ARRAY_TYPE(lazy_expunge_rename) *renames);
/* TRUE if the mailbox exists and has the GUID that is remembered of it. */
bool lazy_expunge_mailbox_has_guid(struct mailbox *box, const guid_128_t guid);

#endif
