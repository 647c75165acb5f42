#ifndef LAZY_EXPUNGE_CATALOG_HOOKS_H
#define LAZY_EXPUNGE_CATALOG_HOOKS_H

/* What a session changes of the user's row in the catalog, and that it is written
   at the end of the session. */

struct lazy_expunge_transaction;
struct lazy_expunge_user;
struct mail_transaction_commit_changes;
struct mailbox;

/* The transaction of the mailbox was committed. Costs no call. */
void lazy_expunge_catalog_committed(struct lazy_expunge_transaction *lt);
/* The same of what was saved, in any mailbox. */
void lazy_expunge_catalog_saved(
	struct mailbox *box,
	const struct mail_transaction_commit_changes *changes);
/* The session ends; the mailboxes can be read still. */
void lazy_expunge_catalog_session_end(struct lazy_expunge_user *luser);

#endif
