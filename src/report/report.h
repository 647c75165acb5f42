#ifndef LAZY_EXPUNGE_REPORT_H
#define LAZY_EXPUNGE_REPORT_H

/* How much is in a user's storages, and what goes next. */

#include "inventory/select.h"
#include "core/retention-rules.h"

struct lazy_expunge_report_sum {
	uint64_t messages, bytes;
	/* deletion times, 0 = no mail */
	time_t oldest, newest;
};

enum lazy_expunge_report_next {
	LAZY_EXPUNGE_NEXT_NONE,
	LAZY_EXPUNGE_NEXT_AGE,
	LAZY_EXPUNGE_NEXT_MAX_MAILS,
	LAZY_EXPUNGE_NEXT_MAX_STORAGE
};

struct lazy_expunge_report {
	struct lazy_expunge_report_sum sum;
	/* mails that a hold keeps, of those */
	uint64_t held;
	/* The shortest of the storage's mailboxes. */
	struct lazy_expunge_retention retention;
	/* some mailbox of the storage has no retention */
	bool retention_missing;
	/* the smallest byte cap, 0 = none */
	uint64_t max_storage;

	/* the mail that goes next, when, and by what */
	enum lazy_expunge_report_next next;
	uint32_t next_uid;
	time_t next_time;
	/* mails that caps take now although autoexpunge would keep them */
	unsigned int too_young;
	/* those of them that byte caps take */
	unsigned int cap_too_young;
	/* the largest deletion that has more than half of the room of a cap:
	   of which, how many mails or bytes, of how many, and since when */
	enum lazy_expunge_report_next together_of;
	uint64_t together, room;
	time_t together_since;
};

/* Returns 0 if ok, -1 and the error. */
int lazy_expunge_report(struct lazy_expunge_user *luser, time_t now,
			struct lazy_expunge_report *report_r,
			struct lazy_expunge_error *error_r);

struct lazy_expunge_report_origin {
	const char *origin;
	struct lazy_expunge_report_sum sum;
};
ARRAY_DEFINE_TYPE(lazy_expunge_report_origin, struct lazy_expunge_report_origin);

/* The same by origin, the most bytes first. Reads every mail. Strings are
   allocated from the data stack. Returns 0 if ok, -1 and the error. */
int lazy_expunge_report_by_origin(struct lazy_expunge_user *luser,
				  ARRAY_TYPE(lazy_expunge_report_origin) *rows,
				  struct lazy_expunge_error *error_r);

/* Add a sum to another. */
void lazy_expunge_report_add(struct lazy_expunge_report_sum *dest,
			     const struct lazy_expunge_report_sum *src);

#endif
