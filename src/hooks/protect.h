#ifndef LAZY_EXPUNGE_PROTECT_H
#define LAZY_EXPUNGE_PROTECT_H

/* What a user may not do with the storage. Each returns 0 if it may be done, -1
   if not: the mailbox that is asked about has the error then. */

struct mailbox;

/* Mail may be added. */
int lazy_expunge_protect_add(struct mailbox *box);
int lazy_expunge_protect_create(struct mailbox *box);
int lazy_expunge_protect_delete(struct mailbox *box);
int lazy_expunge_protect_rename(struct mailbox *src, struct mailbox *dest);

#endif
