#ifndef LAZY_EXPUNGE_RETENTION_H
#define LAZY_EXPUNGE_RETENTION_H

/* Retention and caps: which mails of a storage go, and when. Pure: nothing here
   asks for the time or for a mailbox. */

#include "array-decl.h"

/* What holds for one mailbox. */
struct lazy_expunge_retention {
	/* autoexpunge in seconds, 0 = none */
	unsigned int autoexpunge;
	/* autoexpunge_max_mails, 0 = none */
	unsigned int max_mails;
};

/* One mail, as autoexpunge sees it. */
struct lazy_expunge_retention_mail {
	/* 1 = the first of the mailbox */
	unsigned int position;
	/* mails in the mailbox */
	unsigned int count;
	time_t saved;
	/* when the mailbox was last renamed, 0 = never */
	time_t renamed;
};

/* The time at which the mail goes by age, 0 = never. */
time_t lazy_expunge_retention_expiry(const struct lazy_expunge_retention *set,
				     const struct lazy_expunge_retention_mail *mail);
/* Returns TRUE if autoexpunge removes the mail at the time now. It goes from
   the first mail on and stops at the first that may stay. */
bool lazy_expunge_retention_goes(const struct lazy_expunge_retention *set,
				 const struct lazy_expunge_retention_mail *mail,
				 time_t now);
/* Returns TRUE if the mail goes because of max_mails alone. */
bool lazy_expunge_retention_goes_by_count(
				const struct lazy_expunge_retention *set,
				const struct lazy_expunge_retention_mail *mail);

/* A mail of a storage, for its byte cap. */
struct lazy_expunge_cap_mail {
	time_t saved;
	/* number of the mailbox, in the caller's order */
	unsigned int box;
	uint32_t uid;
	uint64_t size;
};
ARRAY_DEFINE_TYPE(lazy_expunge_cap_mail, struct lazy_expunge_cap_mail);

/* Order of going: the oldest first; of the same time, in the order of
   mailboxes and UIDs. For qsort(). */
int lazy_expunge_cap_mail_cmp(const struct lazy_expunge_cap_mail *m1,
			      const struct lazy_expunge_cap_mail *m2);
/* How many of the mails, which are sorted, go so that what stays has at most
   max bytes. max = 0 is no cap. *bytes_r is what goes. */
unsigned int lazy_expunge_cap_count(const struct lazy_expunge_cap_mail *mails,
				    unsigned int count, uint64_t max,
				    uint64_t *bytes_r);
/* Were mails that went to the storage one after the other, at these times,
   deleted together? */
bool lazy_expunge_retention_is_together(time_t saved1, time_t saved2);
/* The most bytes of the mails, which are sorted, that were deleted together, and
   since when (unchanged if there are none). */
uint64_t
lazy_expunge_cap_together(const struct lazy_expunge_cap_mail *mails,
			  unsigned int count, time_t *since_r);

#endif
