#ifndef LAZY_EXPUNGE_LIST_INDEX_H
#define LAZY_EXPUNGE_LIST_INDEX_H

/* The mailbox list's index (dovecot.list.index): it has a copy of each
   mailbox's STATUS, and the size and time of the mailbox's log, by which a
   reader sees that the copy is old. */

struct mailbox;

/* TRUE if the list's index is being synced: nothing that syncs may be done
   then. */
bool lazy_expunge_list_index_is_syncing(struct mailbox *box);

/* Leave the list's index as it is while a transaction of box is committed,
   which would update it and so costs a third of the commit. Returns TRUE if
   lazy_expunge_list_index_resume() must follow. Returns FALSE if the index is
   updated as usual: there is none, or nobody would see that it is old
   (mailbox_list_index_very_dirty_syncs). */
bool lazy_expunge_list_index_suspend(struct mailbox *box);
void lazy_expunge_list_index_resume(struct mailbox *box);

/* Bring the list's index up to date with box, which must be open. Failures are
   logged by Dovecot and do no harm. */
void lazy_expunge_list_index_update(struct mailbox *box);

#endif
