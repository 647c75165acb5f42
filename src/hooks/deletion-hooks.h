#ifndef LAZY_EXPUNGE_DELETION_HOOKS_H
#define LAZY_EXPUNGE_DELETION_HOOKS_H

/* What is deleted together (account/deletions.h): what a transaction adds to it
   when it is committed. */

#include <stdint.h>

struct lazy_expunge_deletion;
struct lazy_expunge_transaction;
struct mail;
struct mailbox;

/* Give a mail that is to be kept the number of its deletion. */
void lazy_expunge_deletion_number(struct lazy_expunge_transaction *lt,
				  struct lazy_expunge_deletion *deletion);
/* The mailbox, which is open, is about to be deleted: what it is beside its mails.
   NULL if that is not to be remembered. */
string_t *lazy_expunge_deletion_box_begin(struct mailbox *box);
/* The mailbox was deleted. Frees what the beginning returned. */
void lazy_expunge_deletion_box(struct mailbox *box, string_t **properties);
/* It is kept with the commit. */
void lazy_expunge_deletion_kept(struct lazy_expunge_transaction *lt,
				const struct lazy_expunge_deletion *deletion);
/* It goes with the commit while a copy lives, and its GUID is known. */
void lazy_expunge_deletion_passed(struct lazy_expunge_transaction *lt,
				  struct lazy_expunge_deletion *deletion);
/* An instance in a storage gives way to a newer one, which is a
   lazy_expunge_superseded_t and gets the transaction: if another mailbox was its
   origin, that is not forgotten. */
void lazy_expunge_deletion_superseded(void *context, struct mail *older,
				      time_t saved, struct mail *newer);
/* The mail of a storage is moved out of it by the transaction. */
void lazy_expunge_deletion_left(struct lazy_expunge_transaction *lt,
				struct mail *mail);
/* The transaction is over. */
void lazy_expunge_deletion_finish(struct lazy_expunge_transaction *lt,
				  bool committed);

#endif
