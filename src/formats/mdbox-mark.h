#ifndef LAZY_EXPUNGE_UNCLEAN_H
#define LAZY_EXPUNGE_UNCLEAN_H

struct lazy_expunge_user;
struct mailbox;

/* mdbox writes a copy to the index of its mailbox first, and then counts it in
   the map of the storage. Killed between the two, the map counts one too few:
   when one copy is expunged and purged later, the other loses its content.

   So a file marks a storage while copies are committed to it, and who finds
   one that nobody is committing to has the storage's counts made anew. */

/* Mark the storage of box, if it is mdbox and the account's lock is held.
   Returns TRUE if lazy_expunge_unclean_end() must follow after the commit. */
bool lazy_expunge_unclean_begin(struct mailbox *box);
void lazy_expunge_unclean_end(struct mailbox *box);

/* To be called before box is opened: repair its storage if it is marked. */
void lazy_expunge_unclean_repair(struct lazy_expunge_user *luser,
				 struct mailbox *box);
/* The same whether it is marked or not. Returns 0 if ok, or it is not mdbox, -1 if it
   cannot be done, and box has not the error. */
int lazy_expunge_unclean_resync(struct lazy_expunge_user *luser,
				struct mailbox *box);
/* TRUE if the counts of the storage of box may be too low: nothing may be purged
   there. */
bool lazy_expunge_unclean_is_marked(struct mailbox *box);

#endif
