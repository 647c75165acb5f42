#ifndef LAZY_EXPUNGE_DOVEADM_PROGRESS_H
#define LAZY_EXPUNGE_DOVEADM_PROGRESS_H

/* Progress over many users, a line on the terminal that is written over and
   over, and gone at the end. Standard error only, and only a terminal. */

struct lazy_expunge_progress {
	bool wanted, shown;
	unsigned int users;
};

void lazy_expunge_progress_init(struct lazy_expunge_progress *progress,
				bool cmdline);
/* One more user is done. */
void lazy_expunge_progress_show(struct lazy_expunge_progress *progress);
/* So many mails are done: shown now and then. */
void lazy_expunge_progress_mails(struct lazy_expunge_progress *progress,
				 uint64_t mails);
/* Take the line away, before anything else is written. */
void lazy_expunge_progress_clear(struct lazy_expunge_progress *progress);

#endif
