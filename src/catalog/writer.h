#ifndef LAZY_EXPUNGE_CATALOG_WRITER_H
#define LAZY_EXPUNGE_CATALOG_WRITER_H

/* Rows on their way to the catalog. Nothing that a client waits for waits for
   them, and nothing fails for them: what cannot be written is said once a process,
   and the next maintenance mends it. */

#include "core/catalog-row.h"

struct lazy_expunge_user;

/* TRUE if the user's configuration has a catalog. */
bool lazy_expunge_catalog_is_set(struct lazy_expunge_user *luser);
/* Write what is known of the row of the user, in a transaction that is sent when
   the process comes back to its loop; that of a doveadm, with others, when there
   are many or at the end. The server is added. */
void lazy_expunge_catalog_write(struct lazy_expunge_user *luser,
				const struct lazy_expunge_catalog_row *row);
/* Take a user's row out. The same. */
void lazy_expunge_catalog_remove(struct event *event, const char *uri,
				 const char *username);
/* At the end of the process: send what is left, and wait for an answer, but not
   for long. */
void lazy_expunge_catalog_deinit(void);

#endif
