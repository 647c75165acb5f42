/* Records: the steps to a Trash and the log of restores, held against the UIDs
   that the mailboxes have. */

#include "lib.h"
#include "array.h"
#include "mail-index.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "account/storages.h"
#include "account/trail.h"
#include "account/user.h"
#include "restore/undo-log.h"
#include "erase/records.h"

/* A mailbox that the files name. */
struct records_box {
	const char *vname;
	/* 0 = there is none */
	uint32_t uid_validity;
	ARRAY_TYPE(seq_range) uids;
	/* it cannot be opened: what is said of it stays */
	bool failed;
};

struct records {
	struct lazy_expunge_user *luser;
	pool_t pool;
	ARRAY(struct records_box *) boxes;
	/* the first one: text is NULL if there was none */
	struct lazy_expunge_error error;
};

static void records_fail(struct records *records, enum mail_error code,
			 const char *text)
{
	if (records->error.text != NULL)
		return;
	records->error.code = code;
	records->error.text = p_strdup(records->pool, text);
}

static void box_read(struct records *records, struct records_box *rbox,
		     struct mailbox *box)
{
	const struct mail_index_header *hdr =
		mail_index_get_header(box->view);
	uint32_t uid;

	rbox->uid_validity = hdr->uid_validity;
	p_array_init(&rbox->uids, records->pool, 16);
	for (uint32_t seq = 1; seq <= hdr->messages_count; seq++) {
		mail_index_lookup_uid(box->view, seq, &uid);
		seq_range_array_add(&rbox->uids, uid);
	}
}

static void box_open(struct records *records, struct records_box *rbox)
{
	struct mail_namespace *ns =
		mail_namespace_find(records->luser->user->namespaces,
				    rbox->vname);
	struct lazy_expunge_error error;
	struct mailbox *box;

	box = lazy_expunge_mailbox_alloc(records->luser, ns, rbox->vname,
					 MAILBOX_FLAG_IGNORE_ACLS);
	if (mailbox_open(box) == 0 &&
	    mailbox_sync(box, MAILBOX_SYNC_FLAG_FULL_READ) == 0)
		box_read(records, rbox, box);
	else if (mailbox_get_last_mail_error(box) != MAIL_ERROR_NOTFOUND) {
		lazy_expunge_error_set_box(&error, "Cannot open", box);
		records_fail(records, error.code, error.text);
		rbox->failed = TRUE;
	}
	mailbox_free(&box);
}

static struct records_box *
records_box_get(struct records *records, const char *vname)
{
	struct records_box *rbox;

	array_foreach_elem(&records->boxes, rbox) {
		if (strcmp(rbox->vname, vname) == 0)
			return rbox;
	}
	rbox = p_new(records->pool, struct records_box, 1);
	rbox->vname = p_strdup(records->pool, vname);
	array_push_back(&records->boxes, &rbox);
	T_BEGIN {
		box_open(records, rbox);
	} T_END;
	return rbox;
}

static void records_uids(void *context, const char *mailbox,
			 uint32_t uid_validity, ARRAY_TYPE(seq_range) *uids)
{
	struct records *records = context;
	const struct records_box *rbox = records_box_get(records, mailbox);

	if (rbox->failed)
		return;
	if (rbox->uid_validity != uid_validity)
		array_clear(uids);
	else
		seq_range_array_intersect(uids, &rbox->uids);
}

int lazy_expunge_erase_records(struct lazy_expunge_user *luser,
			       struct lazy_expunge_error *error_r)
{
	struct mail_user *user = luser->user;
	struct records records = {
		.luser = luser,
		.pool = pool_alloconly_create("lazy_expunge records", 4096),
	};
	const char *error;
	int ret = 0;

	p_array_init(&records.boxes, records.pool, 8);
	if (lazy_expunge_trail_forget(user, records_uids, &records,
				      &error) < 0 ||
	    lazy_expunge_undo_log_forget(user, records_uids, &records,
					 &error) < 0)
		records_fail(&records, MAIL_ERROR_TEMP, error);
	if (records.error.text != NULL) {
		error_r->code = records.error.code;
		error_r->text = t_strdup(records.error.text);
		ret = -1;
	}
	pool_unref(&records.pool);
	return ret;
}
