/* Rows of a run: mails that could not be restored. */

#include "lib.h"
#include "inventory/select.h"
#include "restore/run.h"

void lazy_expunge_restore_row_fail(struct lazy_expunge_restore *restore,
				   unsigned int count,
				   const struct lazy_expunge_error *error)
{
	struct lazy_expunge_restore_row *row = restore->row;
	struct lazy_expunge_error *said = restore->copies ?
		&row->copy_error : &row->error;

	if (restore->copies)
		row->not_copied += count;
	else
		row->failed += count;
	if (said->text != NULL)
		return;
	said->code = error->code;
	said->text = p_strdup(restore->select->pool, error->text);
}

void lazy_expunge_restore_row_fail_box(struct lazy_expunge_restore *restore,
				       unsigned int count, const char *what,
				       struct mailbox *box)
{
	struct lazy_expunge_error error;

	lazy_expunge_error_set_box(&error, what, box);
	lazy_expunge_restore_row_fail(restore, count, &error);
}
