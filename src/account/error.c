/* Errors of mailboxes, with what could not be done. */

#include "lib.h"
#include "account/error.h"

void lazy_expunge_error_set_box(struct lazy_expunge_error *error,
				const char *what, struct mailbox *box)
{
	const char *text = mailbox_get_last_internal_error(box, &error->code);

	error->text = t_strdup_printf("%s %s: %s", what,
				      mailbox_get_vname(box), text);
}
