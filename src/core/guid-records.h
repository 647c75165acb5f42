#ifndef LAZY_EXPUNGE_GUID_RECORDS_H
#define LAZY_EXPUNGE_GUID_RECORDS_H

/* Which UIDs of a mailbox may have a GUID, by a hash of it: 12 bytes a mail. A
   hit must be verified with the mail itself. */

struct lazy_expunge_guid_records;

struct lazy_expunge_guid_iter {
	unsigned int idx;
	uint64_t hash;
};

struct lazy_expunge_guid_records *lazy_expunge_guid_records_init(void);
/* Takes NULL. */
void lazy_expunge_guid_records_deinit(
		struct lazy_expunge_guid_records **records);
/* For bounding memory. */
unsigned int lazy_expunge_guid_records_count(
		const struct lazy_expunge_guid_records *records);
/* Forget all. */
void lazy_expunge_guid_records_clear(struct lazy_expunge_guid_records *records);
void lazy_expunge_guid_records_add(struct lazy_expunge_guid_records *records,
				   uint64_t hash, uint32_t uid);
/* The UIDs with the hash, the newest (highest) first: init once, next until
   FALSE. Adding in between is not allowed. */
void lazy_expunge_guid_records_lookup_init(
		struct lazy_expunge_guid_records *records, uint64_t hash,
		struct lazy_expunge_guid_iter *iter_r);
bool lazy_expunge_guid_records_lookup_next(
		struct lazy_expunge_guid_records *records,
		struct lazy_expunge_guid_iter *iter, uint32_t *uid_r);

#endif
