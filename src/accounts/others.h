#ifndef LAZY_EXPUNGE_ACCOUNTS_OTHERS_H
#define LAZY_EXPUNGE_ACCOUNTS_OTHERS_H

/* Other users whose homes or mail lie below what is one user's: as where a user has
   the directory of all virtual users for a home, or a customer's mailboxes are
   users of their own. */

#include "accounts/place-path.h"

/* A directory below the path, which is one of the user's paths, that is of another
   user: it has files of this plugin, as homes have, or, outside of the user's own
   paths, mailboxes, but for those just below a home (is_home), which may be the user's
   former ones. NULL if there is none, as far as it looks. Data stack. */
const char *lazy_expunge_others_find(
	const ARRAY_TYPE(lazy_expunge_place_path) *paths, const char *path,
	bool is_home);

#endif
