#ifndef LAZY_EXPUNGE_IMPORT_H
#define LAZY_EXPUNGE_IMPORT_H

/* The mails of an archive of export into a user's storages or a mailbox. */

#include "account/error.h"

struct lazy_expunge_contents;
struct lazy_expunge_user;

struct lazy_expunge_import_params {
	/* for errors */
	const char *path;
	/* NULL = the storages */
	const char *target;
	/* Returns TRUE when the rest is not to be done any more; may be NULL. */
	bool (*is_killed)(void);
	/* Called after each mail with their number; may be NULL. */
	void (*progress)(void *context, uint64_t mails);
	void *context;
};

/* Of one mailbox. */
struct lazy_expunge_import_row {
	const char *mailbox;
	/* it was there already */
	unsigned int imported, skipped;
};
ARRAY_DEFINE_TYPE(lazy_expunge_import_row, struct lazy_expunge_import_row);

/* Returns 0 if the archive can be imported, or -1 and the error (data stack): it is
   not as it was written, or has mails that cannot be. */
int lazy_expunge_import_verify(const struct lazy_expunge_contents *contents,
			       const char *path, const char **error_r);
/* fd is that from which the contents were read, which must be verified. Rows are allocated from the pool, which is
   not that of the data stack, and are also there on failure. Returns 0, or -1 and
   the error. */
int lazy_expunge_import(struct lazy_expunge_user *luser, int fd,
			const struct lazy_expunge_contents *contents,
			const struct lazy_expunge_import_params *params,
			pool_t pool, ARRAY_TYPE(lazy_expunge_import_row) *rows,
			struct lazy_expunge_error *error_r);

#endif
