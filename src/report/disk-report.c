/* Report: what the storages of a user take on the disk. */

#include "lib.h"
#include "array.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "account/user.h"
#include "formats/disk.h"
#include "inventory/select.h"
#include "report/disk-report.h"

/* Each once: mailboxes share them. */
static bool storage_is_new(ARRAY_TYPE(void_array) *seen,
			   struct mail_storage *storage)
{
	void *elem, *key = storage;

	array_foreach_elem(seen, elem) {
		if (elem == key)
			return FALSE;
	}
	array_push_back(seen, &key);
	return TRUE;
}

static int purgeable_add(ARRAY_TYPE(void_array) *seen,
			 struct mail_storage *storage,
			 struct lazy_expunge_disk_report *report,
			 struct lazy_expunge_error *error_r)
{
	uint64_t bytes;

	if (!storage_is_new(seen, storage))
		return 0;
	if (lazy_expunge_disk_purgeable(storage, &bytes) < 0) {
		error_r->code = MAIL_ERROR_TEMP;
		error_r->text = "The map of the mdbox files cannot be read";
		return -1;
	}
	report->purgeable += bytes;
	return 0;
}

int lazy_expunge_disk_report(struct lazy_expunge_user *luser,
			     struct lazy_expunge_disk_report *report_r,
			     struct lazy_expunge_error *error_r)
{
	const struct lazy_expunge_select_box *sbox;
	struct lazy_expunge_select *select;
	struct mail_namespace *ns =
		mail_namespace_find_inbox(luser->user->namespaces);
	ARRAY_TYPE(void_array) seen;
	const char *error;
	int ret;

	i_zero(report_r);
	select = lazy_expunge_select_init(luser, error_r);
	if (select == NULL)
		return -1;
	t_array_init(&seen, 4);
	ret = purgeable_add(&seen, mail_namespace_get_default_storage(ns),
			    report_r, error_r);
	array_foreach(&select->boxes, sbox) {
		if (ret < 0)
			break;
		if (lazy_expunge_disk_add(sbox->box, &report_r->disk,
					  &error) < 0) {
			error_r->code = MAIL_ERROR_TEMP;
			error_r->text = t_strdup_printf("%s: %s", sbox->vname,
							error);
			ret = -1;
			break;
		}
		ret = purgeable_add(&seen, sbox->box->storage, report_r,
				    error_r);
	}
	lazy_expunge_select_deinit(&select);
	return ret;
}
