#ifndef LAZY_EXPUNGE_HOLDS_CATALOG_H
#define LAZY_EXPUNGE_HOLDS_CATALOG_H

/* holds -c: the users who have holds by the catalog, in the order of their names.
   Each is visited: what is printed is what is so now. */

struct lazy_expunge_cmd;
struct lazy_expunge_holds_catalog;

/* Read -c. NULL if it is not given or the command was refused. */
struct lazy_expunge_holds_catalog *
lazy_expunge_holds_catalog_init(struct lazy_expunge_cmd *cmd);
/* Takes NULL. */
void lazy_expunge_holds_catalog_deinit(
	struct lazy_expunge_holds_catalog **list);
/* See struct lazy_expunge_cmd. */
int lazy_expunge_holds_catalog_next(struct lazy_expunge_cmd *cmd,
				    struct lazy_expunge_holds_catalog *list,
				    const char **username_r);
void lazy_expunge_holds_catalog_not_run(struct lazy_expunge_cmd *cmd,
					const char *username);

#endif
