#ifndef LAZY_EXPUNGE_PROTECT_H
#define LAZY_EXPUNGE_PROTECT_H

/* What a user may not do with the storage. Each returns 0 if it may be done, -1
   if not: the mailbox that is asked about has the error then. */

struct mail;
struct mailbox;

/* The mailbox may be looked at. What is hidden or protected is nobody's but its
   owner's by default: others need an entry of its own in its ACL. To them it is
   not there. */
int lazy_expunge_protect_look(struct mailbox *box);
/* The mail may be moved to the mailbox: what could not be expunged is not copied
   either. It is of a storage. */
int lazy_expunge_protect_move(struct mailbox *box, struct mail *mail,
			      bool same_account);
/* The mail, of any mailbox, may be replaced by one that is saved to the mailbox. */
int lazy_expunge_protect_replace(struct mailbox *box, struct mail *mail);
/* Mail may be added. */
int lazy_expunge_protect_add(struct mailbox *box);
int lazy_expunge_protect_create(struct mailbox *box);
int lazy_expunge_protect_delete(struct mailbox *box);
int lazy_expunge_protect_rename(struct mailbox *src, struct mailbox *dest);

#endif
