/* Where mails of a mailbox are kept, by its settings. */

#include "lib.h"
#include "mail-storage-private.h"
#include "settings/read.h"
#include "account/storages.h"
#include "restore/storage-of.h"

struct lazy_expunge_storage *
lazy_expunge_restore_storage_of(struct lazy_expunge_user *luser,
				struct mailbox *box,
				struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_settings set;
	struct lazy_expunge_storage *storage = NULL;

	lazy_expunge_settings_read_filters(luser->user, box->list,
					   mailbox_get_vname(box),
					   pool_datastack_create(), &set);
	error_r->code = MAIL_ERROR_UNAVAILABLE;
	if (set.error != NULL)
		error_r->text = set.error;
	else {
		storage = lazy_expunge_user_storage_find(luser,
							 set.storage);
		error_r->text = t_strdup_printf("%s has no expunge storage",
						mailbox_get_vname(box));
	}
	return storage;
}
