#ifndef LAZY_EXPUNGE_KEEP_TIME_H
#define LAZY_EXPUNGE_KEEP_TIME_H

/* The retention that is configured for mailboxes, and where their mails stand
   in it. */

#include "core/retention-rules.h"

struct mail;
struct mail_namespace;
struct mailbox;

/* autoexpunge and autoexpunge_max_mails of the mailbox: the shortest of the
   mailbox blocks that name it. Needs no open mailbox. */
void lazy_expunge_keep_time_get(struct mail_namespace *ns, const char *vname,
				struct lazy_expunge_retention *set_r);
/* When the mailbox was last renamed, which prolongs the time of all mails in
   it, 0 = never. The mailbox must be open. */
time_t lazy_expunge_keep_time_renamed(struct mailbox *box);

#endif
