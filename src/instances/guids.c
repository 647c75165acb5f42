/* A mailbox's GUIDs, read once and extended. */

#include "lib.h"
#include "guid.h"
#include "mail-storage-private.h"
#include "instances/guids.h"

struct lazy_expunge_guids {
	uint32_t uid_validity;
	/* UIDs that were read: low_uid <= uid < high_uid. 0, 0 = none. */
	uint32_t low_uid, high_uid;
	struct lazy_expunge_guid_records *records;
};

static uint64_t guid_hash(const char *guid)
{
	guid_128_t guid_128;
	uint64_t hash;

	mail_generate_guid_128_hash(guid, guid_128);
	memcpy(&hash, guid_128, sizeof(hash));
	return hash;
}

struct lazy_expunge_guids *lazy_expunge_guids_init(void)
{
	struct lazy_expunge_guids *guids = i_new(struct lazy_expunge_guids, 1);

	guids->records = lazy_expunge_guid_records_init();
	return guids;
}

void lazy_expunge_guids_deinit(struct lazy_expunge_guids **_guids)
{
	struct lazy_expunge_guids *guids = *_guids;

	if (guids == NULL)
		return;
	*_guids = NULL;
	lazy_expunge_guid_records_deinit(&guids->records);
	i_free(guids);
}

unsigned int lazy_expunge_guids_count(const struct lazy_expunge_guids *guids)
{
	return lazy_expunge_guid_records_count(guids->records);
}

void lazy_expunge_guids_refresh(struct lazy_expunge_guids *guids,
				struct mailbox *box)
{
	const struct mail_index_header *hdr = mail_index_get_header(box->view);

	if (guids->uid_validity == hdr->uid_validity &&
	    guids->high_uid <= hdr->next_uid && guids->high_uid != 0)
		return;
	lazy_expunge_guid_records_clear(guids->records);
	guids->uid_validity = hdr->uid_validity;
	guids->low_uid = guids->high_uid = hdr->next_uid;
}

static void guids_add(struct lazy_expunge_guids *guids, struct mail *mail)
{
	const char *guid;

	/* one that cannot be read is no instance */
	if (mail_get_special(mail, MAIL_FETCH_GUID, &guid) < 0 ||
	    *guid == '\0')
		return;
	lazy_expunge_guid_records_add(guids->records, guid_hash(guid),
				      mail->uid);
}

bool lazy_expunge_guids_read(struct lazy_expunge_guids *guids,
			     struct mailbox *box, unsigned int max,
			     struct lazy_expunge_budget *budget)
{
	struct mailbox_transaction_context *t;
	struct mail *mail;
	uint32_t seq, seq1, seq2, next_uid;
	bool progress = FALSE;

	next_uid = mail_index_get_header(box->view)->next_uid;
	if (guids->low_uid <= 1 && guids->high_uid >= next_uid)
		return FALSE;

	t = mailbox_transaction_begin(box, 0, "lazy_expunge instances");
	mail = mail_alloc(t, MAIL_FETCH_GUID, NULL);
	/* what came since the last time */
	if (mail_index_lookup_seq_range(box->view, guids->high_uid,
					(uint32_t)-1, &seq1, &seq2)) {
		for (seq = seq1; seq <= seq2 && max > 0; seq++, max--) {
			if (!lazy_expunge_budget_take(budget))
				break;
			T_BEGIN {
				mail_set_seq(mail, seq);
				guids_add(guids, mail);
			} T_END;
			guids->high_uid = mail->uid + 1;
			progress = TRUE;
		}
		if (seq > seq2)
			guids->high_uid = next_uid;
	} else {
		guids->high_uid = next_uid;
	}
	/* older ones, newest first */
	if (guids->low_uid > 1 &&
	    mail_index_lookup_seq_range(box->view, 1, guids->low_uid - 1,
					&seq1, &seq2)) {
		for (seq = seq2; seq >= seq1 && max > 0; seq--, max--) {
			if (!lazy_expunge_budget_take(budget))
				break;
			T_BEGIN {
				mail_set_seq(mail, seq);
				guids_add(guids, mail);
			} T_END;
			guids->low_uid = mail->uid;
			progress = TRUE;
			if (seq == seq1)
				guids->low_uid = 1;
		}
	} else {
		guids->low_uid = 1;
	}
	mail_free(&mail);
	/* what this adds to the cache file makes the next look cheaper */
	(void)mailbox_transaction_commit(&t);
	return progress;
}

void lazy_expunge_guids_lookup_init(struct lazy_expunge_guids *guids,
				    const char *guid,
				    struct lazy_expunge_guid_iter *iter_r)
{
	lazy_expunge_guid_records_lookup_init(guids->records, guid_hash(guid),
					      iter_r);
}

bool lazy_expunge_guids_lookup_next(struct lazy_expunge_guids *guids,
				    struct lazy_expunge_guid_iter *iter,
				    uint32_t *uid_r)
{
	return lazy_expunge_guid_records_lookup_next(guids->records, iter,
						     uid_r);
}
