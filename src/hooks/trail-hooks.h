#ifndef LAZY_EXPUNGE_TRAIL_HOOKS_H
#define LAZY_EXPUNGE_TRAIL_HOOKS_H

/* Mail that goes to a Trash: where it was before. */

#include <stdint.h>

struct lazy_expunge_transaction;
struct mail;
struct mail_transaction_commit_changes;
struct mailbox;
struct mailbox_transaction_context;

/* The mail was copied within the account by the transaction. If that is to a
   Trash, remember where it was. */
void lazy_expunge_trail_copied(struct mailbox_transaction_context *t,
			       struct mail *mail);
/* The mailbox that a mail of the transaction's mailbox, which is a Trash, was in
   before it came there, NULL if that is not known. Lives as long as the
   transaction. */
const char *lazy_expunge_trail_before(struct lazy_expunge_transaction *lt,
				      uint32_t uid);
/* The transaction is committed, and gone: write down what it copied. */
void lazy_expunge_trail_committed(
	struct lazy_expunge_transaction *lt,
	const struct mail_transaction_commit_changes *changes);

#endif
