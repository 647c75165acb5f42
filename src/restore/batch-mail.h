#ifndef LAZY_EXPUNGE_RESTORE_BATCH_MAIL_H
#define LAZY_EXPUNGE_RESTORE_BATCH_MAIL_H

/* One mail of a batch: it is copied, completed, or in the target already. */

struct lazy_expunge_events;
struct lazy_expunge_live;
struct lazy_expunge_restore;
struct lazy_expunge_select_mail;
struct lazy_expunge_storage;
struct lazy_expunge_wanted;
struct mail;
struct mailbox;
struct mailbox_transaction_context;

/* Transactions of one batch: all its mails are of one mailbox. */
struct lazy_expunge_restore_batch {
	struct lazy_expunge_restore *restore;
	struct mailbox *box;
	struct lazy_expunge_storage *storage;
	struct mailbox_transaction_context *src_trans, *dest_trans;
	struct mail *mail;
	/* what the target has; NULL with plan, and if that cannot be told */
	struct lazy_expunge_live *live;
	/* the one that it is on */
	const struct lazy_expunge_select_mail *smail;
	/* NULL with plan */
	struct lazy_expunge_events *events;
	unsigned int restored, copied, skipped;
	/* what could not be done; the whole batch is undone then */
	const char *failed;
	struct mailbox *failed_box;
};

/* The GUID of a mail of the batch, and what is known of it in the target (NULL:
   nothing). Reads it from the mail, and has batch->mail on it, only if it was not
   read before. Returns 1, 0 if the mail is gone, -1 if it cannot be read. */
int lazy_expunge_restore_batch_guid(struct lazy_expunge_restore_batch *batch,
				    const struct lazy_expunge_select_mail *smail,
				    const char **guid_r,
				    struct lazy_expunge_wanted **wanted_r);
/* Whether the target has the mail, or gets it with this batch. The GUIDs were
   read before the account was locked: a delete that was under way then may
   have put just this mail into the storage. What was copied by this run was
   there after that. */
bool lazy_expunge_restore_batch_has(struct lazy_expunge_restore_batch *batch,
				    struct lazy_expunge_wanted *wanted);
/* Do what is to be done with the mail that the batch is on. Returns 0 if ok, -1 if the
   whole batch is to be undone. */
int lazy_expunge_restore_batch_mail(struct lazy_expunge_restore_batch *batch);

#endif
