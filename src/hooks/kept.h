#ifndef LAZY_EXPUNGE_KEPT_H
#define LAZY_EXPUNGE_KEPT_H

/* Mails of the storage: how their origin is shown, and how it is taken in. */

#include "mail-storage-private.h"

/* Those of a mail that is being saved; 0 = it has none. */
struct lazy_expunge_kept_numbers {
	uint64_t origin;
	uint32_t deletion;
};

/* A storage's mailbox of mailbox mode: replace the methods of a mail. */
void lazy_expunge_kept_mail_allocated(struct mail_vfuncs *v);
/* Call for any mailbox after it was opened. */
void lazy_expunge_kept_opened(struct mailbox *box);
/* A mail of such a mailbox is about to be copied elsewhere. Dovecot drops all its
   keywords when one, which may be the origin's, is too long: put them back
   (mailbox_save_copy_flags()). */
void lazy_expunge_kept_copy_begin(struct mail_save_context *ctx,
				  struct mail *mail);
/* A mail that may have an origin among its keywords is about to be saved there:
   gives what lazy_expunge_kept_saved() wants after save_begin or copy. */
void lazy_expunge_kept_save_begin(struct mail_save_context *ctx,
				  struct lazy_expunge_kept_numbers *numbers_r);
void lazy_expunge_kept_saved(struct mail_save_context *ctx,
			     const struct lazy_expunge_kept_numbers *numbers);
/* Call for any mailbox after the commit. */
void lazy_expunge_kept_committed(
	struct mailbox *box,
	const struct mail_transaction_commit_changes *changes);

#endif
