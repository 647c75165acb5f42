#ifndef LAZY_EXPUNGE_PASSED_H
#define LAZY_EXPUNGE_PASSED_H

/* Mails of a user that were deleted while a copy lived, as the file of deletions
   has them (account/deletions.h): a hint, without which no mail is lost. */

#include "core/passed-lines.h"

struct mail_user;

/* Read what is not back in its mailbox, and passed at since or later (0 = any
   time): of each mailbox and mail the last. Texts are allocated from the pool. */
void lazy_expunge_passed_read(struct mail_user *user, pool_t pool, time_t since,
			      ARRAY_TYPE(lazy_expunge_passed) *passed);
/* Write down that these are back. Failures are logged. */
void lazy_expunge_passed_set_back(struct mail_user *user,
				  const ARRAY_TYPE(lazy_expunge_passed) *passed);
/* Take those out of the file that passed before since, and those of which
   is_erased() (NULL = none) returns TRUE. Returns 0 if ok, -1 and the error. */
int lazy_expunge_passed_forget(struct mail_user *user, time_t since,
			       bool (*is_erased)(void *context,
						 const guid_128_t guid),
			       void *context, const char **error_r);

#endif
