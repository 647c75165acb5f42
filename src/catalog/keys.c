/* See the header. */

#include "lib.h"
#include "catalog/keys.h"

#define CATALOG_PREFIX DICT_PATH_SHARED"lazy_expunge/"

const char *lazy_expunge_catalog_key(const char *what, const char *user)
{
	return t_strconcat(CATALOG_PREFIX, what, "/",
			   dict_escape_string(user), NULL);
}

const char *lazy_expunge_catalog_key_user(const char *key)
{
	const char *slash = strrchr(key, '/');

	return dict_unescape_string(slash == NULL ? key : slash + 1);
}
