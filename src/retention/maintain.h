#ifndef LAZY_EXPUNGE_MAINTAIN_H
#define LAZY_EXPUNGE_MAINTAIN_H

/* Retention and housekeeping for a user, log-in or not: autoexpunge of all
   mailboxes that have it, the byte cap, purge of freed storage, old transaction
   logs. One run a user at a time. */

#include "account/error.h"
#include "core/catalog-row.h"

struct lazy_expunge_user;

struct lazy_expunge_maintain_params {
	/* say what there is to do, and do nothing */
	bool plan;
	/* read what the catalog is to say, too */
	bool with_row;
	time_t now;
	/* what userdb and the configuration say (core/stamp-lines.h), NULL = not
	   known */
	const char *lookup;
};

struct lazy_expunge_maintain_result {
	/* what went, or with plan: what is to go */
	uint64_t expunged, bytes;
	/* mails that should have gone and did not, and mailboxes and storages
	   that could not be looked after */
	uint64_t failed;
	/* mails whose time is over and that a hold keeps */
	uint64_t held;
	/* another run is at work for this user */
	bool skipped;
	/* the user has nothing here, not even a directory */
	bool never_used;
	/* for the catalog, if asked for; nothing of it is known where the run
	   was skipped or has read nothing */
	struct lazy_expunge_catalog_row row;
};

/* Do it all. Failures are logged and counted, and the rest is done. Returns 0 if
   all went well, -1 and the first error. */
int lazy_expunge_maintain(struct lazy_expunge_user *luser,
			  const struct lazy_expunge_maintain_params *params,
			  struct lazy_expunge_maintain_result *result_r,
			  enum mail_error *error_r);
/* Of a user of whom nothing but this is known: is there nothing to do? The process
   must have the user's rights. Nothing is logged, and where there is a doubt the
   answer is no. Yes is noted as by a run. */
bool lazy_expunge_maintain_is_done(const char *home, const char *lookup,
				   time_t now);

#endif
