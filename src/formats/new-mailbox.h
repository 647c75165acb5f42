#ifndef LAZY_EXPUNGE_NEW_MAILBOX_H
#define LAZY_EXPUNGE_NEW_MAILBOX_H

struct mailbox;

/* mailbox_create() of a mailbox whose mailbox_open() found nothing, for mail
   that then goes away elsewhere: POSIX promises the entry of a new directory
   only when the directory above has been synced, and no file in it before. So
   all that are new are synced, unless mail_fsync is never. Returns 0, or -1 with
   the error on the mailbox; then it may have been made all the same. */
int lazy_expunge_mailbox_create(struct mailbox *box);

#endif
