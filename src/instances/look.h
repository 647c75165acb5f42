#ifndef LAZY_EXPUNGE_INSTANCES_H
#define LAZY_EXPUNGE_INSTANCES_H

/* The look for other instances of a mail: same GUID, in the same account, live
   in the latest committed state of their mailbox, not being expunged by this
   process. Bounded: what is not found in time is taken as absent, and the mail
   is kept. */

#include "core/policy.h"

struct lazy_expunge_instances;
struct lazy_expunge_user;
struct mail;

/* Is there an instance in a protected mailbox? The account must be locked, or
   the answer is always LAZY_EXPUNGE_INSTANCE_LAST. Never returns
   LAZY_EXPUNGE_INSTANCE_UNKNOWN. */
enum lazy_expunge_instance
lazy_expunge_instances_look(struct lazy_expunge_user *luser, struct mail *mail);
/* A mail with this GUID was just committed to the storage: remove older
   instances from the storage, so that it is there once, with the new deletion
   time. The account must be locked. Failures leave duplicates. */
void lazy_expunge_instances_supersede(struct lazy_expunge_user *luser,
				      const char *guid);
/* Close the mailboxes that looks have opened; what was read of them stays for
   later looks. Takes NULL. */
void lazy_expunge_instances_close(struct lazy_expunge_instances *instances);
/* Takes NULL. */
void lazy_expunge_instances_deinit(struct lazy_expunge_instances **instances);

#endif
