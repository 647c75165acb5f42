#ifndef LAZY_EXPUNGE_PLACE_PATH_H
#define LAZY_EXPUNGE_PLACE_PATH_H

/* Where something of a user's is, or would be. */

#include "array-decl.h"

struct lazy_expunge_place_path {
	/* as in struct lazy_expunge_account_place */
	const char *key;
	const char *path;
	bool is_volatile;
	/* where a symbolic link leads whose owner is not root */
	bool linked;
};
ARRAY_DEFINE_TYPE(lazy_expunge_place_path, struct lazy_expunge_place_path);

#endif
