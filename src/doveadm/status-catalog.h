#ifndef LAZY_EXPUNGE_STATUS_CATALOG_H
#define LAZY_EXPUNGE_STATUS_CATALOG_H

/* status -c: what the catalog says, without a visit to anybody. */

struct lazy_expunge_cmd;
struct lazy_expunge_status_catalog;
struct lazy_expunge_user;

/* Read -c. NULL if it is not given. order: catalog/keys.h, NULL if no users are to
   be listed; limit: how many, 0 = a few. Declares the headers, unless the command is
   refused. */
struct lazy_expunge_status_catalog *
lazy_expunge_status_catalog_init(struct lazy_expunge_cmd *cmd,
				 const char *order, unsigned int limit);
void lazy_expunge_status_catalog_deinit(
	struct lazy_expunge_status_catalog **status);
/* Print the row of one user. Returns 0, or -1 when it was said why not. */
int lazy_expunge_status_catalog_run(struct lazy_expunge_cmd *cmd,
				    struct lazy_expunge_status_catalog *status,
				    struct lazy_expunge_user *luser);
/* With -A: print the first users of the order, and the sums. */
void lazy_expunge_status_catalog_print(
	struct lazy_expunge_cmd *cmd,
	struct lazy_expunge_status_catalog *status, const char *total_name);

#endif
