/* Mailboxes that were deleted: without mail they are made and subscribed as targets
   of mail are. */

#include "lib.h"
#include "array.h"
#include "unichar.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "account/properties.h"
#include "restore/target.h"
#include "restore/boxes.h"

static bool box_exists(struct lazy_expunge_user *luser, const char *vname)
{
	struct mail_namespace *ns =
		mail_namespace_find(luser->user->namespaces, vname);
	struct mailbox *box;
	enum mailbox_existence existence;
	bool exists;

	/* no mailbox can have it, and Dovecot does not take it */
	if (!uni_utf8_str_is_valid(vname))
		return FALSE;
	box = mailbox_alloc(ns->list, vname, MAILBOX_FLAG_IGNORE_ACLS);
	/* what fails here fails again, and is said, when it is made */
	exists = mailbox_exists(box, FALSE, &existence) == 0 &&
		existence == MAILBOX_EXISTENCE_SELECT;
	mailbox_free(&box);
	return exists;
}

static bool rows_have(const ARRAY_TYPE(lazy_expunge_restore_row) *rows,
		      const char *vname)
{
	const struct lazy_expunge_restore_row *row;

	array_foreach(rows, row) {
		if (strcmp(row->target, vname) == 0)
			return TRUE;
	}
	return FALSE;
}

static int box_make(struct lazy_expunge_user *luser, bool plan, pool_t pool,
		    struct lazy_expunge_restore_row *row)
{
	struct lazy_expunge_error error;
	struct mailbox *box;

	if (lazy_expunge_restore_target_open(luser, row->target, plan ?
				LAZY_EXPUNGE_RESTORE_TARGET_PLAN : 0, &box,
					     &error) < 0) {
		row->error.code = error.code;
		row->error.text = p_strdup(pool, error.text);
		return -1;
	}
	if (box != NULL)
		mailbox_free(&box);
	return 0;
}

int lazy_expunge_restore_boxes(struct lazy_expunge_user *luser,
			       const ARRAY_TYPE(const_string) *boxes, bool plan,
			       pool_t pool,
			       ARRAY_TYPE(lazy_expunge_restore_row) *rows)
{
	struct lazy_expunge_restore_row *row;
	const char *vname;
	int ret = 0;

	array_foreach_elem(boxes, vname) {
		if (rows_have(rows, vname) || box_exists(luser, vname))
			continue;
		row = array_append_space(rows);
		row->origin = row->target = vname;
		T_BEGIN {
			if (box_make(luser, plan, pool, row) < 0)
				ret = -1;
		} T_END;
	}
	return ret;
}

void lazy_expunge_restore_boxes_missing(struct lazy_expunge_user *luser,
					const ARRAY_TYPE(const_string) *boxes,
					ARRAY_TYPE(const_string) *missing)
{
	const char *vname;

	array_foreach_elem(boxes, vname) {
		if (!box_exists(luser, vname))
			array_push_back(missing, &vname);
	}
}

static void box_finish(struct lazy_expunge_user *luser, uint32_t deletion,
		       const char *vname)
{
	pool_t pool = pool_alloconly_create("lazy_expunge properties", 1024);
	const char *const *fields =
		lazy_expunge_properties_find(luser->user, pool, deletion,
					     vname);
	struct mail_namespace *ns =
		mail_namespace_find(luser->user->namespaces, vname);
	struct mailbox *box;

	if (fields == NULL) {
		pool_unref(&pool);
		return;
	}
	box = mailbox_alloc(ns->list, vname, MAILBOX_FLAG_IGNORE_ACLS);
	if (mailbox_open(box) < 0 ||
	    lazy_expunge_properties_set(box, fields) < 0) {
		e_warning(box->event, "lazy_expunge: %s is not all that it was "
			  "when it was deleted: %s", vname,
			  mailbox_get_last_internal_error(box, NULL));
	}
	mailbox_free(&box);
	pool_unref(&pool);
}

void lazy_expunge_restore_boxes_finish(struct lazy_expunge_user *luser,
				       uint32_t deletion,
				       const ARRAY_TYPE(const_string) *missing)
{
	const char *vname;

	array_foreach_elem(missing, vname) {
		if (box_exists(luser, vname)) T_BEGIN {
			box_finish(luser, deletion, vname);
		} T_END;
	}
}
