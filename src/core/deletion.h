#ifndef LAZY_EXPUNGE_DELETION_H
#define LAZY_EXPUNGE_DELETION_H

/* A mail on its way out of its mailbox: what is found out about it goes with
   it, so that each question is asked once. */

#include "core/policy.h"

struct mail;

enum lazy_expunge_only_copy {
	/* not asked yet */
	LAZY_EXPUNGE_ONLY_COPY_UNKNOWN,
	/* the account may have other copies */
	LAZY_EXPUNGE_ONLY_COPY_NO,
	/* the reference count proves that it has none */
	LAZY_EXPUNGE_ONLY_COPY_YES
};

struct lazy_expunge_deletion {
	struct mail *mail;
	/* NULL if it was not needed yet or cannot be told. Data stack. */
	const char *guid;
	/* lazy_expunge_refcount_is_single() */
	enum lazy_expunge_only_copy only_copy;
	/* in a Trash: where it was before, NULL = it was nowhere else. Lives as
	   long as the expunge. */
	const char *origin;
	/* the Trash that it went through, "" = none. NULL = the mailbox that it is
	   in, if there is an origin. */
	const char *via;
	/* what it is deleted with (core/deletion-lines.h), 0 = not recorded */
	uint32_t id;
	/* why it is kept or passes */
	enum lazy_expunge_reason reason;
};

#endif
