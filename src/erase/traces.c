/* Traces: cache files, files of mdbox, and full-text indexes. */

#include "lib.h"
#include "array.h"
#include "fts-storage.h"
#include "fts-api.h"
#include "mail-cache.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "account/user.h"
#include "erase/traces.h"

#include <dlfcn.h>

/* The fts plugin need not be loaded, so it is not linked with. */
struct fts_funcs {
	__typeof__(&fts_list_backend) find;
	__typeof__(&fts_backend_optimize) optimize;
};

int lazy_expunge_erase_cache(struct mailbox *box,
			     struct lazy_expunge_error *error_r)
{
	int ret = mail_cache_open_and_verify(box->cache);

	if (ret > 0) {
		ret = mail_cache_purge(box->cache, (uint32_t)-1,
				       "lazy_expunge erase");
	}
	if (ret >= 0)
		return 0;
	mailbox_set_index_error(box);
	lazy_expunge_error_set_box(error_r, "Cannot purge the cache file of",
				   box);
	return -1;
}

static bool ns_is_own(const struct mail_namespace *ns)
{
	return ns->type == MAIL_NAMESPACE_TYPE_PRIVATE && ns->alias_for == NULL;
}

/* Namespaces may share a storage. */
static bool ns_is_first_of_storage(struct mail_user *user,
				   struct mail_namespace *ns)
{
	struct mail_storage *storage = mail_namespace_get_default_storage(ns);
	struct mail_namespace *other;

	for (other = user->namespaces; other != ns; other = other->next) {
		if (ns_is_own(other) &&
		    mail_namespace_get_default_storage(other) == storage)
			return FALSE;
	}
	return TRUE;
}

static int ns_optimize(struct mail_namespace *ns,
		       const struct fts_funcs *funcs,
		       struct lazy_expunge_error *error_r)
{
	struct fts_backend *backend;

	if (funcs->find == NULL || funcs->optimize == NULL)
		return 0;
	backend = funcs->find(ns->list);
	if (backend == NULL || funcs->optimize(backend) >= 0)
		return 0;
	error_r->code = MAIL_ERROR_TEMP;
	error_r->text = t_strdup_printf("Cannot optimize the full-text index "
					"of namespace %s", ns->prefix);
	return -1;
}

static int ns_purge(struct mail_user *user, struct mail_namespace *ns,
		    struct lazy_expunge_error *error_r)
{
	struct mail_storage *storage = mail_namespace_get_default_storage(ns);
	enum mail_error code;

	if (!ns_is_first_of_storage(user, ns) ||
	    mail_storage_purge(storage) == 0)
		return 0;
	/* where it is rebuilt in it the last error may be that of any mailbox */
	error_r->code = MAIL_ERROR_TEMP;
	error_r->text = t_strdup_printf("Cannot purge the storage of namespace "
		"%s: %s", ns->prefix,
		mail_storage_get_last_internal_error(storage, &code));
	return -1;
}

int lazy_expunge_erase_traces(struct lazy_expunge_user *luser,
			      struct lazy_expunge_error *error_r)
{
	struct mail_user *user = luser->user;
	struct lazy_expunge_error error;
	struct mail_namespace *ns;
	struct fts_funcs funcs;
	int ret = 0;

	funcs.find = dlsym(RTLD_DEFAULT, "fts_list_backend");
	funcs.optimize = dlsym(RTLD_DEFAULT, "fts_backend_optimize");
	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		if (!ns_is_own(ns))
			continue;
		if ((ns_purge(user, ns, &error) < 0 ||
		     ns_optimize(ns, &funcs, &error) < 0) && ret == 0) {
			*error_r = error;
			ret = -1;
		}
	}
	return ret;
}
