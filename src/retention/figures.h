#ifndef LAZY_EXPUNGE_FIGURES_H
#define LAZY_EXPUNGE_FIGURES_H

/* What a user's row in the catalog says, from the mailboxes. */

#include "core/catalog-row.h"
#include "account/error.h"

struct lazy_expunge_user;

/* Read when something is due next, over all mailboxes that have a retention and
   the caps, and how much the storages hold. Mailboxes are opened only where their
   list index does not tell. whole: also what needs an open storage, which is the
   newest deletion and what is held. Returns 0 with what is known in *row_r, or -1
   and the error. */
int lazy_expunge_figures_read(struct lazy_expunge_user *luser, time_t now,
			      bool whole,
			      struct lazy_expunge_catalog_row *row_r,
			      struct lazy_expunge_error *error_r);

#endif
