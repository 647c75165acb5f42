/* Long keywords become numbers, see the header. */

#include "lib.h"
#include "array.h"
#include "mail-index.h"
#include "mail-storage-private.h"
#include "core/origin-codec.h"
#include "core/origin-id.h"
#include "account/origin-names.h"
#include "keep/origin.h"
#include "keep/origin-shorten.h"

struct shorten {
	struct mailbox_transaction_context *t;
	/* names of all keywords of the index */
	const ARRAY_TYPE(keywords) *names;
	size_t max_len;
	ARRAY_TYPE(seq_range) uids;
};

static bool is_long(const char *keyword, size_t max_len)
{
	return strlen(keyword) > max_len &&
		lazy_expunge_origin_is_keyword(keyword);
}

static bool box_has_long(struct mailbox *box, size_t max_len)
{
	const ARRAY_TYPE(keywords) *names = mail_index_get_keywords(box->index);
	const char *name;

	array_foreach_elem(names, name) {
		if (is_long(name, max_len))
			return TRUE;
	}
	return FALSE;
}

static void shorten_keyword(struct shorten *shorten, uint32_t seq,
			    const char *keyword)
{
	const char *const names[] = { keyword, NULL };
	struct mailbox_transaction_context *t = shorten->t;
	struct mail_keywords *keywords;
	const char *vname;
	uint32_t uid;

	if (!lazy_expunge_origin_decode(keyword, &vname))
		return;
	lazy_expunge_origin_names_add(lazy_expunge_origin_owner(t->box), vname);
	lazy_expunge_origin_set_id(t, seq, lazy_expunge_origin_id(vname));
	keywords = mail_index_keywords_create(t->box->index, names);
	mail_index_update_keywords(t->itrans, seq, MODIFY_REMOVE, keywords);
	mailbox_keywords_unref(&keywords);
	mail_index_lookup_uid(t->view, seq, &uid);
	seq_range_array_add(&shorten->uids, uid);
}

static void shorten_mail(struct shorten *shorten, uint32_t seq)
{
	ARRAY_TYPE(keyword_indexes) indexes;
	unsigned int idx;
	const char *name;

	t_array_init(&indexes, 8);
	mail_index_lookup_keywords(shorten->t->view, seq, &indexes);
	array_foreach_elem(&indexes, idx) {
		name = array_idx_elem(shorten->names, idx);
		if (is_long(name, shorten->max_len)) {
			shorten_keyword(shorten, seq, name);
			break;
		}
	}
}

void lazy_expunge_origin_shorten(struct mailbox *box, size_t max_len)
{
	struct shorten shorten = {
		.names = mail_index_get_keywords(box->index),
		.max_len = max_len,
	};
	uint32_t count;

	if (!box_has_long(box, max_len))
		return;
	i_array_init(&shorten.uids, 16);
	shorten.t = mailbox_transaction_begin(box, 0, "lazy_expunge origins");
	count = mail_index_view_get_messages_count(shorten.t->view);
	for (uint32_t seq = 1; seq <= count; seq++) T_BEGIN {
		shorten_mail(&shorten, seq);
	} T_END;
	if (mailbox_transaction_commit(&shorten.t) == 0 &&
	    array_count(&shorten.uids) > 0)
		lazy_expunge_origin_write_names(box, &shorten.uids);
	array_free(&shorten.uids);
}
