#ifndef LAZY_EXPUNGE_FINDING_GROUPS_H
#define LAZY_EXPUNGE_FINDING_GROUPS_H

/* What check found over many users: one group for each row and state. */

#include "core/findings.h"

/* so many users are named */
#define LAZY_EXPUNGE_FINDING_NAMES 3

struct lazy_expunge_finding_group {
	/* as the first user had it */
	struct lazy_expunge_finding row;
	/* the order in which they came */
	unsigned int nth;
	unsigned int users;
	const char *names[LAZY_EXPUNGE_FINDING_NAMES];
	/* users had it with another text */
	bool differs;
};
ARRAY_DEFINE_TYPE(lazy_expunge_finding_group,
		  struct lazy_expunge_finding_group);

struct lazy_expunge_finding_groups {
	pool_t pool;
	ARRAY_TYPE(lazy_expunge_finding_group) rows;
	/* users without a FAIL */
	unsigned int protected_users;
};

/* Add a user's rows, which are copied. */
void lazy_expunge_finding_groups_add(struct lazy_expunge_finding_groups *groups,
				     const char *username,
				     const struct lazy_expunge_findings *rows);
/* The worst first; rows of one state in the order in which they came. */
void lazy_expunge_finding_groups_sort(
		struct lazy_expunge_finding_groups *groups);
/* "anna, bob, carl and 95 more". Data stack. */
const char *lazy_expunge_finding_group_names(
		const struct lazy_expunge_finding_group *group);

#endif
