#ifndef LAZY_EXPUNGE_DESTINATION_MAKE_H
#define LAZY_EXPUNGE_DESTINATION_MAKE_H

/* Which mailbox of a storage takes the mails of another, and how it comes to be. */

#include "account/error.h"

struct lazy_expunge_storage;
struct lazy_expunge_user;
struct mail_namespace;
struct mailbox;

/* Where mails of source go, which need not be open: the namespace, and the vname
   (data stack). */
struct mail_namespace *
lazy_expunge_destination_find(struct lazy_expunge_storage *storage,
			      struct mailbox *source, const char **vname_r);
/* Namespace mode: the storage of the owner of a shared mailbox. Returns 0, and
   *luser and *storage are the owner's, or -1 and the error. */
int lazy_expunge_destination_to_owner(struct lazy_expunge_user **luser,
				      struct lazy_expunge_storage **storage,
				      struct mailbox *source,
				      struct lazy_expunge_error *error_r);
/* Open the mailbox, which is made when it is not there, so that mails can be saved.
   withheld: others than its owner have no rights there by default. Returns 0, or -1
   and the error. */
int lazy_expunge_destination_make(struct lazy_expunge_user *luser,
				  struct mailbox *box, bool withheld,
				  struct lazy_expunge_error *error_r);

#endif
