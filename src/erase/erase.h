#ifndef LAZY_EXPUNGE_ERASE_H
#define LAZY_EXPUNGE_ERASE_H

/* Mails that go for good and now: every copy by GUID, in the mailboxes and in the
   storages, and what is left of them in Dovecot's files. */

#include "account/error.h"

struct lazy_expunge_select;
struct lazy_expunge_user;
struct mail_search_args;

enum lazy_expunge_erase_state {
	/* with plan: it would go */
	LAZY_EXPUNGE_ERASE_PLANNED,
	/* it was looked for, and is not there any more */
	LAZY_EXPUNGE_ERASE_ERASED,
	/* a hold covers it or another copy: all of them stay */
	LAZY_EXPUNGE_ERASE_HELD,
	/* it is still there */
	LAZY_EXPUNGE_ERASE_FAILED
};

/* A copy of a mail. */
struct lazy_expunge_erase_row {
	const char *guid, *mailbox;
	uint32_t uid;
	uint64_t size;
	enum lazy_expunge_erase_state state;
	/* the holds, "" = none */
	const char *held;
};
ARRAY_DEFINE_TYPE(lazy_expunge_erase_row, struct lazy_expunge_erase_row);

/* Erase what matches; with plan = TRUE say what would be. Rows are allocated from
   the pool, which is not that of the data stack, and are also there on failure.
   Returns 0, or -1 and the error. */
int lazy_expunge_erase(struct lazy_expunge_user *luser,
		       struct mail_search_args *args, bool plan, pool_t pool,
		       ARRAY_TYPE(lazy_expunge_erase_row) *rows,
		       struct lazy_expunge_error *error_r);
/* A word for it. Static. */
const char *
lazy_expunge_erase_state_name(enum lazy_expunge_erase_state state);

#endif
