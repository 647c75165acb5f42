/* Deletions: mails in groups, joined with what was recorded of them. */

#include "lib.h"
#include "array.h"
#include "hash.h"
#include "ioloop.h"
#include "seq-range-array.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "account/deletions.h"
#include "account/rename-log.h"
#include "core/origin-id.h"
#include "core/origin-mask.h"
#include "inventory/deletions.h"
#include "inventory/missed.h"

/* Mails without a number that were deleted from one mailbox, each at most so many
   seconds after the one before, are taken as one deletion. */
#define GUESS_GAP_SECS 60

/* Row of a number, and how many of its mails were restored. */
struct join {
	struct lazy_expunge_deletions_list *list;
	ARRAY_TYPE(lazy_expunge_deletion_record) records;
	/* number -> index of the record + 1 */
	HASH_TABLE(void *, void *) record_idxs;
	/* number -> mails that were taken */
	HASH_TABLE(void *, void *) taken;
	/* number -> mails that passed */
	HASH_TABLE(void *, void *) passed;
};

/* Numbers together; those without one by origin and time. */
static int mail_cmp(const struct lazy_expunge_select_mail *m1,
		    const struct lazy_expunge_select_mail *m2)
{
	if (m1->deletion != m2->deletion)
		return m1->deletion < m2->deletion ? -1 : 1;
	if (m1->deletion == 0 && m1->origin != m2->origin)
		return m1->origin < m2->origin ? -1 : 1;
	return lazy_expunge_select_cmp_oldest(m1, m2);
}

/* TRUE if the mail is of the group of the one before it. */
static bool is_same_group(const struct lazy_expunge_select_mail *last,
			  const struct lazy_expunge_select_mail *mail)
{
	if (last->deletion != mail->deletion)
		return FALSE;
	return mail->deletion != 0 ||
		(last->origin == mail->origin &&
		 mail->saved - last->saved <= GUESS_GAP_SECS);
}

static void join_init(struct join *join)
{
	struct lazy_expunge_select *select = join->list->select;
	const struct lazy_expunge_deletion_record *record;
	const struct lazy_expunge_deletion_taken *taken;
	unsigned int count;
	void *value;

	p_array_init(&join->records, select->pool, 16);
	lazy_expunge_deletions_read(select->luser->user, select->pool,
				    &join->records);
	hash_table_create_direct(&join->record_idxs, default_pool, 0);
	hash_table_create_direct(&join->taken, default_pool, 0);
	for (unsigned int i = 0; i < array_count(&join->records); i++) {
		record = array_idx(&join->records, i);
		hash_table_update(join->record_idxs, POINTER_CAST(record->id),
				  POINTER_CAST(i + 1));
		array_foreach(&record->taken, taken) {
			value = hash_table_lookup(join->taken,
						  POINTER_CAST(taken->id));
			count = POINTER_CAST_TO(value, unsigned int);
			hash_table_update(join->taken, POINTER_CAST(taken->id),
					  POINTER_CAST(count + taken->count));
		}
	}
}

static void join_read_passed(struct join *join)
{
	struct lazy_expunge_select *select = join->list->select;
	ARRAY_TYPE(lazy_expunge_passed) all;
	const struct lazy_expunge_passed *passed;
	unsigned int count;
	void *value;

	hash_table_create_direct(&join->passed, default_pool, 0);
	p_array_init(&all, select->pool, 16);
	lazy_expunge_missed_read(select->luser, select->pool, &all);
	array_foreach(&all, passed) {
		if (passed->deletion == 0)
			continue;
		value = hash_table_lookup(join->passed,
					  POINTER_CAST(passed->deletion));
		count = POINTER_CAST_TO(value, unsigned int);
		hash_table_update(join->passed, POINTER_CAST(passed->deletion),
				  POINTER_CAST(count + 1));
	}
}

static void join_deinit(struct join *join)
{
	hash_table_destroy(&join->passed);
	hash_table_destroy(&join->record_idxs);
	hash_table_destroy(&join->taken);
}

/* From where the mails say they come. */
static void row_count_mails(struct join *join,
			    struct lazy_expunge_deletion_row *row)
{
	struct lazy_expunge_select *select = join->list->select;
	const struct lazy_expunge_select_mail *mail;

	p_array_init(&row->record.mails, select->pool, 1);
	for (unsigned int i = 0; i < row->there; i++) {
		mail = array_idx(&select->mails, row->first_mail + i);
		lazy_expunge_deletion_add_mails(&row->record.mails, select->pool,
			lazy_expunge_select_origin(select, mail), 1);
	}
}

