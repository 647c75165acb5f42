#ifndef LAZY_EXPUNGE_SAVED_H
#define LAZY_EXPUNGE_SAVED_H

/* Whether saved mails can be relied on, before their sources go. sdbox answers
   a commit with success and removes the files when the sync that ends it fails,
   as on a full disk (sdbox_transaction_save_commit_post()). */

struct mailbox;
struct mailbox_transaction_context;
struct mail_transaction_commit_changes;

/* FALSE if a commit that succeeded with these changes has lost its mails. The
   mailbox has an error then. */
bool lazy_expunge_saved_are_there(
	struct mailbox *box,
	const struct mail_transaction_commit_changes *changes);
/* mailbox_transaction_commit() that fails when the mails are not there. */
int lazy_expunge_saved_commit(
	struct mailbox_transaction_context **t,
	struct mail_transaction_commit_changes *changes_r);
/* Unlink, with their attachments, the files of mails that the mailbox has no more
   and for whose GUID is_gone() returns TRUE: a process that is killed between the
   commit of an expunge and unlink() leaves them (sdbox_sync_finish()), and nothing
   ever looks at them again. The mailbox is open and synced. Other formats: does
   nothing. Returns 0, or -1 and the mailbox has an error. */
int lazy_expunge_sdbox_unlink_orphans(
	struct mailbox *box,
	bool (*is_gone)(void *context, const char *guid), void *context);

#endif
