#ifndef LAZY_EXPUNGE_LOOK_BUDGET_H
#define LAZY_EXPUNGE_LOOK_BUDGET_H

/* How much a look may still read. */
struct lazy_expunge_budget {
	unsigned int mails;
	/* microseconds of i_microseconds(), 0 = none */
	uint64_t deadline;

	/* how many were read, and whether more would have been */
	unsigned int read;
	bool cut_short;
};

/* Returns TRUE if one more mail may be read, which is counted. The clock is
   looked at only now and then; once it was found to be late, nothing is left. */
bool lazy_expunge_budget_take(struct lazy_expunge_budget *budget);
/* Returns TRUE if nothing may be read any more. */
bool lazy_expunge_budget_is_spent(const struct lazy_expunge_budget *budget);

#endif
