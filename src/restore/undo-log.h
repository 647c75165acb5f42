#ifndef LAZY_EXPUNGE_UNDO_LOG_H
#define LAZY_EXPUNGE_UNDO_LOG_H

/* What a restore does, written down so that it can be taken back: where each mail
   went, with each batch, and with the first one, some, and in the end the restore
   as a whole, for the list of deletions. It is a hint: a restore that could not write it cannot be taken
   back. */

#include "account/rewrite.h"
#include "core/restored-lines.h"

struct lazy_expunge_select;
struct lazy_expunge_select_mail;
struct lazy_expunge_undo_log;
struct lazy_expunge_user;
struct mail;
struct mail_transaction_commit_changes;
struct mail_user;

#define LAZY_EXPUNGE_RESTORED_FNAME "dovecot.lazy-expunge.restored"

struct lazy_expunge_undo_log *
lazy_expunge_undo_log_init(struct lazy_expunge_user *luser);
/* The mail of the storage, or another copy of it, is being copied to the target.
   Takes NULL. */
void lazy_expunge_undo_log_add(struct lazy_expunge_undo_log *log,
			       struct lazy_expunge_select *select,
			       const struct lazy_expunge_select_mail *smail,
			       struct mail *mail, const char *target);
/* A mail of this deletion (0 = none) is only cleared from the storage. Takes
   NULL. */
void lazy_expunge_undo_log_cleared(struct lazy_expunge_undo_log *log,
				   uint32_t deletion);
/* All that was added is committed, or changes = NULL, is not. Takes NULL. */
void lazy_expunge_undo_log_finish(
	struct lazy_expunge_undo_log *log,
	const struct mail_transaction_commit_changes *changes);
/* Write down what is not yet. Takes NULL. */
void lazy_expunge_undo_log_deinit(struct lazy_expunge_undo_log **log);

/* Read what the restore did. Texts are allocated from the pool. Returns 0 if ok,
   -1 and the error. */
int lazy_expunge_undo_log_read(struct lazy_expunge_user *luser, pool_t pool,
			       uint32_t restore,
			       ARRAY_TYPE(lazy_expunge_restored) *restored,
			       const char **error_r);
/* Take out of the user's log which UIDs may not stay in it. Returns 0 if ok, -1
   and the error. */
int lazy_expunge_undo_log_forget(struct mail_user *user,
				 lazy_expunge_rewrite_uids_t *callback,
				 void *context, const char **error_r);
/* The flags and keywords as the log has them. Data stack. */
void lazy_expunge_undo_log_mail(struct mail *mail, enum mail_flags *flags_r,
				const char *const **keywords_r);

#endif
