/* Rows of check. */

#include "lib.h"
#include "doveadm/print.h"
#include "doveadm/table.h"
#include "doveadm/check-rows.h"

void lazy_expunge_check_print_headers(bool multi)
{
	lazy_expunge_print_header("id");
	lazy_expunge_print_header("state");
	if (multi)
		lazy_expunge_print_header_number("users");
	lazy_expunge_print_header("found");
	lazy_expunge_table_column(LAZY_EXPUNGE_COLUMN_NOTE);
	lazy_expunge_print_header("remedy");
}

void lazy_expunge_check_print_row(const char *id, const char *state,
				  unsigned int users, const char *found,
				  const char *remedy)
{
	lazy_expunge_print_text(id);
	lazy_expunge_print_text(state);
	if (users > 0)
		lazy_expunge_print_number(users);
	lazy_expunge_print_text(found);
	lazy_expunge_print_text(remedy);
}
