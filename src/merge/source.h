#ifndef LAZY_EXPUNGE_MERGE_SOURCE_H
#define LAZY_EXPUNGE_MERGE_SOURCE_H

/* The mailboxes of a deleted account, where they lie, by what its record says:
   its user and the settings of then may be gone, or another's. The errors are on
   the data stack. */

#include "core/account-record.h"
#include "account/error.h"

struct mail_storage_service_ctx;
struct mail_user;

/* TRUE if the record says how its mail is read. If not, the error says why:
   MAIL_ERROR_NOTPOSSIBLE if it will be so for ever. */
bool lazy_expunge_merge_source_check(const struct lazy_expunge_account *account,
				     struct lazy_expunge_error *error_r);
/* A user whose only namespace is this one of the account. target: who gets the
   mail, and with whose rights all is done. Returns 1, 0 if nothing of it is there, -1 and the error. */
int lazy_expunge_merge_source_open(
	struct mail_storage_service_ctx *service, struct mail_user *target,
	const struct lazy_expunge_account *account,
	const struct lazy_expunge_account_namespace *ns,
	struct mail_user **user_r, const char **error_r);
/* The mailbox's name of then, below the namespace's prefix, by its name now (data
   stack). */
const char *
lazy_expunge_merge_source_name(const struct lazy_expunge_account_namespace *ns,
			       struct mail_user *user, const char *vname);
/* Was the mailbox, whose name was and is so, a storage? Returns TRUE and the
   mailbox that its mail comes from, if the name says so, or else "" (data
   stack). */
bool lazy_expunge_merge_source_is_storage(
	const struct lazy_expunge_account_namespace *ns, const char *name,
	const char *vname, const char **origin_r);
/* The separator in names of origins. */
char lazy_expunge_merge_source_separator(
	const struct lazy_expunge_account *account);

#endif