/* What the mails themselves tell. */
static void row_describe(struct join *join,
			 struct lazy_expunge_deletion_row *row)
{
	struct lazy_expunge_select *select = join->list->select;
	struct lazy_expunge_deletion_record *record = &row->record;
	const struct lazy_expunge_select_mail *mail;

	record->by = record->command = "";
	record->address = record->session = "";
	p_array_init(&record->taken, select->pool, 1);
	p_array_init(&record->boxes, select->pool, 1);
	row_count_mails(join, row);
	for (unsigned int i = 0; i < row->there; i++) {
		mail = array_idx(&select->mails, row->first_mail + i);
		record->last = I_MAX(record->last, mail->saved);
		if (record->first == 0 || mail->saved < record->first)
			record->first = mail->saved;
	}
}

static const char *
guess_name(const struct lazy_expunge_deletion_row *row)
{
	const struct lazy_expunge_deletion_mails *mails =
		array_front(&row->record.mails);

	return t_strdup_printf("g%08"PRIx64"-%08x",
		(uint64_t)row->record.last,
		(uint32_t)lazy_expunge_origin_id(mails->mailbox));
}

/* The group of mails that begins at first. */
static void join_add_group(struct join *join, unsigned int first,
			   unsigned int count)
{
	struct lazy_expunge_deletions_list *list = join->list;
	struct lazy_expunge_select *select = list->select;
	const struct lazy_expunge_select_mail *mail =
		array_idx(&select->mails, first);
	const struct lazy_expunge_deletion_record *record;
	uint32_t id = mail->deletion;
	struct lazy_expunge_deletion_row *row;
	unsigned int idx;
	void *value;

	row = array_append_space(&list->rows);
	row->first_mail = first;
	row->there = count;
	value = hash_table_lookup(join->record_idxs, POINTER_CAST(id));
	if (id != 0 && value != NULL) {
		idx = POINTER_CAST_TO(value, unsigned int) - 1;
		record = array_idx(&join->records, idx);
		row->record = *record;
		row->has_record = TRUE;
		/* lines were lost, or are not written yet */
		if (count > lazy_expunge_deletion_count(record))
			row_count_mails(join, row);
		/* it is done with */
		hash_table_remove(join->record_idxs, POINTER_CAST(id));
	} else {
		row_describe(join, row);
		row->record.id = id;
	}
	row->name = p_strdup(select->pool, id == 0 ? guess_name(row) :
			     lazy_expunge_deletion_id_to_text(id));
}

static void join_add_groups(struct join *join)
{
	struct lazy_expunge_select *select = join->list->select;
	const struct lazy_expunge_select_mail *mails;
	unsigned int count, size;

	array_sort(&select->mails, mail_cmp);
	mails = array_get(&select->mails, &count);
	for (unsigned int i = 0; i < count; i += size) T_BEGIN {
		for (size = 1; i + size < count; size++) {
			if (!is_same_group(&mails[i + size - 1],
					   &mails[i + size]))
				break;
		}
		join_add_group(join, i, size);
	} T_END;
}

/* Those of which no mail is left, and restores. */
static void join_add_records(struct join *join)
{
	struct lazy_expunge_deletions_list *list = join->list;
	const struct lazy_expunge_deletion_record *record;
	struct lazy_expunge_deletion_row *row;

	array_foreach(&join->records, record) {
		if ((array_count(&record->mails) == 0 &&
		     array_count(&record->boxes) == 0) ||
		    hash_table_lookup(join->record_idxs,
				      POINTER_CAST(record->id)) == NULL)
			continue;
		row = array_append_space(&list->rows);
		row->record = *record;
		row->has_record = TRUE;
		row->name = p_strdup(list->select->pool,
			lazy_expunge_deletion_id_to_text(record->id));
	}
}

static int row_cmp(const struct lazy_expunge_deletion_row *r1,
		   const struct lazy_expunge_deletion_row *r2)
{
	if (r1->record.last != r2->record.last)
		return r1->record.last > r2->record.last ? -1 : 1;
	return strcmp(r1->name, r2->name);
}

