#ifndef LAZY_EXPUNGE_INSTANCES_H
#define LAZY_EXPUNGE_INSTANCES_H

/* The look for other instances of a mail: same GUID, in the same account, live
   in the latest committed state of their mailbox, not being expunged by this
   process. Bounded: what is not found in time is taken as absent, and the mail
   is kept. */

#include "core/policy.h"

struct lazy_expunge_deletion;
struct lazy_expunge_user;

/* Is there an instance in a protected mailbox? The account must be locked, or
   the answer is always LAZY_EXPUNGE_INSTANCE_LAST. Never returns
   LAZY_EXPUNGE_INSTANCE_UNKNOWN. */
enum lazy_expunge_instance
lazy_expunge_instances_look(struct lazy_expunge_user *luser,
			    struct lazy_expunge_deletion *deletion);
/* Close the mailboxes that looks have opened; what was read of them stays for
   later looks. */
void lazy_expunge_instances_close(struct lazy_expunge_user *luser);

#endif
