/* Byte cap: what the storages hold, and taking the oldest out. */

#include "lib.h"
#include "array.h"
#include "mail-search-build.h"
#include "mail-storage-private.h"
#include "lazy-expunge-cap.h"

static int cap_read_box(struct mailbox *box, unsigned int box_idx,
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
		if (mail_get_save_date(mail, &cmail.saved) < 0 ||
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
			  ARRAY_TYPE(lazy_expunge_cap_mail) *mails,
			  struct lazy_expunge_error *error_r)
{
	const struct lazy_expunge_select_box *sbox;

	for (unsigned int i = 0; i < array_count(&select->boxes); i++) {
		sbox = array_idx(&select->boxes, i);
		if (cap_read_box(sbox->box, i, mails) < 0) {
			lazy_expunge_error_set_box(error_r, "Cannot read",
						   sbox->box);
			return -1;
		}
	}
	array_sort(mails, lazy_expunge_cap_mail_cmp);
	return 0;
}
