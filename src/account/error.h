#ifndef LAZY_EXPUNGE_ERROR_H
#define LAZY_EXPUNGE_ERROR_H

/* What went wrong, for whoever decides what becomes of it. */

#include "mail-storage.h"

struct lazy_expunge_error {
	enum mail_error code;
	/* cause, for the log. Data stack. */
	const char *text;
};

/* Set it to the error of a mailbox, with what could not be done. */
void lazy_expunge_error_set_box(struct lazy_expunge_error *error,
				const char *what, struct mailbox *box);

#endif
