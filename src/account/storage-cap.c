/* See the header. */

#include "lib.h"
#include "mail-namespace.h"
#include "settings/read.h"
#include "account/storages.h"
#include "account/storage-cap.h"

/* The byte cap of a mailbox, or with vname = NULL of the namespace. */
static int read_cap(struct lazy_expunge_user *luser, struct mail_namespace *ns,
		    const char *vname, uint64_t *max_r,
		    struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_settings set;

	lazy_expunge_settings_read_filters(luser->user, ns->list, vname,
					   pool_datastack_create(), &set);
	*max_r = set.max_storage;
	if (set.error == NULL)
		return 0;
	error_r->code = MAIL_ERROR_TEMP;
	error_r->text = set.error;
	return -1;
}

int lazy_expunge_storage_read_cap(struct lazy_expunge_user *luser,
				  const struct lazy_expunge_storage *storage,
				  const char *vname, uint64_t *max_r,
				  bool *whole_r,
				  struct lazy_expunge_error *error_r)
{
	uint64_t ns_max;

	*max_r = luser->set.max_storage;
	if (!lazy_expunge_settings_are_per_mailbox())
		return 0;
	if (read_cap(luser, storage->ns, vname, max_r, error_r) < 0)
		return -1;
	if (*max_r == luser->set.max_storage)
		return 0;
	if (read_cap(luser, storage->ns, NULL, &ns_max, error_r) < 0)
		return -1;
	/* a tree has one block for all of it */
	*whole_r = storage->tree || (storage->ns_mode && *max_r == ns_max);
	return 1;
}
