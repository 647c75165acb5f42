#ifndef LAZY_EXPUNGE_INSTANCES_H
#define LAZY_EXPUNGE_INSTANCES_H

/* The look for another live instance of a mail: same GUID, in a protected
   mailbox of the same account, live in its latest committed state, not being
   expunged by this process. Bounded: what it does not find in time it takes as
   absent, and the mail is kept. */

#include "lazy-expunge-policy.h"

struct lazy_expunge_instances;
struct lazy_expunge_user;
struct mail;

/* The account must be locked, or the result is always
   LAZY_EXPUNGE_INSTANCE_LAST. Never returns LAZY_EXPUNGE_INSTANCE_UNKNOWN. */
enum lazy_expunge_instance
lazy_expunge_instances_look(struct lazy_expunge_user *luser, struct mail *mail);
/* Close the mailboxes that looks have opened; what was read of them stays for
   later looks. Takes NULL. */
void lazy_expunge_instances_close(struct lazy_expunge_instances *instances);
/* Takes NULL. */
void lazy_expunge_instances_deinit(struct lazy_expunge_instances **instances);

#endif
