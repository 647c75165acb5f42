#ifndef LAZY_EXPUNGE_DOVEADM_CHECK_H
#define LAZY_EXPUNGE_DOVEADM_CHECK_H

/* Rows of check. */

#define LAZY_EXPUNGE_CHECK_FORMAT DOVEADM_PRINT_TYPE_TABLE
/* Exit status when something is FAIL: as monitoring plugins and grep have it. */
#define LAZY_EXPUNGE_CHECK_EX_FAIL 1

void lazy_expunge_check_print_headers(void);
void lazy_expunge_check_print_row(const char *id, const char *state,
				  const char *found, const char *remedy);

#endif
