#ifndef LAZY_EXPUNGE_REFCOUNT_H
#define LAZY_EXPUNGE_REFCOUNT_H

struct mail;
struct lazy_expunge_user;

/* Look at the latest counts from now on: call when the account was locked. */
void lazy_expunge_refcount_refresh(struct lazy_expunge_user *luser,
				   struct mailbox *box);
/* Returns TRUE if the mail's reference count proves that the account has no
   other copy of it, in the storage or elsewhere. That needs a count of 1 and an
   account in which every copy raises the count: one format, one file system,
   hard links or one mdbox storage, nothing that writes copies anew. A higher
   count proves nothing: LMTP links one delivery into several accounts, and so
   do backups. */
bool lazy_expunge_refcount_is_single(struct lazy_expunge_user *luser,
				     struct mail *mail);
/* The last answer. */
bool lazy_expunge_refcount_was_single(struct lazy_expunge_user *luser);

#endif
