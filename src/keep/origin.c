/* Origins: set when a mail is kept, read, and taken off when it leaves. */

#include "lib.h"
#include "array.h"
#include "mail-cache.h"
#include "mail-index.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "core/origin-id.h"
#include "core/origin-codec.h"
#include "account/origin-names.h"
#include "formats/format.h"
#include "formats/save-date.h"
#include "account/user.h"
#include "account/storage-names.h"
#include "formats/origin-fname.h"
#include "keep/deletion-id.h"
#include "keep/origin.h"

#define ORIGIN_EXT_NAME "lazy_expunge_origin"

const char *lazy_expunge_origin_vname(struct mailbox *source)
{
	struct mail_namespace *ns = mailbox_get_namespace(source);
	const char *vname = mailbox_get_vname(source);

	if (ns->type != MAIL_NAMESPACE_TYPE_SHARED)
		return vname;
	if (source->inbox_any)
		return "INBOX";
	return lazy_expunge_name_without_prefix(ns, vname);
}

/* The record of the index, and the field of the cache file. */
struct origin_record {
	uint32_t id[2];
};

static void record_set(struct origin_record *rec, uint64_t id)
{
	rec->id[0] = id >> 32;
	rec->id[1] = (uint32_t)id;
}

static uint64_t record_get(const struct origin_record *rec)
{
	return (uint64_t)rec->id[0] << 32 | rec->id[1];
}

static uint32_t origin_ext_register(struct mailbox *box)
{
	return mail_index_ext_register(box->index, ORIGIN_EXT_NAME, 0,
				       sizeof(struct origin_record),
				       sizeof(uint32_t));
}

static unsigned int origin_cache_register(struct mailbox *box)
{
	return lazy_expunge_cache_field_register(box, "lazy_expunge.origin",
						 sizeof(struct origin_record));
}

static bool box_is_maildir(struct mailbox *box)
{
	return lazy_expunge_box_format(box) == LAZY_EXPUNGE_FORMAT_MAILDIR;
}

void lazy_expunge_origin_keep_field(struct mailbox *box)
{
	if (!box_is_maildir(box))
		(void)origin_cache_register(box);
}

struct mail_user *lazy_expunge_origin_owner(struct mailbox *box)
{
	struct mail_namespace *ns = mailbox_get_namespace(box);

	return ns->owner != NULL ? ns->owner : ns->user;
}

void lazy_expunge_origin_set_id(struct mailbox_transaction_context *t,
				uint32_t seq, uint64_t id)
{
	struct origin_record rec;

	record_set(&rec, id);
	mail_index_update_ext(t->itrans, seq, origin_ext_register(t->box),
			      &rec, NULL);
	if (!box_is_maildir(t->box)) {
		mail_cache_add(t->cache_trans, seq,
			       origin_cache_register(t->box), &rec,
			       sizeof(rec));
	}
}

static struct mail_keywords *
keywords_create(struct mail_index *index, ARRAY_TYPE(const_string) *names)
{
	if (array_count(names) == 0)
		return NULL;
	array_append_zero(names);
	/* Not mailbox_keywords_create(): mail_max_keyword_length is a limit
	   for clients. */
	return mail_index_keywords_create(index, array_front(names));
}

/* The names of the keywords. Data stack. */
static const char *const *
keywords_names(struct mailbox *box, const struct mail_keywords *keywords)
{
	const ARRAY_TYPE(keywords) *all = mail_index_get_keywords(box->index);
	ARRAY_TYPE(const_string) names;
	const char *name;

	t_array_init(&names, 8);
	for (unsigned int i = 0; keywords != NULL && i < keywords->count; i++) {
		name = array_idx_elem(all, keywords->idx[i]);
		array_push_back(&names, &name);
	}
	array_append_zero(&names);
	return array_front(&names);
}

static const char *const *
indexes_names(struct mailbox *box, const ARRAY_TYPE(keyword_indexes) *indexes)
{
	const ARRAY_TYPE(keywords) *all = mail_index_get_keywords(box->index);
	ARRAY_TYPE(const_string) names;
	const char *name;
	unsigned int idx;

	t_array_init(&names, 8);
	array_foreach_elem(indexes, idx) {
		name = array_idx_elem(all, idx);
		array_push_back(&names, &name);
	}
	array_append_zero(&names);
	return array_front(&names);
}

static bool names_have_origin(const char *const *names)
{
	for (; *names != NULL; names++) {
		if (lazy_expunge_origin_is_keyword(*names))
			return TRUE;
	}
	return FALSE;
}

