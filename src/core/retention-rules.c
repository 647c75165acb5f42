/* Retention and caps: the same rules as Dovecot's autoexpunge, and the byte
   cap. */

#include "lib.h"
#include "core/retention-rules.h"

/* between mails of one deletion there is no longer pause */
#define TOGETHER_PAUSE_SECS 60

time_t lazy_expunge_retention_expiry(const struct lazy_expunge_retention *set,
				     const struct lazy_expunge_retention_mail *mail)
{
	if (set->autoexpunge == 0)
		return 0;
	return I_MAX(mail->saved, mail->renamed) + set->autoexpunge;
}

bool lazy_expunge_retention_goes_by_count(
				const struct lazy_expunge_retention *set,
				const struct lazy_expunge_retention_mail *mail)
{
	return set->max_mails > 0 &&
		mail->count - mail->position + 1 > set->max_mails;
}

bool lazy_expunge_retention_goes(const struct lazy_expunge_retention *set,
				 const struct lazy_expunge_retention_mail *mail,
				 time_t now)
{
	if (lazy_expunge_retention_goes_by_count(set, mail))
		return TRUE;
	return set->autoexpunge > 0 &&
		lazy_expunge_retention_expiry(set, mail) <= now;
}

int lazy_expunge_cap_mail_cmp(const struct lazy_expunge_cap_mail *m1,
			      const struct lazy_expunge_cap_mail *m2)
{
	if (m1->saved != m2->saved)
		return m1->saved < m2->saved ? -1 : 1;
	if (m1->box != m2->box)
		return m1->box < m2->box ? -1 : 1;
	if (m1->uid != m2->uid)
		return m1->uid < m2->uid ? -1 : 1;
	return 0;
}

unsigned int lazy_expunge_cap_count(const struct lazy_expunge_cap_mail *mails,
				    unsigned int count, uint64_t max,
				    uint64_t *bytes_r)
{
	uint64_t total = 0;
	unsigned int i;

	*bytes_r = 0;
	if (max == 0)
		return 0;
	for (i = 0; i < count; i++)
		total += mails[i].size;
	for (i = 0; i < count && total > max; i++) {
		total -= mails[i].size;
		*bytes_r += mails[i].size;
	}
	return i;
}

bool lazy_expunge_retention_is_together(time_t saved1, time_t saved2)
{
	time_t pause = saved1 < saved2 ? saved2 - saved1 : saved1 - saved2;

	return pause <= TOGETHER_PAUSE_SECS;
}

uint64_t
lazy_expunge_cap_together(const struct lazy_expunge_cap_mail *mails,
			  unsigned int count, time_t *since_r)
{
	uint64_t bytes = 0, most = 0;
	time_t since = 0;

	for (unsigned int i = 0; i < count; i++) {
		if (i == 0 ||
		    !lazy_expunge_retention_is_together(mails[i - 1].saved,
							mails[i].saved)) {
			bytes = 0;
			since = mails[i].saved;
		}
		bytes += mails[i].size;
		if (bytes > most) {
			most = bytes;
			*since_r = since;
		}
	}
	return most;
}
