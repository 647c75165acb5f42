#ifndef LAZY_EXPUNGE_RESTORE_INTENT_H
#define LAZY_EXPUNGE_RESTORE_INTENT_H

/* Which mails a restore is copying where right now, in a file of the user. A kill
   within the commit of the target can leave a mail there without its flags: the
   next restore knows it by this file, and completes it. A mail that was in the
   target before is never touched. */

struct lazy_expunge_restore_intent;
struct mail_user;

/* Reads what an interrupted restore has left in the last 30 days; of a damaged file
   what is before the damage, with a warning. Returns 0 if ok, -1 and the error if there is
   something else in the place of the file. */
int lazy_expunge_restore_intent_init(
	struct mail_user *user, struct lazy_expunge_restore_intent **intent_r,
	const char **error_r);
/* TRUE if an interrupted restore was copying to the mailbox, or it is not known
   where to. */
bool lazy_expunge_restore_intent_is_left(
				struct lazy_expunge_restore_intent *intent,
				const char *target);
/* TRUE if an interrupted restore was copying the mail to the mailbox, or, unless
   exactly, it is not known where. */
bool lazy_expunge_restore_intent_has(struct lazy_expunge_restore_intent *intent,
				     const char *guid, const char *target,
				     bool exactly);
/* What an interrupted restore left in this mailbox is completed by this one, as
   far as it takes its mails. */
void lazy_expunge_restore_intent_visit(
				struct lazy_expunge_restore_intent *intent,
				const char *target);
/* This mail is to be copied now. */
void lazy_expunge_restore_intent_add(struct lazy_expunge_restore_intent *intent,
				     const char *guid, const char *target);
/* Write the file, before the first of the added mails is copied. */
void lazy_expunge_restore_intent_write(
				struct lazy_expunge_restore_intent *intent);
/* Take those of an interrupted restore out of the file for which is_erased()
   returns TRUE. Returns 0, or -1 and the error. */
int lazy_expunge_restore_intent_forget(
	struct mail_user *user,
	bool (*is_erased)(void *context, const char *guid), void *context,
	const char **error_r);
/* All is committed: forget what was added. */
void lazy_expunge_restore_intent_clear(
				struct lazy_expunge_restore_intent *intent);
/* The commit failed: what was added may be in the target, or not. */
void lazy_expunge_restore_intent_keep(
				struct lazy_expunge_restore_intent *intent);
/* Removes the file, unless a commit failed. What an interrupted restore left in
   mailboxes that were not visited stays, for 30 days after it. Takes NULL. */
void lazy_expunge_restore_intent_deinit(
				struct lazy_expunge_restore_intent **intent);

#endif
