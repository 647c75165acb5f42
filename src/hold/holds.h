#ifndef LAZY_EXPUNGE_HOLD_HOLDS_H
#define LAZY_EXPUNGE_HOLD_HOLDS_H

/* The holds of a user, as they are in force now. */

#include "mail-storage.h"
#include "core/hold-file.h"

/* the name under which lazy_expunge_hold = yes is told */
#define LAZY_EXPUNGE_HOLD_SETTING "lazy_expunge_hold"

struct lazy_expunge_answers;
struct lazy_expunge_user;
struct mail_search_args;

/* A hold that is in force. One whose query has spans of time is there twice, one after
   the other. */
struct lazy_expunge_hold_active {
	const struct lazy_expunge_hold *hold;
	/* NULL if all mail is held */
	struct mail_search_args *args;
	/* lazy_expunge_answers_stay() */
	bool stays;
	/* it stays, and hold/fields.h can answer it for some mails */
	bool fields;
};

struct lazy_expunge_holds {
	int refcount;
	struct lazy_expunge_user *luser;
	pool_t pool;
	/* all that are in the file, also those that are over */
	ARRAY_TYPE(lazy_expunge_hold) all;
	ARRAY(struct lazy_expunge_hold_active) active;
	/* a hold that holds everything, NULL if there is none. Set also when
	   the file cannot be read. */
	const char *everything;
	/* why the file cannot be read, or NULL */
	const char *error;
	struct lazy_expunge_answers *answers;
	/* when one of those in force ends, 0 = none does */
	time_t next_end;
};

/* The holds that are in force for the user, NULL if none is. Without a hold this
   costs one stat(), and nothing when it is asked again before the process waits
   for something. The result is valid until it is asked again, or as long as it
   is referenced. */
struct lazy_expunge_holds *
lazy_expunge_holds_get(struct lazy_expunge_user *luser);
/* The same without another look, if there was one: for what may miss a hold. */
struct lazy_expunge_holds *
lazy_expunge_holds_known(struct lazy_expunge_user *luser);
/* How many there are, the setting included, also those that are over. One if the
   file cannot be read. */
unsigned int lazy_expunge_holds_count(struct lazy_expunge_user *luser);
void lazy_expunge_holds_ref(struct lazy_expunge_holds *holds);
/* Takes NULL. */
void lazy_expunge_holds_unref(struct lazy_expunge_holds **holds);
/* The name of one of them for texts, and what stands before it: "hold x", or
   that the file cannot be read. Data stack. */
const char *lazy_expunge_holds_describe(const struct lazy_expunge_holds *holds,
					const char *name);
/* Names of all that are in force, joined by ", ". Data stack. */
const char *lazy_expunge_holds_names(const struct lazy_expunge_holds *holds);

/* Read the file as it is now: all holds, also those that are over, into the
   array, which must be created. The pool is not that of the data stack. Returns 1, 0 if there is no file, -1 and the
   error (data stack), which names the file. */
int lazy_expunge_holds_read(struct lazy_expunge_user *luser, pool_t pool,
			    ARRAY_TYPE(lazy_expunge_hold) *holds,
			    const char **error_r);
/* Build the query of a hold. Returns 0, or -1 and the error (data stack): it is
   none, or names mails by something that is not theirs for good. */
int lazy_expunge_hold_build_query(const char *const *query,
				  struct mail_search_args **args_r,
				  const char **error_r);

#endif
