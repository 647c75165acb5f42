/* Origins as keywords: set when a mail is kept, taken off when it leaves. */

#include "lib.h"
#include "array.h"
#include "mail-index.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "core/origin-codec.h"
#include "account/user.h"
#include "account/storage-names.h"
#include "keep/origin.h"

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

/* The keyword for the origin in a mailbox in which it may exist already in
   another case: keywords have none, mailbox names do. */
static const char *origin_keyword(struct mail_index *index, const char *vname)
{
	const char *keyword = lazy_expunge_origin_encode(vname);
	const ARRAY_TYPE(keywords) *names;
	const char *name;
	unsigned int idx;

	if (!mail_index_keyword_lookup(index, keyword, &idx))
		return keyword;
	names = mail_index_get_keywords(index);
	name = array_idx_elem(names, idx);
	return strcmp(name, keyword) == 0 ? keyword :
		lazy_expunge_origin_encode_exact(vname);
}

static struct mail_keywords *
keywords_create(struct mail_index *index, ARRAY_TYPE(const_string) *names)
{
	if (array_count(names) == 0)
		return NULL;
	array_append_zero(names);
	/* Not mailbox_keywords_create(): mail_max_keyword_length is a limit
	   for clients, names of mailboxes are longer. */
	return mail_index_keywords_create(index, array_front(names));
}

struct mail_keywords *
lazy_expunge_origin_keywords_create(struct mailbox *dest, struct mail *mail,
				    const char *origin_vname)
{
	const char *const *keywords = mail_get_keywords(mail);
	ARRAY_TYPE(const_string) names;
	const char *keyword;

	t_array_init(&names, 8);
	for (; *keywords != NULL; keywords++) {
		if (!lazy_expunge_origin_is_keyword(*keywords))
			array_push_back(&names, keywords);
	}
	if (origin_vname != NULL) {
		keyword = origin_keyword(dest->index, origin_vname);
		array_push_back(&names, &keyword);
	}
	return keywords_create(dest->index, &names);
}

struct mail_keywords *
lazy_expunge_origin_keywords_filter(struct mailbox *box,
				    const struct mail_keywords *keywords,
				    struct mail *keep_of)
{
	const ARRAY_TYPE(keywords) *all = mail_index_get_keywords(box->index);
	ARRAY_TYPE(const_string) names;
	const char *const *kept, *name;

	t_array_init(&names, 8);
	for (unsigned int i = 0; keywords != NULL && i < keywords->count; i++) {
		name = array_idx_elem(all, keywords->idx[i]);
		if (!lazy_expunge_origin_is_keyword(name))
			array_push_back(&names, &name);
	}
	if (keep_of != NULL) {
		for (kept = mail_get_keywords(keep_of); *kept != NULL; kept++) {
			if (lazy_expunge_origin_is_keyword(*kept))
				array_push_back(&names, kept);
		}
	}
	return keywords_create(box->index, &names);
}

void lazy_expunge_origin_strip(struct mail_save_context *ctx)
{
	struct mailbox *box = ctx->transaction->box;
	struct mail_keywords *old = ctx->data.keywords;
	const ARRAY_TYPE(keywords) *all;
	bool found = FALSE;

	if (old == NULL)
		return;
	all = mail_index_get_keywords(box->index);
	for (unsigned int i = 0; i < old->count; i++) {
		if (lazy_expunge_origin_is_keyword(
				array_idx_elem(all, old->idx[i])))
			found = TRUE;
	}
	if (!found)
		return;
	T_BEGIN {
		ctx->data.keywords =
			lazy_expunge_origin_keywords_filter(box, old, NULL);
	} T_END;
	mailbox_keywords_unref(&old);
}

const char *lazy_expunge_origin_get(struct mail *mail)
{
	return lazy_expunge_origin_find(mail_get_keywords(mail));
}

const char *lazy_expunge_origin_of_tree(struct mail_namespace *ns,
					const char *vname)
{
	struct mail_namespace *inbox_ns, *source_ns;
	const char *name;

	inbox_ns = mail_namespace_find_inbox(ns->user->namespaces);
	name = lazy_expunge_origin_from_name(
			lazy_expunge_name_without_prefix(ns, vname),
			mail_namespace_get_sep(inbox_ns),
			mail_namespace_get_sep(ns));
	if (strcasecmp(name, "INBOX") == 0)
		return "INBOX";
	/* other namespaces' names have their prefix */
	source_ns = mail_namespace_find(ns->user->namespaces, name);
	if (source_ns != inbox_ns && source_ns->prefix_len > 0)
		return name;
	return t_strconcat(inbox_ns->prefix, name, NULL);
}
