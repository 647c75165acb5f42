/* Restore target: opens or creates the mailbox. */

#include "lib.h"
#include "unichar.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "formats/new-mailbox.h"
#include "inventory/select.h"
#include "restore/plan-target.h"
#include "account/storage-box.h"
#include "account/storages.h"
#include "restore/target.h"

static int target_create(struct mailbox *box,
			 struct lazy_expunge_error *error_r)
{
	if ((mailbox_create(box, NULL, FALSE) < 0 ||
	     lazy_expunge_new_mailbox_sync(box) < 0) &&
	    mailbox_get_last_mail_error(box) != MAIL_ERROR_EXISTS) {
		lazy_expunge_error_set_box(error_r, "Cannot create", box);
		return -1;
	}
	if (mailbox_set_subscribed(box, TRUE) < 0) {
		/* the mail matters more */
		e_warning(box->event, "lazy_expunge: Cannot subscribe to %s: %s",
			  mailbox_get_vname(box),
			  mailbox_get_last_internal_error(box, NULL));
	}
	if (mailbox_open(box) < 0) {
		lazy_expunge_error_set_box(error_r, "Cannot open the new", box);
		return -1;
	}
	return 0;
}

/* A mail would be there already, and be cleared from the storage. */
static bool target_shows_storage(struct lazy_expunge_user *luser,
				 struct mailbox *box)
{
	ARRAY_TYPE(mailboxes) backends;
	struct mailbox *backend;

	if (lazy_expunge_storage_match(luser, mailbox_get_namespace(box),
				       mailbox_get_vname(box)) != NULL ||
	    lazy_expunge_storage_has_box(luser, box))
		return TRUE;
	if (box->virtual_vfuncs == NULL)
		return FALSE;
	t_array_init(&backends, 16);
	box->virtual_vfuncs->get_virtual_backend_boxes(box, &backends, FALSE);
	array_foreach_elem(&backends, backend) {
		if (target_shows_storage(luser, backend))
			return TRUE;
	}
	return FALSE;
}

/* Returns 1 if open, 0 if it is to be created, -1 and the error. */
static int target_open(struct mailbox *box, bool plan,
		       struct lazy_expunge_error *error_r)
{
	enum mailbox_existence existence;
	/* it is made as it is opened */
	const bool autocreated = !plan && mailbox_is_autocreated(box) &&
		mailbox_exists(box, FALSE, &existence) == 0 &&
		existence == MAILBOX_EXISTENCE_NONE;

	if (mailbox_open(box) == 0) {
		if (!autocreated || lazy_expunge_new_mailbox_sync(box) == 0)
			return 1;
		lazy_expunge_error_set_box(error_r, "Cannot create", box);
		return -1;
	}
	if (mailbox_get_last_mail_error(box) != MAIL_ERROR_NOTFOUND) {
		lazy_expunge_error_set_box(error_r, "Cannot open", box);
		return -1;
	}
	/* the run asks as the plan does, so that both end in the same way */
	if (lazy_expunge_restore_plan_create(box, error_r) < 0)
		return -1;
	if (plan)
		return 0;
	return target_create(box, error_r) < 0 ? -1 : 1;
}

/* What is deleted in another user's mailbox is kept in that account, and what is
   deleted through a virtual one has the mailbox behind it for its origin. */
static int origin_is_believed(struct mailbox *box,
			      struct lazy_expunge_error *error_r)
{
	if (mailbox_get_namespace(box)->type != MAIL_NAMESPACE_TYPE_SHARED &&
	    (box->storage->class_flags & MAIL_STORAGE_CLASS_FLAG_NOQUOTA) == 0)
		return 0;
	error_r->code = MAIL_ERROR_PERM;
	error_r->text = t_strdup_printf("No delete of this user can have come "
		"from %s: -t chooses where the mail goes, and -I believes it",
		mailbox_get_vname(box));
	return -1;
}

/* The name alone tells. Returns 0 and the namespace if it can be a target, -1 and
   the error. */
static int target_verify(struct lazy_expunge_user *luser,
			 const char *vname, struct mail_namespace **ns_r,
			 struct lazy_expunge_error *error_r)
{
	error_r->code = MAIL_ERROR_PARAMS;
	if (!uni_utf8_str_is_valid(vname)) {
		error_r->text = "The name of the target is not valid UTF-8";
		return -1;
	}
	*ns_r = mail_namespace_find(luser->user->namespaces, vname);
	if (lazy_expunge_storage_match(luser, *ns_r, vname) != NULL) {
		error_r->text = t_strdup_printf("%s is the expunge storage: "
			"mail cannot be restored to it", vname);
		return -1;
	}
	return 0;
}

int lazy_expunge_restore_target_open(struct lazy_expunge_user *luser,
				     const char *vname,
				     enum lazy_expunge_restore_target_flags flags,
				     struct mailbox **box_r,
				     struct lazy_expunge_error *error_r)
{
	const bool any = (flags & LAZY_EXPUNGE_RESTORE_TARGET_IGNORE_ACLS) != 0;
	const bool plan = (flags & LAZY_EXPUNGE_RESTORE_TARGET_PLAN) != 0;
	const bool said = (flags & LAZY_EXPUNGE_RESTORE_TARGET_ORIGIN) != 0;
	struct mail_namespace *ns;
	struct mailbox *box;
	int ret;

	*box_r = NULL;
	if (target_verify(luser, vname, &ns, error_r) < 0)
		return -1;
	box = mailbox_alloc(ns->list, vname,
			    any ? MAILBOX_FLAG_IGNORE_ACLS : 0);
	ret = said && !any ? origin_is_believed(box, error_r) : 0;
	if (ret == 0)
		ret = target_open(box, plan, error_r);
	if (ret > 0 && target_shows_storage(luser, box)) {
		error_r->code = MAIL_ERROR_PARAMS;
		error_r->text = t_strdup_printf("%s shows the expunge storage: "
			"mail cannot be restored to it", vname);
		ret = -1;
	}
	if (ret > 0 && mailbox_sync(box, MAILBOX_SYNC_FLAG_FULL_READ) < 0) {
		lazy_expunge_error_set_box(error_r, "Cannot read", box);
		ret = -1;
	}
	if (ret > 0 && lazy_expunge_restore_plan_save(box, error_r) < 0)
		ret = -1;
	if (ret > 0)
		*box_r = box;
	else
		mailbox_free(&box);
	return ret < 0 ? -1 : 0;
}
