#ifndef LAZY_EXPUNGE_RETENTION_LOGS_H
#define LAZY_EXPUNGE_RETENTION_LOGS_H

#include "account/user.h"

/* What mail leaves behind in Dovecot's own files after it went. Dovecot writes
   its indexes anew when somebody changes a mailbox again, which nobody does with
   one whose mail is all gone.

   Have it done for the mailboxes that maintain looks after and INBOX: a
   transaction log with more than mail_index_log_rotate_min_size is turned over
   (mail_transaction_log_want_rotate()), and one that was turned over goes after
   mail_index_log2_max_age (mail_transaction_log_2_unlink_old()); on Maildir the
   uidlist and on mdbox the log of the map go the same way; the cache of a
   storage that is empty is purged.

   Returns the time from which on there is more of it, 0 = not by itself. What
   fails is left to the next run. */
time_t lazy_expunge_logs_maintain(struct lazy_expunge_user *luser, time_t now);

#endif
