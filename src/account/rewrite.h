#ifndef LAZY_EXPUNGE_REWRITE_H
#define LAZY_EXPUNGE_REWRITE_H

/* A file of lines among the user's (account/append.h) from which something is
   taken out. */

#include "seq-range-array.h"

struct mail_user;

/* Append to dest what is to stay of the line (without its end): nothing, the
   line, or others, each with its end. */
typedef void lazy_expunge_rewrite_line_t(void *context, const char *line,
					 string_t *dest);
/* Which of a mailbox's UIDs may stay written down: the others are taken out of
   the set. Mailboxes are named as in the file. */
typedef void lazy_expunge_rewrite_uids_t(void *context, const char *mailbox,
					 uint32_t uid_validity,
					 ARRAY_TYPE(seq_range) *uids);

/* Write the file anew, if that changes anything, and on disk: under its lock, and
   with what is appended meanwhile, for which the lines may be gone through again.
   Returns 0 if ok or there is no file, -1 and the error. */
int lazy_expunge_rewrite(struct mail_user *user, const char *fname,
			 const char *lock_fname,
			 lazy_expunge_rewrite_line_t *callback, void *context,
			 const char **error_r);

#endif
