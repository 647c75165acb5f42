#ifndef LAZY_EXPUNGE_MAILDIR_DELETE_H
#define LAZY_EXPUNGE_MAILDIR_DELETE_H

/* The end of a Maildir that is deleted.

   Dovecot expunges the mails, marks the index as deleted, looks once more for
   mail, and then removes the directory. Who has the mailbox open and finds
   the uidlist locked (by that look, too) saves without the index
   (maildir_transaction_save_commit_pre()): the mail is moved to new/ or cur/
   after the look, the client is told that it is saved, and it goes with the
   directory. */

struct mailbox_list;

/* Take new/ and cur/ away if they are empty, so that whoever is about to move
   a mail there fails. name: the storage name. Returns 0 if the directory can be
   removed; -1 if there is mail: all is as before, and the list has the error. */
int lazy_expunge_maildir_delete_begin(struct mailbox_list *list,
				      const char *name);
/* The directory could not be removed: it takes mail again. */
void lazy_expunge_maildir_delete_undo(struct mailbox_list *list,
				      const char *name);

#endif
