#ifndef LAZY_EXPUNGE_ERASE_ROW_H
#define LAZY_EXPUNGE_ERASE_ROW_H

/* A copy that an erase finds, and what became of it. */

#include "array-decl.h"

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
	/* it was not there any more: an erase that was cut off had begun with it */
	bool gone;
};
ARRAY_DEFINE_TYPE(lazy_expunge_erase_row, struct lazy_expunge_erase_row);

#endif
