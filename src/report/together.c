/* Counts mails that were deleted together. */

#include "lib.h"
#include "mail-storage.h"
#include "core/retention-rules.h"
#include "report/together.h"

/* The mails from the one after seq on that belong to it, in the direction of
   step. *saved is that of seq, and then of the last of them. */
static uint32_t count_beside(struct mail *mail, uint32_t seq, uint32_t end,
			     int step, time_t *saved)
{
	uint32_t count = 0;
	time_t next;

	while (seq != end) {
		seq += step;
		mail_set_seq(mail, seq);
		if (mail_get_save_date(mail, &next) < 0 ||
		    !lazy_expunge_retention_is_together(*saved, next))
			break;
		*saved = next;
		count++;
	}
	return count;
}

uint32_t lazy_expunge_together_mails(struct mail *mail, uint32_t first,
				     uint32_t last, time_t *since_r)
{
	const uint32_t middle = first + (last - first) / 2;
	time_t until;
	uint32_t count;

	mail_set_seq(mail, middle);
	if (mail_get_save_date(mail, &until) < 0)
		return 0;
	*since_r = until;
	count = 1 + count_beside(mail, middle, last, 1, &until);
	return count + count_beside(mail, middle, first, -1, since_r);
}
