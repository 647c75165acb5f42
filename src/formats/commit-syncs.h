#ifndef LAZY_EXPUNGE_COMMIT_SYNCS_H
#define LAZY_EXPUNGE_COMMIT_SYNCS_H

/* What the commit of copies to a dbox mailbox flushes to the disk, and need
   not.

   - The index: the mails are appended to its log, which is flushed; then the
     sync that ends the commit drops \Recent (MAILBOX_FLAG_DROP_RECENT), which
     is one more record in the log, and flushes it again. Here the mails are
     not recent from the beginning: the record is written with them. To write
     it and not to flush it will not do: a later flush of something else lets
     the log have its new size on the disk and not its bytes, and it is broken
     after a power cut until it is repaired.
   - mdbox: the directory of the files that hold mail. A copy that only counts
     one reference more has made no file there. */

struct mail_storage;
struct mailbox;

/* To be called once for a mailbox that is open with MAILBOX_FLAG_DROP_RECENT, and
   to which mails of source alone are copied: where that writes their bytes
   anew, a commit flushes the directory. Does nothing for one that is not dbox.
   Other transactions of this mailbox object are concerned, too. */
void lazy_expunge_commit_syncs_init(struct mailbox *box,
				    const struct mail_storage *source);

#endif
