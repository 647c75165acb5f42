#ifndef LAZY_EXPUNGE_KEPT_H
#define LAZY_EXPUNGE_KEPT_H

/* Mails of the storage: how their origin is shown, and how it is taken in. */

#include "mail-storage-private.h"

/* A storage's mailbox of mailbox mode: replace the methods of a mail. */
void lazy_expunge_kept_mail_allocated(struct mail_vfuncs *v);
/* A mail of such a mailbox is about to be copied elsewhere. Dovecot drops all its
   keywords when one, which may be the origin's, is too long: put them back
   (mailbox_save_copy_flags()). */
void lazy_expunge_kept_copy_begin(struct mail_save_context *ctx,
				  struct mail *mail);
/* A mail that may have an origin among its keywords is about to be saved there:
   returns what lazy_expunge_kept_saved() wants after save_begin or copy. */
uint64_t lazy_expunge_kept_save_begin(struct mail_save_context *ctx);
void lazy_expunge_kept_saved(struct mail_save_context *ctx, uint64_t id);
/* Call for any mailbox after the commit. */
void lazy_expunge_kept_committed(
	struct mailbox *box,
	const struct mail_transaction_commit_changes *changes);

#endif
