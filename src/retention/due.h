#ifndef LAZY_EXPUNGE_DUE_H
#define LAZY_EXPUNGE_DUE_H

/* What autoexpunge would take now, from all mailboxes of a user that have it. */

#include "mailbox-list-iter.h"
#include "account/error.h"

struct lazy_expunge_user;

struct lazy_expunge_due {
	uint64_t messages, bytes;
	/* more that would go, but for a hold */
	uint64_t held;
	/* when the next mail may go, if nothing is changed; 0 = never */
	time_t next;
	/* mailboxes that could not be looked at */
	unsigned int failed;
};

/* Mailboxes with nothing to go are not opened if their list index tells. What
   cannot be read is logged and counted. Returns 0 if ok, -1 and the first error
   if something failed; *due_r has the rest then. */
int lazy_expunge_due_read(struct lazy_expunge_user *luser, time_t now,
			  struct lazy_expunge_due *due_r,
			  enum mail_error *error_r);

struct mailbox_settings;
/* Does the block of this mailbox say that Dovecot expunges there? */
bool lazy_expunge_due_has_retention(const struct mailbox_settings *block);
/* How autoexpunge lists the mailboxes of a namespace. */
enum mailbox_list_iter_flags
lazy_expunge_due_list_flags(struct lazy_expunge_user *luser,
			    struct mail_namespace *ns);

/* Called for each mailbox that has autoexpunge; it need not exist. */
typedef void lazy_expunge_due_callback_t(struct mail_namespace *ns,
					 const char *vname, void *context);
/* Returns 0 if ok, -1 and the error if mailboxes could not be listed. */
int lazy_expunge_due_mailboxes(struct lazy_expunge_user *luser,
			       lazy_expunge_due_callback_t *callback,
			       void *context, struct lazy_expunge_error *error_r);

#endif