/* How many mails of each row does the other selection have? */
static void rows_find(struct lazy_expunge_deletions_list *list,
		      const struct lazy_expunge_select *found)
{
	unsigned int boxes = array_count(&list->select->boxes);
	ARRAY_TYPE(seq_range) *uids;
	const struct lazy_expunge_select_mail *mail;
	struct lazy_expunge_deletion_row *row;

	uids = p_new(list->select->pool, ARRAY_TYPE(seq_range), boxes + 1);
	for (unsigned int i = 0; i < boxes; i++)
		p_array_init(&uids[i], list->select->pool, 16);
	array_foreach(&found->mails, mail) {
		/* one that was made meanwhile is none of theirs */
		if (mail->box < boxes)
			seq_range_array_add(&uids[mail->box], mail->uid);
	}
	array_foreach_modifiable(&list->rows, row) {
		row->found = 0;
		for (unsigned int i = 0; i < row->there; i++) {
			mail = array_idx(&list->select->mails,
					 row->first_mail + i);
			if (seq_range_exists(&uids[mail->box], mail->uid))
				row->found++;
		}
	}
}

struct lazy_expunge_deletions_list *
lazy_expunge_deletions_list(struct lazy_expunge_select *select,
			    const struct lazy_expunge_select *found)
{
	struct lazy_expunge_deletions_list *list;
	struct lazy_expunge_deletion_row *row;
	struct join join;
	void *value;

	list = p_new(select->pool, struct lazy_expunge_deletions_list, 1);
	list->select = select;
	p_array_init(&list->rows, select->pool, 32);
	i_zero(&join);
	join.list = list;
	join_init(&join);
	join_read_passed(&join);
	join_add_groups(&join);
	join_add_records(&join);
	array_foreach_modifiable(&list->rows, row) {
		value = hash_table_lookup(join.taken,
					  POINTER_CAST(row->record.id));
		row->found = row->there;
		row->restored = row->record.id == 0 ? 0 :
			POINTER_CAST_TO(value, unsigned int);
		value = hash_table_lookup(join.passed,
					  POINTER_CAST(row->record.id));
		row->passed = row->record.id == 0 ? 0 :
			POINTER_CAST_TO(value, unsigned int);
	}
	join_deinit(&join);
	if (found != NULL)
		rows_find(list, found);
	array_sort(&list->rows, row_cmp);
	return list;
}

const struct lazy_expunge_deletion_row *
lazy_expunge_deletions_find(struct lazy_expunge_deletions_list *list,
			    const char *name)
{
	const struct lazy_expunge_deletion_row *row;

	array_foreach(&list->rows, row) {
		if (strcasecmp(row->name, name) == 0)
			return row;
	}
	return NULL;
}

void lazy_expunge_deletions_select(
			const struct lazy_expunge_deletion_row *row,
			struct lazy_expunge_select_deletion *deletion_r)
{
	const struct lazy_expunge_deletion_mails *mails;

	i_zero(deletion_r);
	deletion_r->id = row->record.id;
	if (row->record.id != 0)
		return;
	mails = array_front(&row->record.mails);
	deletion_r->origin = t_strdup(mails->mailbox);
	deletion_r->first = row->record.first;
	deletion_r->last = row->record.last;
}

static bool record_is_in_range(const struct lazy_expunge_deletion_record *record,
			       const struct lazy_expunge_select_range *range)
{
	return (range->since == 0 || record->last >= range->since) &&
		(range->until == 0 || record->first <= range->until);
}

bool lazy_expunge_deletions_match(
			struct lazy_expunge_deletions_list *list,
			const struct lazy_expunge_deletion_row *row,
			const struct lazy_expunge_select_range *range)
{
	const char sep = mail_namespace_get_sep(mail_namespace_find_inbox(
				list->select->luser->user->namespaces));
	const struct lazy_expunge_deletion_mails *mails;
	const char *box;

	if (!record_is_in_range(&row->record, range))
		return FALSE;
	if (range->origins == NULL)
		return TRUE;
	array_foreach(&row->record.mails, mails) {
		if (lazy_expunge_origin_mask_match(range->origins,
						   mails->mailbox, sep))
			return TRUE;
	}
	array_foreach_elem(&row->record.boxes, box) {
		if (lazy_expunge_origin_mask_match(range->origins, box, sep))
			return TRUE;
	}
	return FALSE;
}

/* Adds the mailboxes of a deletion that the mask takes. */
static void
record_add_boxes(const struct lazy_expunge_deletion_record *record,
		 const struct lazy_expunge_origin_mask *mask, char sep,
		 ARRAY_TYPE(const_string) *boxes)
{
	const char *box;

	array_foreach_elem(&record->boxes, box) {
		if (lazy_expunge_origin_mask_match(mask, box, sep))
			array_push_back(boxes, &box);
	}
}

