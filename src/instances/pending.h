#ifndef LAZY_EXPUNGE_PENDING_H
#define LAZY_EXPUNGE_PENDING_H

/* The mails that open transactions of this process are about to expunge. A
   virtual mailbox opens several transactions at once, so a copy in another
   mailbox may be on its way out too. */

#include "guid.h"

struct lazy_expunge_user;
struct mailbox_transaction_context;

/* Mark a mail as being expunged by the transaction. */
void lazy_expunge_pending_add(struct lazy_expunge_user *luser,
			      struct mailbox_transaction_context *t,
			      uint32_t uid);
/* The transaction ended. */
void lazy_expunge_pending_remove(struct lazy_expunge_user *luser,
				 struct mailbox_transaction_context *t);
/* TRUE if some open transaction is expunging the mail of the mailbox. */
bool lazy_expunge_pending_has(struct lazy_expunge_user *luser,
			      const guid_128_t mailbox_guid, uint32_t uid);

#endif
