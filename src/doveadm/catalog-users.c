/* See the header. */

#include "lib.h"
#include "array.h"
#include "compat/compat-command.h"
#include "catalog/keys.h"
#include "catalog/reader.h"
#include "doveadm/catalog-users.h"

int lazy_expunge_catalog_users_read(const struct doveadm_cmd_context *cctx,
				    pool_t pool,
				    ARRAY_TYPE(const_string) *names,
				    const char **error_r)
{
	ARRAY_TYPE(lazy_expunge_catalog_entry) entries;
	const struct lazy_expunge_catalog_entry *entry;
	struct lazy_expunge_catalog *catalog;
	int ret;

	ret = lazy_expunge_catalog_open(
		lazy_expunge_compat_cmd_event(cctx),
		lazy_expunge_compat_cmd_plugin_setting(doveadm_settings,
			"lazy_expunge_catalog"), &catalog, error_r);
	if (ret <= 0)
		return ret;
	i_array_init(&entries, 128);
	/* of the orders that have every user the one with the least in it */
	ret = lazy_expunge_catalog_list(catalog, LAZY_EXPUNGE_CATALOG_BY_VISIT,
					0, pool, &entries, error_r);
	array_foreach(&entries, entry)
		array_push_back(names, &entry->username);
	array_free(&entries);
	lazy_expunge_catalog_close(&catalog);
	return ret < 0 ? -1 : 1;
}
