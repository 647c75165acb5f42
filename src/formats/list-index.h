#ifndef LAZY_EXPUNGE_LIST_INDEX_H
#define LAZY_EXPUNGE_LIST_INDEX_H

/* The mailbox list's index (dovecot.list.index): it has a copy of each
   mailbox's STATUS, and the size and time of the mailbox's log, by which a
   reader sees that the copy is old. */

struct mail_index_view;
struct mailbox;
struct mailbox_list;

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

/* When the first mail of box was saved, by the record at seq of the list's
   index, which may be old. 0 = the record does not say. */
time_t lazy_expunge_list_index_first_saved(struct mailbox *box,
					   struct mail_index_view *list_view,
					   uint32_t seq);
/* When the log of the mailbox with this storage name last changed. 0 = that is
   not known. */
time_t lazy_expunge_list_index_log_time(struct mailbox_list *list,
					const char *storage_name);

#endif
