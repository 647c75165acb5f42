/* Check of erasing: was one cut off, and not completed? */

#include "lib.h"
#include "core/findings.h"
#include "core/text.h"
#include "account/user.h"
#include "erase/unfinished.h"
#include "check/check.h"

void lazy_expunge_check_erase(struct lazy_expunge_findings *findings,
			      struct lazy_expunge_user *luser)
{
	time_t since = lazy_expunge_erase_unfinished_since(luser->user);

	if (since == 0)
		return;
	lazy_expunge_findings_add(findings, "erase", LAZY_EXPUNGE_FINDING_WARN,
		t_strdup_printf("an erase of %s was cut off, or is at work: of "
				"the mail there may be something left",
				lazy_expunge_text_time(since)),
		"run the erase again, whatever its query: it completes this one");
}
