#ifndef LAZY_EXPUNGE_DELETION_ID_H
#define LAZY_EXPUNGE_DELETION_ID_H

/* The number of its deletion (core/deletion-lines.h), which a kept mail carries as
   it carries the number of an origin (keep/origin.h). */

struct mail;
struct mailbox;
struct mailbox_transaction_context;

/* Have numbers cached in an open mailbox. Returns the field for
   lazy_expunge_deletion_id_add(). */
unsigned int lazy_expunge_deletion_id_register(struct mailbox *box);
/* Add the number to a mail that was saved in the transaction. */
void lazy_expunge_deletion_id_add(struct mailbox_transaction_context *t,
				  uint32_t seq, uint32_t id,
				  unsigned int field);
/* The same for who has not registered it; 0 = none. */
void lazy_expunge_deletion_id_set(struct mailbox_transaction_context *t,
				  uint32_t seq, uint32_t id);
/* The number of a mail in a storage mailbox, 0 if it has none. */
uint32_t lazy_expunge_deletion_id_get(struct mail *mail);
/* Maildir: a mail that got its UID in this transaction may have its number in
   its file name alone: add it to the index. */
void lazy_expunge_deletion_id_catch_up(struct mailbox_transaction_context *t,
				       struct mail *mail, uint32_t id);

#endif
