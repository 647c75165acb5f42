#ifndef LAZY_EXPUNGE_TRANSACTIONS_H
#define LAZY_EXPUNGE_TRANSACTIONS_H

/* Reasons of the plugin's own transactions: an expunge in one of them is known
   by it. */
#define LAZY_EXPUNGE_TRANSACTION_CAP "lazy_expunge cap"
#define LAZY_EXPUNGE_TRANSACTION_CHECK "lazy_expunge check"
/* it goes for good, wherever it is */
#define LAZY_EXPUNGE_TRANSACTION_ERASE "lazy_expunge erase"
#define LAZY_EXPUNGE_TRANSACTION_RESTORE "lazy_expunge restore"
#define LAZY_EXPUNGE_TRANSACTION_ROOM "lazy_expunge room"
#define LAZY_EXPUNGE_TRANSACTION_SUPERSEDE "lazy_expunge supersede"
/* the mail is in the storage again */
#define LAZY_EXPUNGE_TRANSACTION_UNDO "lazy_expunge undo"

#endif
