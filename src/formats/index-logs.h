#ifndef LAZY_EXPUNGE_INDEX_LOGS_H
#define LAZY_EXPUNGE_INDEX_LOGS_H

/* The transaction logs of an index. Dovecot sees to them when the index is synced
   and all that the log asks for was done: one that is large and not new is turned
   over (mail_transaction_log_want_rotate()), one that was turned over goes when it
   is old (mail_transaction_log_2_unlink_old()). The sync of a Maildir that is empty
   does not get that far. */

struct mailbox;

/* Sync the mailbox, which is open, and then its index as a whole; that is written
   anew, too, so that its backup is not one of mail that went long ago. If others
   want something done meanwhile, or on an error, the logs stay as they are. */
void lazy_expunge_index_logs_sync(struct mailbox *box);

#endif
