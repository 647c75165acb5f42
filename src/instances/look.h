#ifndef LAZY_EXPUNGE_INSTANCES_H
#define LAZY_EXPUNGE_INSTANCES_H

/* The look for other instances of a mail: same GUID, in the same account, live
   in the latest committed state of their mailbox, not being expunged by this
   process. Bounded: what is not found in time is taken as absent, and the mail
   is kept. */

#include "core/policy.h"

struct lazy_expunge_deletion;
struct lazy_expunge_user;

/* What a look took. */
struct lazy_expunge_looked {
	enum {
		/* nobody else's word counts: the account is not locked, or the
		   mail is another account's, or has no GUID */
		LAZY_EXPUNGE_LOOKED_NOT,
		/* its count of references is one */
		LAZY_EXPUNGE_LOOKED_REFCOUNT,
		LAZY_EXPUNGE_LOOKED_READING
	} method;
	unsigned int mails_read, mailboxes_opened;
	/* it was found in what had been read before */
	bool remembered;
	/* not found, and not all was read */
	bool cut_short;
	/* begun when the reading began, NULL if nothing was read. The caller
	   frees it. */
	struct event *event;
};

/* Is there an instance in a protected mailbox? The account must be locked, or
   the answer is always LAZY_EXPUNGE_INSTANCE_LAST. Never returns
   LAZY_EXPUNGE_INSTANCE_UNKNOWN. */
enum lazy_expunge_instance
lazy_expunge_instances_look(struct lazy_expunge_user *luser,
			    struct lazy_expunge_deletion *deletion,
			    struct lazy_expunge_looked *looked_r);
/* Close the mailboxes that looks have opened; what was read of them stays for
   later looks. */
void lazy_expunge_instances_close(struct lazy_expunge_user *luser);

#endif
