#ifndef LAZY_EXPUNGE_MOVE_H
#define LAZY_EXPUNGE_MOVE_H

/* Moves within the account. Dovecot copies a mail and expunges it at once
   (mailbox_move()), and commits the two transactions one after the other; some
   of its commands commit the expunges also when the copies could not be. So a
   transaction that expunges what was moved is committed only after those that
   have the copies.

   All there is to know of the user's moves is here: which mail is being moved
   now, and which transaction waits for which. */

struct mail;
struct mailbox;
struct mailbox_transaction_context;

/* The mail is about to be copied to t within a move, and is expunged next. */
void lazy_expunge_move_begin(struct mail *mail,
			     struct mailbox_transaction_context *t);
/* It was expunged, or could not be copied. Does nothing if it is not the one
   that is being moved. */
void lazy_expunge_move_end(struct mail *mail);
/* TRUE if the mail is expunged because it was moved: it, or the mail of a
   virtual mailbox through which it was. */
bool lazy_expunge_move_has(struct mail *mail);
/* The mail of a virtual mailbox is being expunged: its backend mails are
   expunged within. */
void lazy_expunge_move_enter(struct mail *mail);
void lazy_expunge_move_leave(struct mail *mail);
/* The moved mail is expunged: its transaction waits for that of the copy. */
void lazy_expunge_move_wait(struct mail *mail);

/* Call before the commit: the transaction fails if copies of what it expunges
   were not committed. */
void lazy_expunge_move_check(struct mailbox_transaction_context *t);
/* TRUE if the transaction has copies for which another one waits. */
bool lazy_expunge_move_has_copies(struct mailbox_transaction_context *t);
/* The transaction of box is over, and t is not to be used any more. If it was
   not committed, those that wait for it fail. */
void lazy_expunge_move_finish(struct mailbox *box,
			      const struct mailbox_transaction_context *t,
			      bool committed);

/* Where the mail that is being moved goes, NULL if that is not known. */
struct mailbox *lazy_expunge_move_dest(struct mail *mail);

#endif
