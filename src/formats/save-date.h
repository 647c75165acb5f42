#ifndef LAZY_EXPUNGE_SAVE_DATE_H
#define LAZY_EXPUNGE_SAVE_DATE_H

/* The save date of a mail in the storage is its deletion time: it must stay as
   it is, whatever happens to the file later. mdbox has it in its index; for the
   others only the cache file can promise that, so there it is always cached
   (mail_always_cache_fields for one mailbox). */

struct mail;
struct mailbox;
struct mailbox_transaction_context;

/* Have a field of size bytes in the cache file of an open mailbox always.
   Returns its index for mail_cache_add() (mail_cache_register_fields()). */
unsigned int lazy_expunge_cache_field_register(struct mailbox *box,
					       const char *name,
					       unsigned int size);
/* Have save dates cached in an open mailbox. Returns the field for
   lazy_expunge_save_date_add(). */
unsigned int lazy_expunge_save_date_register(struct mailbox *box);
/* The mail that was just copied in the transaction is deleted now. */
void lazy_expunge_save_date_add(struct mailbox_transaction_context *t,
				unsigned int field);
/* Cache the save dates of mails that came without, by a link into a Maildir:
   until then they have the ctime of their files, which backups by hard links
   change. Call after a sync. *next_uid remembers up to which UID that was done,
   0 at first. callback is called for each of these mails, in the transaction that
   is committed then. */
void lazy_expunge_save_date_catch_up(
	struct mailbox *box, uint32_t *next_uid,
	void (*callback)(struct mailbox_transaction_context *t,
			 struct mail *mail));
/* Cache the save dates of all mails of an open and synced mailbox that have none
   there, and have those of later ones cached. Nothing is to do for mdbox.
   Returns how many were missing. */
unsigned int lazy_expunge_save_date_cache_all(struct mailbox *box);

#endif
