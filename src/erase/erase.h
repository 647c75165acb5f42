#ifndef LAZY_EXPUNGE_ERASE_H
#define LAZY_EXPUNGE_ERASE_H

/* Mails that go for good and now: every copy by GUID, in the mailboxes and in the
   storages, and what is left of them in Dovecot's files. */

#include "account/error.h"
#include "erase/row.h"

struct lazy_expunge_select;
struct lazy_expunge_user;
struct mail_search_args;

/* Erase what matches, and what an erase that was cut off had matched; with plan =
   TRUE say what would be. Rows are allocated from the pool, which is not that of
   the data stack, and are also there on failure. Returns 0, or -1 and the error. */
int lazy_expunge_erase(struct lazy_expunge_user *luser,
		       struct mail_search_args *args, bool plan, pool_t pool,
		       ARRAY_TYPE(lazy_expunge_erase_row) *rows,
		       struct lazy_expunge_error *error_r);
/* All was erased, and the report of it is in its place: until then the next run tells
   the same again. */
void lazy_expunge_erase_reported(struct lazy_expunge_user *luser);
/* A word for it. Static. */
const char *
lazy_expunge_erase_state_name(enum lazy_expunge_erase_state state);

#endif