struct mail_keywords *
lazy_expunge_origin_keywords_create(
			struct mailbox *dest, struct mail *mail,
			const struct lazy_expunge_origin_carrier *carrier)
{
	ARRAY_TYPE(const_string) names;

	t_array_init(&names, 8);
	lazy_expunge_origin_append_others(&names, mail_get_keywords(mail));
	if (carrier != NULL && carrier->keyword != NULL)
		array_push_back(&names, &carrier->keyword);
	if (carrier != NULL && carrier->via != NULL)
		array_push_back(&names, &carrier->via);
	return keywords_create(dest->index, &names);
}

struct mail_keywords *
lazy_expunge_origin_keywords_filter(struct mailbox *box,
				    const struct mail_keywords *keywords,
				    struct mail *keep_of)
{
	const char *const *kept;
	ARRAY_TYPE(keyword_indexes) old;
	ARRAY_TYPE(const_string) names;

	t_array_init(&names, 8);
	lazy_expunge_origin_append_others(&names, keywords_names(box, keywords));
	if (keep_of != NULL) {
		/* those that are in the index, not as they are shown */
		t_array_init(&old, 8);
		mail_index_lookup_keywords(keep_of->transaction->view,
					   keep_of->seq, &old);
		for (kept = indexes_names(box, &old); *kept != NULL; kept++) {
			if (lazy_expunge_origin_is_keyword(*kept))
				array_push_back(&names, kept);
		}
	}
	return keywords_create(box->index, &names);
}

static void save_set_keywords(struct mail_save_context *ctx,
			      struct mail_keywords *keywords)
{
	if (ctx->data.keywords != NULL)
		mailbox_keywords_unref(&ctx->data.keywords);
	ctx->data.keywords = keywords;
}

void lazy_expunge_origin_strip(struct mail_save_context *ctx)
{
	struct mailbox *box = ctx->transaction->box;

	if (ctx->data.keywords == NULL)
		return;
	T_BEGIN {
		if (names_have_origin(keywords_names(box,
						     ctx->data.keywords))) {
			save_set_keywords(ctx,
				lazy_expunge_origin_keywords_filter(box,
						ctx->data.keywords, NULL));
		}
	} T_END;
}

const char *
lazy_expunge_origin_of_keywords(struct mailbox *box,
				const struct mail_keywords *keywords)
{
	return lazy_expunge_origin_find(keywords_names(box, keywords));
}

uint32_t
lazy_expunge_origin_deletion_of_keywords(struct mailbox *box,
					 const struct mail_keywords *keywords)
{
	return lazy_expunge_origin_find_deletion(keywords_names(box, keywords));
}

const char *lazy_expunge_origin_take(struct mail_save_context *ctx,
				     const char **via_r, uint32_t *deletion_r)
{
	const char *const *names, *vname;

	*via_r = NULL;
	*deletion_r = 0;
	if (ctx->data.keywords == NULL)
		return NULL;
	names = keywords_names(ctx->transaction->box, ctx->data.keywords);
	vname = lazy_expunge_origin_find(names);
	*via_r = lazy_expunge_origin_find_via(names);
	*deletion_r = lazy_expunge_origin_find_deletion(names);
	lazy_expunge_origin_strip(ctx);
	return vname;
}

void lazy_expunge_origin_put_keywords(
			struct mail_save_context *ctx,
			const struct lazy_expunge_origin_carrier *carrier)
{
	struct mailbox *box = ctx->transaction->box;
	ARRAY_TYPE(const_string) names;
	const char *const *old;

	t_array_init(&names, 8);
	for (old = keywords_names(box, ctx->data.keywords); *old != NULL; old++)
		array_push_back(&names, old);
	if (carrier->keyword != NULL)
		array_push_back(&names, &carrier->keyword);
	if (carrier->via != NULL)
		array_push_back(&names, &carrier->via);
	save_set_keywords(ctx, keywords_create(box->index, &names));
}

/* The number that the index has, 0 if none. */
static uint64_t origin_id_indexed(struct mail *mail)
{
	struct origin_record rec;
	const void *data;
	uint32_t ext_id;

	if (!mail_index_ext_lookup(mail->box->index, ORIGIN_EXT_NAME, &ext_id))
		return 0;
	mail_index_lookup_ext(mail->transaction->view, mail->seq, ext_id,
			      &data, NULL);
	if (data == NULL)
		return 0;
	memcpy(&rec, data, sizeof(rec));
	return record_get(&rec);
}

