#ifndef LAZY_EXPUNGE_DESTINATION_H
#define LAZY_EXPUNGE_DESTINATION_H

/* The mailbox of the storage that takes the mails of one source mailbox. It is
   opened once and kept as long as the source is open, and it is not synced
   before it takes a mail: opening and syncing is what makes a delete dear in a
   large storage. It must be closed before the user object goes, so it belongs
   to the source mailbox. */

#include "account/error.h"

struct mailbox;
struct lazy_expunge_deletion;
struct lazy_expunge_destination;
struct lazy_expunge_destination_transaction;
struct lazy_expunge_storage;
struct lazy_expunge_user;

/* Open (and create) the destination for mails of source. Returns NULL and the
   error if that is not possible. */
struct lazy_expunge_destination *
lazy_expunge_destination_open(struct lazy_expunge_user *luser,
			      struct lazy_expunge_storage *storage,
			      struct mailbox *source,
			      struct lazy_expunge_error *error_r);
/* FALSE if the mailbox was deleted, renamed or replaced on disk since it was
   opened: close it and open it anew. */
bool lazy_expunge_destination_is_valid(struct lazy_expunge_destination *dest);
/* Closes. Takes NULL. No transaction may be open. */
void lazy_expunge_destination_close(struct lazy_expunge_destination **dest);

/* The mailbox, for its name: it need not be open. */
struct mailbox *
lazy_expunge_destination_get_box(struct lazy_expunge_destination *dest);

struct lazy_expunge_destination_transaction *
lazy_expunge_destination_begin(struct lazy_expunge_destination *dest);
/* Copy one mail into the destination, with its flags but \Deleted, its keywords
   and its origin. Returns 1 if it is there already and only a rollback takes it
   out, 0 if the commit will say, -1 and the error. MAIL_ERROR_EXPUNGED means
   that the mail is already gone. What is seen in the destination before the
   commit is unspecified. */
int lazy_expunge_destination_copy(
	struct lazy_expunge_destination_transaction *dt,
	struct lazy_expunge_deletion *deletion,
	struct lazy_expunge_error *error_r);
/* Returns 0 if all copied mails are in the destination for good, -1 and the
   error if not: then none is, or with partial = TRUE, as many as could be. */
int lazy_expunge_destination_commit(
	struct lazy_expunge_destination_transaction **dt, bool partial,
	struct lazy_expunge_error *error_r);
/* Takes NULL. The source must still have the mails. */
void lazy_expunge_destination_rollback(
	struct lazy_expunge_destination_transaction **dt);

#endif
