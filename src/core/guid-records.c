/* Records of GUIDs, sorted when they are looked up. */

#include "lib.h"
#include "array.h"
#include "core/guid-records.h"

struct guid_rec {
	/* two halves: an uint64_t would pad the record to 16 bytes */
	uint32_t hash_high, hash_low;
	uint32_t uid;
};

struct lazy_expunge_guid_records {
	ARRAY(struct guid_rec) recs;
	bool sorted;
};

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

struct lazy_expunge_guid_records *lazy_expunge_guid_records_init(void)
{
	struct lazy_expunge_guid_records *records =
		i_new(struct lazy_expunge_guid_records, 1);

	i_array_init(&records->recs, 64);
	records->sorted = TRUE;
	return records;
}

void lazy_expunge_guid_records_deinit(
		struct lazy_expunge_guid_records **_records)
{
	struct lazy_expunge_guid_records *records = *_records;

	if (records == NULL)
		return;
	*_records = NULL;
	array_free(&records->recs);
	i_free(records);
}

unsigned int lazy_expunge_guid_records_count(
		const struct lazy_expunge_guid_records *records)
{
	return array_count(&records->recs);
}

void lazy_expunge_guid_records_clear(struct lazy_expunge_guid_records *records)
{
	array_clear(&records->recs);
	records->sorted = TRUE;
}

void lazy_expunge_guid_records_add(struct lazy_expunge_guid_records *records,
				   uint64_t hash, uint32_t uid)
{
	struct guid_rec *rec = array_append_space(&records->recs);

	rec->hash_high = hash >> 32;
	rec->hash_low = hash & 0xffffffff;
	rec->uid = uid;
	records->sorted = FALSE;
}

void lazy_expunge_guid_records_lookup_init(
		struct lazy_expunge_guid_records *records, uint64_t hash,
		struct lazy_expunge_guid_iter *iter_r)
{
	const struct guid_rec *recs;
	unsigned int left = 0, right, mid;

	if (!records->sorted) {
		array_sort(&records->recs, guid_rec_cmp);
		records->sorted = TRUE;
	}
	iter_r->hash = hash;
	recs = array_get(&records->recs, &right);
	while (left < right) {
		mid = (left + right) / 2;
		if (rec_hash(&recs[mid]) < hash)
			left = mid + 1;
		else
			right = mid;
	}
	iter_r->idx = left;
}

bool lazy_expunge_guid_records_lookup_next(
		struct lazy_expunge_guid_records *records,
		struct lazy_expunge_guid_iter *iter, uint32_t *uid_r)
{
	const struct guid_rec *rec;

	i_assert(records->sorted);
	if (iter->idx >= array_count(&records->recs))
		return FALSE;
	rec = array_idx(&records->recs, iter->idx);
	if (rec_hash(rec) != iter->hash)
		return FALSE;
	iter->idx++;
	*uid_r = rec->uid;
	return TRUE;
}
