/* A mailbox's GUIDs, read once and extended. */

#include "lib.h"
#include "array.h"
#include "guid.h"
#include "time-util.h"
#include "mail-storage-private.h"
#include "instances/guids.h"

/* how often a reader looks at the clock */
#define DEADLINE_CHECK_INTERVAL 64

struct guid_rec {
	/* two halves: an uint64_t would pad the record to 16 bytes */
	uint32_t hash_high, hash_low;
	uint32_t uid;
};

struct lazy_expunge_guids {
	uint32_t uid_validity;
	/* UIDs that were read: low_uid <= uid < high_uid. 0, 0 = none. */
	uint32_t low_uid, high_uid;
	ARRAY(struct guid_rec) recs;
	bool sorted;
};

static uint64_t guid_hash(const char *guid)
{
	guid_128_t guid_128;
	uint64_t hash;

	mail_generate_guid_128_hash(guid, guid_128);
	memcpy(&hash, guid_128, sizeof(hash));
	return hash;
}

static uint64_t rec_hash(const struct guid_rec *rec)
{
	return (uint64_t)rec->hash_high << 32 | rec->hash_low;
}

static int guid_rec_cmp(const struct guid_rec *r1, const struct guid_rec *r2)
{
	uint64_t h1 = rec_hash(r1), h2 = rec_hash(r2);

	if (h1 != h2)
		return h1 < h2 ? -1 : 1;
	/* newest first */
	return r1->uid > r2->uid ? -1 : (r1->uid < r2->uid ? 1 : 0);
}

struct lazy_expunge_guids *lazy_expunge_guids_init(void)
{
	struct lazy_expunge_guids *guids = i_new(struct lazy_expunge_guids, 1);

	i_array_init(&guids->recs, 64);
	return guids;
}

void lazy_expunge_guids_deinit(struct lazy_expunge_guids **_guids)
{
	struct lazy_expunge_guids *guids = *_guids;

	if (guids == NULL)
		return;
	*_guids = NULL;
	array_free(&guids->recs);
	i_free(guids);
}

unsigned int lazy_expunge_guids_count(const struct lazy_expunge_guids *guids)
{
	return array_count(&guids->recs);
}

void lazy_expunge_guids_refresh(struct lazy_expunge_guids *guids,
				struct mailbox *box)
{
	const struct mail_index_header *hdr = mail_index_get_header(box->view);

	if (guids->uid_validity == hdr->uid_validity &&
	    guids->high_uid <= hdr->next_uid && guids->high_uid != 0)
		return;
	array_clear(&guids->recs);
	guids->uid_validity = hdr->uid_validity;
	guids->low_uid = guids->high_uid = hdr->next_uid;
	guids->sorted = TRUE;
}

static void guids_add(struct lazy_expunge_guids *guids, struct mail *mail)
{
	struct guid_rec *rec;
	const char *guid;
	uint64_t hash;

	/* one that cannot be read is no instance */
	if (mail_get_special(mail, MAIL_FETCH_GUID, &guid) < 0 ||
	    *guid == '\0')
		return;
	hash = guid_hash(guid);
	rec = array_append_space(&guids->recs);
	rec->hash_high = hash >> 32;
	rec->hash_low = hash & 0xffffffff;
	rec->uid = mail->uid;
	guids->sorted = FALSE;
}

bool lazy_expunge_budget_is_spent(const struct lazy_expunge_budget *budget)
{
	return budget->mails == 0 || (budget->deadline != 0 &&
		(uint64_t)i_microseconds() > budget->deadline);
}

static bool budget_take(struct lazy_expunge_budget *budget)
{
	if (budget->mails == 0) {
		budget->cut_short = TRUE;
		return FALSE;
	}
	if (budget->deadline != 0 &&
	    budget->mails % DEADLINE_CHECK_INTERVAL == 0 &&
	    i_microseconds() > budget->deadline) {
		budget->mails = 0;
		budget->cut_short = TRUE;
		return FALSE;
	}
	budget->mails--;
	budget->read++;
	return TRUE;
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
			if (!budget_take(budget))
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
			if (!budget_take(budget))
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
	const struct guid_rec *recs;
	unsigned int count, left, right, mid;

	if (!guids->sorted) {
		array_sort(&guids->recs, guid_rec_cmp);
		guids->sorted = TRUE;
	}
	iter_r->hash = guid_hash(guid);
	recs = array_get(&guids->recs, &count);
	left = 0;
	right = count;
	while (left < right) {
		mid = (left + right) / 2;
		if (rec_hash(&recs[mid]) < iter_r->hash)
			left = mid + 1;
		else
			right = mid;
	}
	iter_r->idx = left;
}

bool lazy_expunge_guids_lookup_next(struct lazy_expunge_guids *guids,
				    struct lazy_expunge_guid_iter *iter,
				    uint32_t *uid_r)
{
	const struct guid_rec *rec;

	i_assert(guids->sorted);
	if (iter->idx >= array_count(&guids->recs))
		return FALSE;
	rec = array_idx(&guids->recs, iter->idx);
	if (rec_hash(rec) != iter->hash)
		return FALSE;
	iter->idx++;
	*uid_r = rec->uid;
	return TRUE;
}
