/* Live mailboxes: those of the user's own namespaces. */

#include "lib.h"
#include "array.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mailbox-list-iter.h"
#include "mailbox-list-private.h"
#include "compat/dovecot.h"
#include "core/origin-mask.h"
#include "account/never-used.h"
#include "account/storages.h"
#include "formats/format.h"
#include "inventory/live-boxes.h"

struct live_name {
	struct mail_namespace *ns;
	const char *vname;
};
ARRAY_DEFINE_TYPE(live_name, struct live_name);

static int live_list_namespace(struct lazy_expunge_user *luser,
			       struct mail_namespace *ns,
			       const struct lazy_expunge_origin_mask *mask,
			       pool_t pool, ARRAY_TYPE(live_name) *names,
			       struct lazy_expunge_error *error_r)
{
	/* the raw list has also what an ACL hides */
	enum mailbox_list_iter_flags flags = MAILBOX_LIST_ITER_NO_AUTO_BOXES |
		MAILBOX_LIST_ITER_SKIP_ALIASES | MAILBOX_LIST_ITER_RAW_LIST |
		MAILBOX_LIST_ITER_RETURN_NO_FLAGS |
		LAZY_EXPUNGE_COMPAT_ITER_NO_RENAMING;
	struct mailbox_list_iterate_context *iter;
	const struct mailbox_info *info;
	struct live_name *name;

	iter = mailbox_list_iter_init(ns->list, "*", flags);
	while ((info = mailbox_list_iter_next(iter)) != NULL) T_BEGIN {
		if ((info->flags & (MAILBOX_NONEXISTENT |
				    MAILBOX_NOSELECT)) == 0 &&
		    lazy_expunge_storage_match(luser, ns,
					       info->vname) == NULL &&
		    lazy_expunge_origin_mask_match(mask, info->vname,
					mail_namespace_get_sep(ns))) {
			name = array_append_space(names);
			name->ns = ns;
			name->vname = p_strdup(pool, info->vname);
		}
	} T_END;
	if (mailbox_list_iter_deinit(&iter) == 0)
		return 0;
	error_r->text = t_strdup_printf("Cannot list %s: %s", ns->prefix,
		mailbox_list_get_last_internal_error(ns->list,
						     &error_r->code));
	return -1;
}

static int live_box(struct lazy_expunge_user *luser,
		    const struct live_name *name,
		    lazy_expunge_live_box_callback_t *callback,
		    lazy_expunge_live_box_failed_t *failed, void *context,
		    struct lazy_expunge_error *error_r)
{
	struct mailbox *box;
	int ret;

	box = lazy_expunge_mailbox_alloc(luser, name->ns, name->vname,
		MAILBOX_FLAG_IGNORE_ACLS | LAZY_EXPUNGE_COMPAT_FLAG_RAW_NAME);
	if (mailbox_open(box) < 0 ||
	    mailbox_sync(box, MAILBOX_SYNC_FLAG_FULL_READ) < 0) {
		lazy_expunge_error_set_box(error_r, "Cannot open", box);
		ret = error_r->code == MAIL_ERROR_NOTFOUND ? 0 : -1;
	} else {
		ret = callback(box, context, error_r);
	}
	mailbox_free(&box);
	if (ret < 0 && failed != NULL) {
		failed(name->vname, error_r, context);
		ret = 0;
	}
	return ret;
}

int lazy_expunge_live_boxes(struct lazy_expunge_user *luser,
			    const struct lazy_expunge_origin_mask *mask,
			    lazy_expunge_live_box_callback_t *callback,
			    lazy_expunge_live_box_failed_t *failed,
			    void *context, struct lazy_expunge_error *error_r)
{
	ARRAY_TYPE(live_name) names;
	const struct live_name *name;
	struct mail_namespace *ns;
	pool_t pool;
	int ret = 0;

	/* to list what is not there would want to make a place for it */
	if (lazy_expunge_user_is_new(luser->user))
		return 0;
	pool = pool_alloconly_create("lazy_expunge live", 4096);
	p_array_init(&names, pool, 64);
	for (ns = luser->user->namespaces; ns != NULL && ret == 0;
	     ns = ns->next) {
		if (ns->type == MAIL_NAMESPACE_TYPE_PRIVATE &&
		    ns->alias_for == NULL &&
		    lazy_expunge_storage_format(
				mail_namespace_get_default_storage(ns)) !=
		    LAZY_EXPUNGE_FORMAT_VIRTUAL)
			ret = live_list_namespace(luser, ns, mask, pool, &names,
						  error_r);
	}
	array_foreach(&names, name) {
		if (ret == 0) T_BEGIN {
			ret = live_box(luser, name, callback, failed, context,
				       error_r);
		} T_END_PASS_STR_IF(ret < 0, &error_r->text);
	}
	pool_unref(&pool);
	return ret;
}
