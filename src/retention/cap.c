/* Byte caps: what the storages hold, and taking the oldest out. */

#include "lib.h"
#include "array.h"
#include "mail-search-build.h"
#include "mail-storage-private.h"
#include "account/storages.h"
#include "hold/cover.h"
#include "hold/holds.h"
#include "retention/cap.h"
#include "core/transactions.h"

/* Mails of one transaction, as many as Dovecot's own autoexpunge takes. */
#define CAP_BATCH_SIZE 1000

/* Held mail does not go, and does not count. cover is NULL if nothing is
   held. */
static int cap_read_box(struct mailbox *box, struct lazy_expunge_cover *cover,
			unsigned int box_idx,
			ARRAY_TYPE(lazy_expunge_cap_mail) *mails)
{
	struct lazy_expunge_cap_mail cmail = { .box = box_idx };
	struct mailbox_transaction_context *t;
	struct mail_search_context *search;
	struct mail_search_args *args;
	struct mail *mail;
	uoff_t size;
	int ret = 0;

	args = mail_search_build_init();
	mail_search_build_add_all(args);
	t = mailbox_transaction_begin(box, 0, "lazy_expunge cap");
	search = mailbox_search_init(t, args, NULL, MAIL_FETCH_SAVE_DATE |
				     MAIL_FETCH_VIRTUAL_SIZE, NULL);
	mail_search_args_unref(&args);
	while (ret == 0 && mailbox_search_next(search, &mail)) T_BEGIN {
		if (cover != NULL &&
		    lazy_expunge_cover_find(cover, mail) != NULL)
			; /* it stays */
		else if (mail_get_save_date(mail, &cmail.saved) < 0 ||
		    mail_get_virtual_size(mail, &size) < 0)
			ret = mail->expunged ? 0 : -1;
		else {
			cmail.uid = mail->uid;
			cmail.size = size;
			array_push_back(mails, &cmail);
		}
	} T_END;
	if (mailbox_search_deinit(&search) < 0)
		ret = -1;
	(void)mailbox_transaction_commit(&t);
	return ret;
}

int lazy_expunge_cap_read(struct lazy_expunge_select *select,
			  unsigned int cap_idx,
			  ARRAY_TYPE(lazy_expunge_cap_mail) *mails,
			  struct lazy_expunge_error *error_r)
{
	const struct lazy_expunge_select_box *sbox;
	struct lazy_expunge_holds *holds = lazy_expunge_holds_get(select->luser);
	struct lazy_expunge_cover *cover = NULL;
	int ret;

	if (holds != NULL && holds->everything != NULL)
		return 0;
	for (unsigned int i = 0; i < array_count(&select->boxes); i++) {
		sbox = array_idx(&select->boxes, i);
		if (sbox->cap != cap_idx)
			continue;
		if (holds != NULL)
			cover = lazy_expunge_cover_init(holds, sbox->box);
		ret = cap_read_box(sbox->box, cover, i, mails);
		lazy_expunge_cover_deinit(&cover);
		if (ret < 0) {
			lazy_expunge_error_set_box(error_r, "Cannot read",
						   sbox->box);
			return -1;
		}
	}
	array_sort(mails, lazy_expunge_cap_mail_cmp);
	return 0;
}

/* Expunge mails of one mailbox. Returns 0 if ok, -1 if they are still there. */
static int cap_expunge_box(struct mailbox *box, unsigned int box_idx,
			   const struct lazy_expunge_cap_mail *mails,
			   unsigned int count)
{
	struct mailbox_transaction_context *t;
	struct mail *mail;
	unsigned int batch = 0;
	int ret = 0;

	t = mailbox_transaction_begin(box, 0, LAZY_EXPUNGE_TRANSACTION_CAP);
	mail = mail_alloc(t, 0, NULL);
	for (unsigned int i = 0; i < count && ret == 0; i++) {
		if (mails[i].box != box_idx ||
		    !mail_set_uid(mail, mails[i].uid))
			continue;
		mail_autoexpunge(mail);
		if (++batch == CAP_BATCH_SIZE) {
			mail_free(&mail);
			ret = mailbox_transaction_commit(&t);
			t = mailbox_transaction_begin(box, 0,
					LAZY_EXPUNGE_TRANSACTION_CAP);
			mail = mail_alloc(t, 0, NULL);
			batch = 0;
		}
	}
	mail_free(&mail);
	if (mailbox_transaction_commit(&t) < 0)
		ret = -1;
	if (mailbox_sync(box, 0) < 0)
		ret = -1;
	return ret;
}

int lazy_expunge_cap_sum(struct lazy_expunge_select *select,
			 unsigned int cap_idx, uint64_t *bytes_r,
			 struct lazy_expunge_error *error_r)
{
	const struct lazy_expunge_select_box *sbox;
	struct mailbox_metadata metadata;

	*bytes_r = 0;
	array_foreach(&select->boxes, sbox) {
		if (sbox->cap != cap_idx)
			continue;
		if (mailbox_get_metadata(sbox->box,
					 MAILBOX_METADATA_VIRTUAL_SIZE,
					 &metadata) < 0) {
			lazy_expunge_error_set_box(error_r, "Cannot read",
						   sbox->box);
			return -1;
		}
		*bytes_r += metadata.virtual_size;
	}
	return 0;
}

static int cap_apply(struct lazy_expunge_select *select, unsigned int cap_idx,
		     bool plan, struct lazy_expunge_cap_result *result,
		     struct lazy_expunge_error *error_r)
{
	const struct lazy_expunge_select_cap *cap =
		array_idx(&select->caps, cap_idx);
	ARRAY_TYPE(lazy_expunge_cap_mail) mails;
	const struct lazy_expunge_cap_mail *mail;
	const struct lazy_expunge_select_box *sbox;
	unsigned int count;
	uint64_t bytes;
	int ret = 0;

	if (cap->max == 0)
		return 0;
	/* a sum of what is known saves reading all mails */
	if (lazy_expunge_cap_sum(select, cap_idx, &bytes, error_r) < 0)
		return -1;
	if (bytes <= cap->max)
		return 0;
	i_array_init(&mails, 1024);
	ret = lazy_expunge_cap_read(select, cap_idx, &mails, error_r);
	mail = array_get(&mails, &count);
	if (ret == 0) {
		count = lazy_expunge_cap_count(mail, count, cap->max, &bytes);
		result->messages += count;
		result->bytes += bytes;
	}
	for (unsigned int i = 0; !plan && ret == 0 &&
	     i < array_count(&select->boxes); i++) {
		sbox = array_idx(&select->boxes, i);
		if (sbox->cap == cap_idx)
			ret = cap_expunge_box(sbox->box, i, mail, count);
		if (ret < 0) {
			lazy_expunge_error_set_box(error_r,
				"Cannot expunge from", sbox->box);
		}
	}
	array_free(&mails);
	return ret;
}

int lazy_expunge_cap_apply(struct lazy_expunge_user *luser, bool plan,
			   struct lazy_expunge_cap_result *result_r,
			   struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_select *select;
	struct lazy_expunge_error error;
	int ret = 0;

	i_zero(result_r);
	if (!lazy_expunge_user_has_cap(luser))
		return 0;
	select = lazy_expunge_select_init(luser, error_r);
	if (select == NULL)
		return -1;
	for (unsigned int i = 0; i < array_count(&select->caps); i++) {
		if (cap_apply(select, i, plan, result_r, &error) < 0 &&
		    ret == 0) {
			*error_r = error;
			ret = -1;
		}
	}
	lazy_expunge_select_deinit(&select);
	return ret;
}
