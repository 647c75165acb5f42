#ifndef LAZY_EXPUNGE_TRANSACTION_H
#define LAZY_EXPUNGE_TRANSACTION_H

/* A transaction that expunges: the lock and the latest state that it goes by,
   what it keeps, and its commit. */

struct lazy_expunge_deletion;
struct lazy_expunge_error;
struct lazy_expunge_transaction;
struct lazy_expunge_user;
struct mailbox;
struct mail_transaction_commit_changes;
struct mailbox_transaction_context;

/* Lock the account until the transaction ends. Returns TRUE if no other session
   can look at the account's instances meanwhile. May wait. */
bool lazy_expunge_transaction_lock(struct lazy_expunge_transaction *lt);
/* The same, and take the latest state of the source. The transaction fails if
   the mailbox was deleted meanwhile. */
void lazy_expunge_transaction_lock_and_refresh(
	struct lazy_expunge_transaction *lt);
/* TRUE if by that state another session has expunged the mail. */
bool lazy_expunge_transaction_is_gone(struct lazy_expunge_transaction *lt,
				      uint32_t uid);

/* Copy a mail into the transaction's destination. Returns 0 if it is there with
   the commit (the caller expunges it), 1 if it is already gone, -1 and the
   error if that failed: nothing was done about it. */
int lazy_expunge_transaction_keep(struct lazy_expunge_transaction *lt,
				  struct lazy_expunge_deletion *deletion,
				  struct lazy_expunge_error *error_r);
/* Mark the transaction as failed because a mail cannot be kept. */
void lazy_expunge_transaction_fail_keep(
	struct lazy_expunge_transaction *lt,
	const struct lazy_expunge_error *error);
/* The mail passes: no later look of this process counts on it. */
void lazy_expunge_transaction_pass(struct lazy_expunge_transaction *lt,
				   uint32_t uid);

/* A commit that fails here may be a part of something larger, which does not hand
   the error on: forget it before that, and set it again when that has failed. */
void lazy_expunge_transaction_forget_error(struct lazy_expunge_user *luser);
void lazy_expunge_transaction_repeat_error(struct lazy_expunge_user *luser,
					   struct mailbox *box);

/* mailbox_vfuncs */
int lazy_expunge_transaction_commit(
	struct mailbox_transaction_context *t,
	struct mail_transaction_commit_changes *changes_r);
void lazy_expunge_transaction_rollback(struct mailbox_transaction_context *t);

#endif
