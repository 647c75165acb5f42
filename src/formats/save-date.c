/* Deletion times, see the header. */

#include "lib.h"
#include "ioloop.h"
#include "mail-storage-private.h"
#include "compat/dovecot.h"
#include "formats/format.h"
#include "formats/save-date.h"

unsigned int lazy_expunge_cache_field_register(struct mailbox *box,
					       const char *name,
					       unsigned int size)
{
	struct mail_cache_field field = {
		.name = name,
		.type = MAIL_CACHE_FIELD_FIXED_SIZE,
		.field_size = size,
		.decision = MAIL_CACHE_DECISION_YES |
			MAIL_CACHE_DECISION_FORCED,
	};

	T_BEGIN {
		lazy_expunge_compat_cache_register(box->cache, &field);
	} T_END;
	return field.idx;
}

unsigned int lazy_expunge_save_date_register(struct mailbox *box)
{
	if (lazy_expunge_box_format(box) == LAZY_EXPUNGE_FORMAT_MDBOX)
		return UINT_MAX;
	return lazy_expunge_cache_field_register(box, "date.save",
						 sizeof(uint32_t));
}

void lazy_expunge_save_date_add(struct mailbox_transaction_context *t,
				unsigned int field)
{
	uint32_t seq = t->save_ctx->dest_mail->seq;
	uint32_t save_date = ioloop_time;

	/* A copy by linking may not do it. To ask whether it did is dear: for
	   each mail Dovecot looks through all that the transaction has added.
	   Twice the same does no harm (mail_cache_lookup_field()). */
	if (field != UINT_MAX) {
		mail_cache_add(t->cache_trans, seq, field,
			       &save_date, sizeof(save_date));
	}
}

/* The first of the newest mails of which none has a save date, 0 if the newest
   has one. Looks at mails from first_uid on. */
static uint32_t
first_without_save_date(struct mailbox *box, unsigned int field,
			uint32_t first_uid)
{
	struct mail_cache_view *view;
	uint32_t seq, seq1, seq2, first = 0;

	if (!mail_index_lookup_seq_range(box->view, first_uid, (uint32_t)-1,
					 &seq1, &seq2))
		return 0;
	view = mail_cache_view_open(box->cache, box->view);
	for (seq = seq2; seq >= seq1; seq--) {
		if (mail_cache_field_exists(view, seq, field) != 0)
			break;
		first = seq;
	}
	mail_cache_view_close(&view);
	return first;
}

void lazy_expunge_save_date_catch_up(
	struct mailbox *box, uint32_t *next_uid,
	void (*callback)(struct mailbox_transaction_context *t,
			 struct mail *mail))
{
	const struct mail_index_header *hdr = mail_index_get_header(box->view);
	struct mailbox_transaction_context *t;
	struct mail *mail;
	uint32_t seq, count;
	time_t date;

	if (lazy_expunge_box_format(box) != LAZY_EXPUNGE_FORMAT_MAILDIR ||
	    hdr->next_uid == *next_uid)
		return;
	seq = first_without_save_date(box, lazy_expunge_save_date_register(box),
				      I_MAX(*next_uid, 1));
	*next_uid = hdr->next_uid;
	if (seq == 0)
		return;
	count = hdr->messages_count;
	t = mailbox_transaction_begin(box, 0, "lazy_expunge save dates");
	mail = mail_alloc(t, MAIL_FETCH_SAVE_DATE, NULL);
	for (; seq <= count; seq++) {
		mail_set_seq(mail, seq);
		/* this caches it; what cannot be found out stays as it is */
		(void)mail_get_save_date(mail, &date);
		T_BEGIN {
			callback(t, mail);
		} T_END;
	}
	mail_free(&mail);
	(void)mailbox_transaction_commit(&t);
}

unsigned int lazy_expunge_save_date_cache_all(struct mailbox *box)
{
	unsigned int field = lazy_expunge_save_date_register(box);
	struct mailbox_transaction_context *t;
	struct mail_cache_view *view;
	unsigned int missing = 0;
	uint32_t seq, count, save_date;
	struct mail *mail;
	time_t date;

	if (field == UINT_MAX)
		return 0;
	count = mail_index_view_get_messages_count(box->view);
	view = mail_cache_view_open(box->cache, box->view);
	t = mailbox_transaction_begin(box, 0, "lazy_expunge save dates");
	mail = mail_alloc(t, MAIL_FETCH_SAVE_DATE, NULL);
	for (seq = 1; seq <= count; seq++) {
		if (mail_cache_field_exists(view, seq, field) != 0)
			continue;
		mail_set_seq(mail, seq);
		if (mail_get_save_date(mail, &date) < 0)
			continue;
		/* Maildir does this by itself, sdbox does not; twice the same
		   does no harm */
		save_date = date;
		mail_cache_add(t->cache_trans, seq, field, &save_date,
			       sizeof(save_date));
		missing++;
	}
	mail_free(&mail);
	(void)mailbox_transaction_commit(&t);
	mail_cache_view_close(&view);
	return missing;
}
