#ifndef LAZY_EXPUNGE_FINDINGS_H
#define LAZY_EXPUNGE_FINDINGS_H

/* What check found: rows with a state, and the rules that need nothing but what
   is passed in. */

#include "array-decl.h"

enum lazy_expunge_finding_state {
	LAZY_EXPUNGE_FINDING_OK,
	LAZY_EXPUNGE_FINDING_WARN,
	LAZY_EXPUNGE_FINDING_FAIL
};

struct lazy_expunge_finding {
	/* a word that stays the same over versions, for monitoring */
	const char *id;
	enum lazy_expunge_finding_state state;
	const char *found;
	/* what to do, "" with OK */
	const char *remedy;
};
ARRAY_DEFINE_TYPE(lazy_expunge_finding, struct lazy_expunge_finding);

struct lazy_expunge_findings {
	pool_t pool;
	ARRAY_TYPE(lazy_expunge_finding) rows;
};

/* "OK", "WARN", "FAIL" */
const char *
lazy_expunge_finding_state_name(enum lazy_expunge_finding_state state);

/* Add a row. found and remedy are copied; remedy is dropped with OK. */
void lazy_expunge_findings_add(struct lazy_expunge_findings *findings,
			       const char *id,
			       enum lazy_expunge_finding_state state,
			       const char *found, const char *remedy);
/* The worst state of all rows. */
enum lazy_expunge_finding_state
lazy_expunge_findings_worst(const struct lazy_expunge_findings *findings);

/* The answer to all of it for a person: "Deleted mail of anna is kept", or that
   it is NOT kept and the rows that say so. Data stack. */
const char *
lazy_expunge_findings_verdict(const struct lazy_expunge_findings *findings,
			      const char *username);

/* The state of a maintenance that ended at last (0 = never) with so many
   failures; weekly: it is one a week where nothing is due, else one a day. */
enum lazy_expunge_finding_state
lazy_expunge_finding_maintained(time_t last, uint64_t failed, bool weekly,
				time_t now);

/* Returns TRUE if the word is in a list as doveconf prints it: "key = word
   word", or a block of lines "word = yes" and "word = no", which adds to the
   list base (NULL = none) that holds outside. */
bool lazy_expunge_finding_list_has(const char *text, const char *base,
				   const char *word);

#endif
