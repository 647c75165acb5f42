/* Progress: how many users are done, on a terminal. */

#include "lib.h"
#include "doveadm/print.h"
#include "doveadm/progress.h"

#include <stdio.h>
#include <unistd.h>

/* back to the first column, and clear to the end of the line */
/* how often mails are shown */
#define PROGRESS_MAILS 100
#define LINE_CLEAR "\r\033[K"

void lazy_expunge_progress_init(struct lazy_expunge_progress *progress,
				bool cmdline)
{
	i_zero(progress);
	progress->wanted = cmdline && isatty(STDERR_FILENO) == 1;
}

void lazy_expunge_progress_show(struct lazy_expunge_progress *progress)
{
	if (!progress->wanted)
		return;
	/* what was printed of the user comes first */
	lazy_expunge_print_flush();
	(void)fflush(stdout);
	(void)fprintf(stderr, LINE_CLEAR"%u users done", ++progress->users);
	(void)fflush(stderr);
	progress->shown = TRUE;
}

void lazy_expunge_progress_mails(struct lazy_expunge_progress *progress,
				 uint64_t mails)
{
	if (!progress->wanted || mails % PROGRESS_MAILS != 0)
		return;
	(void)fprintf(stderr, LINE_CLEAR"%"PRIu64" mails done", mails);
	(void)fflush(stderr);
	progress->shown = TRUE;
}

void lazy_expunge_progress_clear(struct lazy_expunge_progress *progress)
{
	if (!progress->shown)
		return;
	(void)fputs(LINE_CLEAR, stderr);
	(void)fflush(stderr);
	progress->shown = FALSE;
}
