/* The latest committed state of a mailbox: its index and the expunges that
   wait in the transaction log. */

#include "lib.h"
#include "array.h"
#include "seq-range-array.h"
#include "mail-index-private.h"
#include "mail-index-view-private.h"
#include "mail-transaction-log.h"
#include "mail-storage-private.h"
#include "compat/dovecot.h"
#include "formats/live.h"

struct lazy_expunge_live {
	struct mail_index_view *view;
	/* UIDs whose expunge is requested in the log */
	ARRAY_TYPE(seq_range) requested;
};

static void requested_add(struct lazy_expunge_live *live,
			  const struct mail_transaction_header *hdr,
			  const void *data)
{
	unsigned int type = hdr->type & MAIL_TRANSACTION_TYPE_MASK;

	/* external ones are already in the index */
	if ((hdr->type & MAIL_TRANSACTION_EXTERNAL) != 0)
		return;
	if ((type & MAIL_TRANSACTION_EXPUNGE_GUID) != 0) {
		const struct mail_transaction_expunge_guid *rec = data;

		for (unsigned int i = 0; i < hdr->size / sizeof(*rec); i++)
			seq_range_array_add(&live->requested, rec[i].uid);
	} else if ((type & MAIL_TRANSACTION_EXPUNGE) != 0) {
		const struct mail_transaction_expunge *rec = data;

		for (unsigned int i = 0; i < hdr->size / sizeof(*rec); i++) {
			seq_range_array_add_range(&live->requested,
						  rec[i].uid1, rec[i].uid2);
		}
	}
}

static int requested_read(struct lazy_expunge_live *live,
			  struct mail_index *index, const char **error_r)
{
	const struct mail_index_header *hdr = mail_index_get_header(live->view);
	const struct mail_transaction_header *log_hdr;
	struct mail_transaction_log_view *log_view;
	const void *data;
	bool reset;
	int ret;

	log_view = mail_transaction_log_view_open(index->log);
	ret = mail_transaction_log_view_set(log_view, hdr->log_file_seq,
					    hdr->log_file_tail_offset,
					    UINT32_MAX, UOFF_T_MAX,
					    &reset, error_r);
	if (ret > 0) {
		while ((ret = mail_transaction_log_view_next(log_view, &log_hdr,
							     &data)) > 0)
			requested_add(live, log_hdr, data);
		if (ret < 0)
			*error_r = "Transaction log is corrupted";
	} else if (ret == 0) {
		ret = -1;
	} else {
		*error_r = lazy_expunge_compat_index_error(index);
	}
	mail_transaction_log_view_close(&log_view);
	return ret;
}

struct lazy_expunge_live *
lazy_expunge_live_init(struct mailbox *box, const char **error_r)
{
	struct lazy_expunge_live *live;

	if (mail_index_refresh(box->index) < 0) {
		*error_r = lazy_expunge_compat_index_error(box->index);
		return NULL;
	}
	live = i_new(struct lazy_expunge_live, 1);
	live->view = mail_index_view_open(box->index);
	i_array_init(&live->requested, 16);
	if (requested_read(live, box->index, error_r) < 0)
		lazy_expunge_live_deinit(&live);
	return live;
}

bool lazy_expunge_live_has(struct lazy_expunge_live *live, uint32_t uid)
{
	uint32_t seq;

	return mail_index_lookup_seq(live->view, uid, &seq) &&
		!seq_range_exists(&live->requested, uid);
}

uint32_t lazy_expunge_live_next_uid(struct lazy_expunge_live *live)
{
	return mail_index_get_header(live->view)->next_uid;
}

void lazy_expunge_live_deinit(struct lazy_expunge_live **_live)
{
	struct lazy_expunge_live *live = *_live;

	if (live == NULL)
		return;
	*_live = NULL;
	mail_index_view_close(&live->view);
	array_free(&live->requested);
	i_free(live);
}
