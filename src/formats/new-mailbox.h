#ifndef LAZY_EXPUNGE_NEW_MAILBOX_H
#define LAZY_EXPUNGE_NEW_MAILBOX_H

struct mailbox;

/* The mailbox was just made, for mail that then goes away elsewhere: POSIX
   promises the entry of a new directory only when the directory above has been
   synced, and no file in it before. So those of the mailbox are synced up to the
   one above its namespace's root, which may have been made with it; unless
   mail_fsync is never. Returns 0, or -1 with the error on the mailbox. */
int lazy_expunge_new_mailbox_sync(struct mailbox *box);

#endif
