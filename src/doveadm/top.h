#ifndef LAZY_EXPUNGE_DOVEADM_TOP_H
#define LAZY_EXPUNGE_DOVEADM_TOP_H

/* Rows of users that are printed in an order, after the last user: -s, -l. */

struct lazy_expunge_top;

/* keep: how many of the first rows, 0 = all. */
struct lazy_expunge_top *lazy_expunge_top_init(unsigned int keep);
/* Takes NULL. */
void lazy_expunge_top_deinit(struct lazy_expunge_top **top);

/* What is printed from now on is the row of this user, until
   lazy_expunge_top_end(). Rows with a higher key go first, and of equal ones
   those that came first. */
void lazy_expunge_top_begin(struct lazy_expunge_top *top, const char *username,
			    uint64_t key);
void lazy_expunge_top_end(struct lazy_expunge_top *top);
/* Print the rows. with_names: each has its user's name. */
void lazy_expunge_top_print(struct lazy_expunge_top *top, bool with_names);

#endif
