#ifndef LAZY_EXPUNGE_REFCOUNT_H
#define LAZY_EXPUNGE_REFCOUNT_H

struct lazy_expunge_deletion;
struct lazy_expunge_user;
struct mailbox;

/* Look at the latest counts from now on: call when the account was locked. */
void lazy_expunge_refcount_refresh(struct lazy_expunge_user *luser,
				   struct mailbox *box);
/* Returns TRUE if the mail's reference count proves that the account has no
   other copy of it, in the storage or elsewhere. That needs a count of 1 and an
   account in which every copy raises the count: one format, one file system,
   hard links or one mdbox storage, nothing that writes copies anew. A higher
   count proves nothing: LMTP links one delivery into several accounts, and so
   do backups. The files are asked once for a deletion, which has the answer. */
bool lazy_expunge_refcount_is_single(struct lazy_expunge_user *luser,
				     struct lazy_expunge_deletion *deletion);

#endif
