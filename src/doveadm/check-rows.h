#ifndef LAZY_EXPUNGE_DOVEADM_CHECK_H
#define LAZY_EXPUNGE_DOVEADM_CHECK_H

/* Rows of check. */

#define LAZY_EXPUNGE_CHECK_FORMAT DOVEADM_PRINT_TYPE_TABLE
/* Exit status when something is FAIL: as monitoring plugins and grep have it. */
#define LAZY_EXPUNGE_CHECK_EX_FAIL 1

/* multi: rows of several users, each with a number of them. */
void lazy_expunge_check_print_headers(bool multi);
/* users is left out (0) where the headers have it not. */
void lazy_expunge_check_print_row(const char *id, const char *state,
				  unsigned int users, const char *found,
				  const char *remedy);

#endif
