#ifndef LAZY_EXPUNGE_TRAIL_H
#define LAZY_EXPUNGE_TRAIL_H

/* The file of a user's steps to a Trash (core/trail-lines.h), in the home. It is a
   hint: what it has lost counts as deleted in the Trash. */

#include "account/rewrite.h"

struct lazy_expunge_trail_steps;
struct mail_transaction_commit_changes;
struct mail_user;

#define LAZY_EXPUNGE_TRAIL_FNAME "dovecot.lazy-expunge.trail"

/* Read what is new in the user's file. */
void lazy_expunge_trail_refresh(struct mail_user *user);
/* The mailbox that the mail of a Trash was in before, as of the last refresh, NULL
   if that is not known. Names are those that the owner knows
   (lazy_expunge_origin_vname()). Lives until the next refresh. */
const char *lazy_expunge_trail_origin(struct mail_user *user,
				      const char *trash, uint32_t uid_validity,
				      uint32_t uid);

/* Mails that a transaction copies to a Trash, in their order. Creates *steps when
   it is NULL. origin = NULL: not known. */
void lazy_expunge_trail_steps_add(struct lazy_expunge_trail_steps **steps,
				  const char *origin);
/* The transaction is committed: append to the user's file what it copied, with
   one write. Failures are logged. */
void lazy_expunge_trail_steps_write(
	struct lazy_expunge_trail_steps *steps, struct mail_user *user,
	const char *trash,
	const struct mail_transaction_commit_changes *changes);
/* Take out of the user's file which UIDs may not stay in it. Returns 0 if ok, -1
   and the error. */
int lazy_expunge_trail_forget(struct mail_user *user,
			      lazy_expunge_rewrite_uids_t *callback,
			      void *context, const char **error_r);
/* Takes NULL. */
void lazy_expunge_trail_steps_deinit(struct lazy_expunge_trail_steps **steps);

#endif
