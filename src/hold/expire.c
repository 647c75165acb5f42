/* Retention around held mails: the same mails, and the same batches, as
   Dovecot's own autoexpunge (mail-autoexpunge.c). */

#include "lib.h"
#include "mail-storage-private.h"
#include "mailbox-list-private.h"
#include "settings/mailbox-blocks.h"
#include "hold/cover.h"
#include "hold/expire.h"

#define EXPIRE_BATCH_SIZE 1000

struct expire {
	struct mailbox *box;
	struct lazy_expunge_cover *cover;
	struct lazy_expunge_retention set;
	time_t now, renamed;
	/* mails before the next one to look at: all of them are held */
	uint32_t held;
	/* the next one is none that goes */
	bool done;
};

/* Returns TRUE if something may be due, from what is known without opening the
   mailbox. */
static int expire_is_due(struct expire *expire)
{
	struct mailbox_status status;
	struct mailbox_metadata metadata;

	if (mailbox_get_status(expire->box, STATUS_MESSAGES, &status) < 0) {
		return mailbox_get_last_mail_error(expire->box) ==
			MAIL_ERROR_NOTFOUND ? 0 : -1;
	}
	if (status.messages == 0)
		return 0;
	if (expire->set.max_mails > 0 &&
	    status.messages > expire->set.max_mails)
		return 1;
	if (expire->set.autoexpunge == 0)
		return 0;
	if (mailbox_get_metadata(expire->box, MAILBOX_METADATA_FIRST_SAVE_DATE,
				 &metadata) < 0)
		return -1;
	return metadata.first_save_date != (time_t)-1 &&
		metadata.first_save_date + (time_t)expire->set.autoexpunge <=
		expire->now ? 1 : 0;
}

/* Returns 1 if the mail goes, 0 if it and all after it stay, -1 on failure. */
static int expire_mail_goes(struct expire *expire, struct mail *mail,
			    unsigned int count)
{
	struct lazy_expunge_retention_mail rmail = {
		.position = mail->seq,
		.count = count,
		.renamed = expire->renamed,
	};

	if (lazy_expunge_retention_goes_by_count(&expire->set, &rmail))
		return 1;
	if (mail_get_save_date(mail, &rmail.saved) < 0) {
		if (!mail->expunged)
			return -1;
		/* whoever took it out is done with it */
		return 1;
	}
	return lazy_expunge_retention_goes(&expire->set, &rmail,
					   expire->now) ? 1 : 0;
}

/* Expunges a batch, from the first mail that is not known to be held on. */
static int expire_batch(struct expire *expire,
			struct mailbox_transaction_context *t)
{
	const unsigned int count =
		mail_index_get_header(expire->box->view)->messages_count;
	struct mail *mail = mail_alloc(t, 0, NULL);
	unsigned int batch = 0;
	uint32_t seq;
	int ret = 1;

	for (seq = expire->held + 1;
	     seq <= count && batch < EXPIRE_BATCH_SIZE; seq++) {
		mail_set_seq(mail, seq);
		ret = expire_mail_goes(expire, mail, count);
		if (ret <= 0)
			break;
		if (lazy_expunge_cover_find(expire->cover, mail) != NULL)
			expire->held++;
		else {
			mail_autoexpunge(mail);
			batch++;
		}
	}
	mail_free(&mail);
	expire->done = ret <= 0 || seq > count;
	return ret < 0 ? -1 : 0;
}

int lazy_expunge_hold_expire(struct mailbox *box, const char *vname,
			     struct lazy_expunge_cover *cover, time_t now)
{
	struct expire expire = { .box = box, .cover = cover, .now = now };
	struct mailbox_transaction_context *t;
	int ret;

	lazy_expunge_keep_time_get(box->list->ns, vname, &expire.set);
	ret = expire_is_due(&expire);
	if (ret <= 0)
		return ret;
	if (mailbox_sync(box, MAILBOX_SYNC_FLAG_FAST) < 0)
		return -1;
	expire.renamed = lazy_expunge_keep_time_renamed(box);
	do {
		t = mailbox_transaction_begin(box, 0, "autoexpunge");
		ret = expire_batch(&expire, t);
		if (mailbox_transaction_commit(&t) < 0 ||
		    mailbox_sync(box, 0) < 0)
			ret = -1;
	} while (ret == 0 && !expire.done);
	return ret;
}