/* The number when the index has lost it, 0 if none. */
static uint64_t origin_id_elsewhere(struct mail *mail)
{
	struct origin_record rec;
	buffer_t buf;

	if (box_is_maildir(mail->box))
		return lazy_expunge_origin_fname_read(mail, NULL);
	buffer_create_from_data(&buf, &rec, sizeof(rec));
	if (mail_cache_lookup_field(mail->transaction->cache_view, &buf,
				    mail->seq,
				    origin_cache_register(mail->box)) <= 0 ||
	    buf.used != sizeof(rec))
		return 0;
	return record_get(&rec);
}

const char *lazy_expunge_origin_get_by(struct mail *mail,
				       const char *const *keywords)
{
	struct mail_user *owner = lazy_expunge_origin_owner(mail->box);
	uint64_t id = origin_id_indexed(mail);
	const char *vname = NULL;

	if (id != 0)
		vname = lazy_expunge_origin_names_find(owner, id);
	if (vname == NULL)
		vname = lazy_expunge_origin_find(keywords);
	if (vname == NULL && id == 0) {
		id = origin_id_elsewhere(mail);
		if (id != 0)
			vname = lazy_expunge_origin_names_find(owner, id);
	}
	return vname;
}

const char *lazy_expunge_origin_get(struct mail *mail)
{
	return lazy_expunge_origin_get_by(mail, mail_get_keywords(mail));
}

const char *lazy_expunge_origin_get_via(struct mail *mail)
{
	return lazy_expunge_origin_find_via(mail_get_keywords(mail));
}

void lazy_expunge_origin_catch_up(struct mailbox_transaction_context *t,
				  struct mail *mail)
{
	uint32_t deletion;
	uint64_t id;

	if (!box_is_maildir(t->box))
		return;
	id = lazy_expunge_origin_fname_read(mail, &deletion);
	if (id != 0 && origin_id_indexed(mail) == 0)
		lazy_expunge_origin_set_id(t, mail->seq, id);
	lazy_expunge_deletion_id_catch_up(t, mail, deletion);
}

void lazy_expunge_origin_write_names(struct mailbox *box,
				     const ARRAY_TYPE(seq_range) *uids)
{
	struct mail_index_view *view;
	struct seq_range_iter iter;
	struct origin_record rec;
	const void *data;
	uint32_t ext_id, uid, seq;
	unsigned int n = 0;

	if (!box_is_maildir(box) ||
	    !mail_index_ext_lookup(box->index, ORIGIN_EXT_NAME, &ext_id) ||
	    mail_index_refresh(box->index) < 0)
		return;
	view = mail_index_view_open(box->index);
	seq_range_array_iter_init(&iter, uids);
	while (seq_range_array_iter_nth(&iter, n++, &uid)) {
		if (!mail_index_lookup_seq(view, uid, &seq))
			continue;
		mail_index_lookup_ext(view, seq, ext_id, &data, NULL);
		if (data == NULL)
			continue;
		memcpy(&rec, data, sizeof(rec));
		if (record_get(&rec) != 0) {
			lazy_expunge_origin_fname_write(box, uid,
							record_get(&rec));
		}
	}
	mail_index_view_close(&view);
}

const char *
lazy_expunge_origin_of_tree(const struct lazy_expunge_storage *storage,
			    const char *vname)
{
	struct mail_namespace *ns = storage->ns, *inbox_ns, *source_ns;
	const char *name = lazy_expunge_name_without_prefix(ns, vname);

	if (storage->root &&
	    strcmp(vname, lazy_expunge_storage_vname(storage)) == 0)
		return NULL;
	if (storage->tree) {
		name = lazy_expunge_storage_own_name(storage, ns->list, name);
		name = name == NULL ? NULL :
			lazy_expunge_storage_tree_source(storage, name);
	}
	if (name == NULL)
		return NULL;
	inbox_ns = mail_namespace_find_inbox(ns->user->namespaces);
	name = lazy_expunge_origin_from_name(name,
			mail_namespace_get_sep(inbox_ns),
			mail_namespace_get_sep(ns));
	/* its name is the whole one */
	if (storage->tree)
		return name;
	if (strcasecmp(name, "INBOX") == 0)
		return "INBOX";
	/* other namespaces' names have their prefix */
	source_ns = mail_namespace_find(ns->user->namespaces, name);
	if (source_ns != inbox_ns && source_ns->prefix_len > 0)
		return name;
	return t_strconcat(inbox_ns->prefix, name, NULL);
}