void lazy_expunge_deletions_boxes(struct lazy_expunge_user *luser, pool_t pool,
				  const struct lazy_expunge_select_range *range,
				  uint32_t id, ARRAY_TYPE(const_string) *boxes)
{
	const char sep = mail_namespace_get_sep(mail_namespace_find_inbox(
				luser->user->namespaces));
	ARRAY_TYPE(lazy_expunge_deletion_record) records;
	const struct lazy_expunge_deletion_record *record;

	p_array_init(&records, pool, 16);
	lazy_expunge_deletions_read(luser->user, pool, &records);
	array_foreach(&records, record) {
		if ((id == 0 || record->id == id) &&
		    record_is_in_range(record, range)) {
			record_add_boxes(record, range->origins, sep, boxes);
		}
	}
}

/* Adds those that had no other name later. */
static void
record_add_left_boxes(const struct lazy_expunge_deletion_record *record,
		      const ARRAY_TYPE(lazy_expunge_rename) *renames,
		      ARRAY_TYPE(const_string) *boxes)
{
	const struct lazy_expunge_rename *all;
	unsigned int count;
	const char *box;

	all = array_get(renames, &count);
	array_foreach_elem(&record->boxes, box) {
		if (lazy_expunge_renames_find(all, count, box,
					      record->last) == NULL)
			array_push_back(boxes, &box);
	}
}

void lazy_expunge_deletions_all_boxes(
				struct lazy_expunge_user *luser, pool_t pool,
				const struct lazy_expunge_select_range *range,
				ARRAY_TYPE(const_string) *boxes)
{
	ARRAY_TYPE(lazy_expunge_deletion_record) records;
	ARRAY_TYPE(lazy_expunge_rename) renames = ARRAY_INIT;
	const struct lazy_expunge_deletion_record *record;
	time_t expired = 0;

	p_array_init(&records, pool, 16);
	lazy_expunge_deletions_read(luser->user, pool, &records);
	array_foreach(&records, record) {
		if (array_count(&record->boxes) == 0 ||
		    !record_is_in_range(record, range))
			continue;
		if (!array_is_created(&renames)) {
			expired = lazy_expunge_missed_since(luser,
							    ioloop_time);
			p_array_init(&renames, pool, 8);
			lazy_expunge_renamed_read(luser->user, pool, &renames);
		}
		if (record->last >= expired)
			record_add_left_boxes(record, &renames, boxes);
	}
}

/* Adds the bytes of the row's mails in one mailbox. */
static int box_add_bytes(struct lazy_expunge_deletions_list *list,
			 const struct lazy_expunge_deletion_row *row,
			 unsigned int box_idx, uint64_t *bytes)
{
	const struct lazy_expunge_select_box *sbox =
		array_idx(&list->select->boxes, box_idx);
	const struct lazy_expunge_select_mail *smail;
	struct mailbox_transaction_context *t = NULL;
	struct mail *mail = NULL;
	uoff_t size;
	int ret = 0;

	for (unsigned int i = 0; i < row->there && ret == 0; i++) T_BEGIN {
		smail = array_idx(&list->select->mails, row->first_mail + i);
		if (smail->box == box_idx && t == NULL) {
			t = mailbox_transaction_begin(sbox->box, 0,
						      "lazy_expunge deletions");
			mail = mail_alloc(t, MAIL_FETCH_VIRTUAL_SIZE, NULL);
		}
		if (smail->box == box_idx && mail_set_uid(mail, smail->uid)) {
			if (mail_get_virtual_size(mail, &size) == 0)
				*bytes += size;
			else if (!mail->expunged)
				ret = -1;
		}
	} T_END;
	if (t != NULL) {
		mail_free(&mail);
		(void)mailbox_transaction_commit(&t);
	}
	return ret;
}

int lazy_expunge_deletions_bytes(struct lazy_expunge_deletions_list *list,
				 const struct lazy_expunge_deletion_row *row,
				 uint64_t *bytes_r,
				 struct lazy_expunge_error *error_r)
{
	const struct lazy_expunge_select_box *sbox;

	*bytes_r = 0;
	for (unsigned int i = 0; row->there > 0 &&
	     i < array_count(&list->select->boxes); i++) {
		if (box_add_bytes(list, row, i, bytes_r) < 0) {
			sbox = array_idx(&list->select->boxes, i);
			lazy_expunge_error_set_box(error_r, "Cannot read",
						   sbox->box);
			return -1;
		}
	}
	return 0;
}
