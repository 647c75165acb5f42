#ifndef LAZY_EXPUNGE_COMMIT_SYNCS_H
#define LAZY_EXPUNGE_COMMIT_SYNCS_H

/* What the commit of copies to a dbox mailbox flushes to the disk, and need
   not.

   - The index: the mails are appended to its log, which is flushed; then header
     fields follow (the log's tail offset, first_recent_uid) that say nothing
     which could not be found again, and it is flushed once more. Without that
     second flush a power cut at worst loses those fields.
   - mdbox: the directory of the files that hold mail. A copy that only counts
     one reference more has made no file there. */

struct mailbox;

/* To be called once for a mailbox that is open; does nothing for one that is
   not dbox. Other transactions of this mailbox object are concerned, too. */
void lazy_expunge_commit_syncs_init(struct mailbox *box);
/* A mail of source is about to be copied to box. Where that writes its bytes
   anew, the next commit flushes the directory. */
void lazy_expunge_commit_syncs_copied(struct mailbox *box,
				      struct mailbox *source);

#endif
