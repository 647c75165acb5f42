/* Rows of check. */

#include "lib.h"
#include "doveadm/print.h"
#include "doveadm/check-rows.h"

void lazy_expunge_check_print_headers(void)
{
	lazy_expunge_print_header("id");
	lazy_expunge_print_header("state");
	lazy_expunge_print_header("found");
	lazy_expunge_print_header("remedy");
}

void lazy_expunge_check_print_row(const char *id, const char *state,
				  const char *found, const char *remedy)
{
	lazy_expunge_print_text(id);
	lazy_expunge_print_text(state);
	lazy_expunge_print_text(found);
	lazy_expunge_print_text(remedy);
}
