/* The mailboxes of a storage that has many. */

#include "lib.h"
#include "mail-namespace.h"
#include "mailbox-list-private.h"
#include "mailbox-list-iter.h"
#include "compat/dovecot.h"
#include "account/storages.h"
#include "account/storage-list.h"

int lazy_expunge_storage_list(struct lazy_expunge_user *luser,
			      struct lazy_expunge_storage *storage,
			      lazy_expunge_storage_callback_t *callback,
			      void *context, const char **error_r,
			      enum mail_error *code_r)
{
	const enum mailbox_list_iter_flags flags =
		MAILBOX_LIST_ITER_RAW_LIST | MAILBOX_LIST_ITER_NO_AUTO_BOXES |
		MAILBOX_LIST_ITER_SKIP_ALIASES |
		LAZY_EXPUNGE_COMPAT_ITER_NO_RENAMING;
	struct mail_namespace *ns = storage->ns;
	const char *vname = lazy_expunge_storage_open_vname(storage, ns,
				lazy_expunge_storage_vname(storage));
	bool seen = FALSE;
	struct mailbox_list_iterate_context *iter;
	const struct mailbox_info *info;
	int ret = 0;

	*error_r = NULL;
	if (!lazy_expunge_storage_is_many(storage))
		return callback(ns, vname, context);
	iter = mailbox_list_iter_init(ns->list, t_strconcat(ns->prefix, "*",
							    NULL), flags);
	while (ret >= 0 && (info = mailbox_list_iter_next(iter)) != NULL) {
		if ((info->flags & (MAILBOX_NOSELECT |
				    MAILBOX_NONEXISTENT)) == 0 &&
		    lazy_expunge_storage_match_name(luser, ns, info->vname) ==
		    storage) {
			if (strcmp(vname, lazy_expunge_storage_open_vname(
					storage, ns, info->vname)) == 0)
				seen = TRUE;
			ret = callback(ns, info->vname, context);
		}
	}
	if (ret >= 0 && !seen)
		ret = callback(ns, vname, context);
	if (mailbox_list_iter_deinit(&iter) < 0 && ret >= 0) {
		*error_r = t_strdup_printf(
			"Cannot list the expunge storage %s: %s",
			storage->setting,
			mailbox_list_get_last_internal_error(ns->list,
							     code_r));
		ret = -1;
	}
	return ret;
}
