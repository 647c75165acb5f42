#ifndef LAZY_EXPUNGE_RESTORE_PRIVATE_H
#define LAZY_EXPUNGE_RESTORE_PRIVATE_H

/* A run of restore: what its parts share. */

#include "core/passed-lines.h"
#include "restore/rows.h"

struct lazy_expunge_select;
struct lazy_expunge_select_mail;
struct lazy_expunge_wanted;
struct lazy_expunge_restore_guids;
struct lazy_expunge_restore_intent;
struct lazy_expunge_restore_quota;
struct lazy_expunge_undo_log;

struct lazy_expunge_restore {
	struct lazy_expunge_select *select;
	const struct lazy_expunge_restore_params *params;
	struct lazy_expunge_restore_row *row;

	/* NULL with plan, if it is to be created */
	struct mailbox *target;
	struct lazy_expunge_restore_guids *guids;
	/* the mails that go there, and for each of them its GUID; NULL if it could
	   not be read, and none for copies, whose mailboxes are not open yet */
	const struct lazy_expunge_select_mail *mails;
	ARRAY(struct lazy_expunge_wanted *) wanted;
	/* NULL with plan */
	struct lazy_expunge_restore_intent *intent;
	/* NULL with plan */
	struct lazy_expunge_undo_log *undo_log;
	/* with plan: what fits. NULL if all does. */
	struct lazy_expunge_restore_quota *quota;

	/* the selection has copies of mails that passed */
	bool copies;
	/* of these: those that are in their mailbox again with the batch */
	ARRAY_TYPE(lazy_expunge_passed) batch_back;

	/* why the last batch failed; NULL text: its mail is gone */
	struct lazy_expunge_error error;
	/* it was the commit: the target may have the mail all the same */
	bool commit_failed;
};

/* Count mails of the row as failed. The first error of a row is the one that
   is said. */
void lazy_expunge_restore_row_fail(struct lazy_expunge_restore *restore,
				   unsigned int count,
				   const struct lazy_expunge_error *error);
void lazy_expunge_restore_row_fail_box(struct lazy_expunge_restore *restore,
				       unsigned int count, const char *what,
				       struct mailbox *box);

#endif
