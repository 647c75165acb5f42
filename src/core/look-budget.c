/* See the header. */

#include "lib.h"
#include "time-util.h"
#include "core/look-budget.h"

/* how often a reader looks at the clock */
#define DEADLINE_CHECK_INTERVAL 64

static bool budget_is_late(const struct lazy_expunge_budget *budget)
{
	return budget->deadline != 0 && i_microseconds() > budget->deadline;
}

bool lazy_expunge_budget_take(struct lazy_expunge_budget *budget)
{
	if (budget->mails == 0) {
		budget->cut_short = TRUE;
		return FALSE;
	}
	if (budget->mails % DEADLINE_CHECK_INTERVAL == 0 &&
	    budget_is_late(budget)) {
		budget->mails = 0;
		budget->cut_short = TRUE;
		return FALSE;
	}
	budget->mails--;
	budget->read++;
	return TRUE;
}

bool lazy_expunge_budget_is_spent(const struct lazy_expunge_budget *budget)
{
	return budget->mails == 0 || budget_is_late(budget);
}
