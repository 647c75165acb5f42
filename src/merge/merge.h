#ifndef LAZY_EXPUNGE_MERGE_H
#define LAZY_EXPUNGE_MERGE_H

/* The mail of a deleted account below a mailbox of another: each mailbox under its
   name, and what is in the storages goes to those of the target, with an origin
   below that mailbox. Nothing of the deleted account goes. What is there already
   (by GUID) is not copied again: killed at any moment and done again, the result
   is as if it had been done once. */

#include "account/error.h"
#include "core/account-record.h"

struct lazy_expunge_user;
struct mail_storage_service_ctx;

struct lazy_expunge_merge_params {
	struct mail_storage_service_ctx *service;
	const struct lazy_expunge_account *account;
	/* of the target */
	const char *mailbox;
	/* an earlier one did not come to its end: complete what it may have left
	   without flags */
	bool resumed;
	/* Returns TRUE when the rest is not to be done any more; may be NULL. */
	bool (*is_killed)(void);
	/* Something was not copied. */
	void (*failed)(void *context, enum mail_error code, const char *error);
	void *context;
};

struct lazy_expunge_merged {
	/* mails that were copied, and that were there */
	uint64_t copied, present;
};

/* Returns 0 if it is possible, as far as can be told before it is done, -1 if not, as
   failed() was told. Nothing is changed. */
int lazy_expunge_merge_check(struct lazy_expunge_user *luser,
			     const struct lazy_expunge_merge_params *params);
/* Returns 0 if all of it is in the target, -1 if not, as failed() was told. */
int lazy_expunge_merge(struct lazy_expunge_user *luser,
		       const struct lazy_expunge_merge_params *params,
		       struct lazy_expunge_merged *merged_r);

#endif
