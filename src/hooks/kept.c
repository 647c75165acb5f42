/* Mails of the storage: whatever carries a mail's origin, it is
   shown as one keyword, and what comes with such a keyword is kept as it suits
   the storage. Users are shown the name now of a mailbox that was renamed, too.
   For dsync the keyword is in parts where it would be too long. */

#include "lib.h"
#include "array.h"
#include "mail-index.h"
#include "mail-storage-private.h"
#include "formats/letters.h"
#include "keep/deletion-id.h"
#include "keep/origin.h"
#include "keep/origin-carrier.h"
#include "keep/origin-shorten.h"
#include "core/origin-codec.h"
#include "core/origin-id.h"
#include "account/origin-names.h"
#include "account/storages.h"
#include "hooks/context.h"
#include "hooks/kept.h"
#include "hooks/kept-now.h"

static size_t max_keyword_length(struct mailbox *box)
{
	size_t len = box->storage->set->mail_max_keyword_length;

	return len >= LAZY_EXPUNGE_ORIGIN_MAX_KEYWORD ?
		LAZY_EXPUNGE_ORIGIN_MAX_KEYWORD :
		I_MAX(len, LAZY_EXPUNGE_ORIGIN_MIN_KEYWORD);
}

/* TRUE if the keywords have this origin alone, in a keyword of this length at
   most. */
static bool keywords_show(const char *const *keywords, const char *origin,
			  size_t max_len)
{
	const char *vname;
	bool found = FALSE;

	for (; *keywords != NULL; keywords++) {
		if (!lazy_expunge_origin_is_keyword(*keywords) ||
		    lazy_expunge_origin_is_via(*keywords))
			continue;
		if (found || strlen(*keywords) > max_len ||
		    !lazy_expunge_origin_decode(*keywords, &vname) ||
		    strcmp(vname, origin) != 0)
			return FALSE;
		found = TRUE;
	}
	return found;
}

/* FALSE if another keyword is known that differs in case alone. */
static bool keyword_can_show(struct mailbox *box, const char *keyword)
{
	const char *known;
	unsigned int idx;

	if (!mail_index_keyword_lookup(box->index, keyword, &idx))
		return TRUE;
	known = array_idx_elem(mail_index_get_keywords(box->index), idx);
	return strcmp(known, keyword) == 0;
}

static void add_origin(struct mailbox *box, const char *origin,
		       ARRAY_TYPE(const_string) *shown)
{
	const char *keyword = lazy_expunge_origin_encode(origin);

	if (!keyword_can_show(box, keyword))
		keyword = lazy_expunge_origin_encode_exact(origin);
	array_push_back(shown, &keyword);
}

static void add_now(struct mailbox *box, const char *now,
		    ARRAY_TYPE(const_string) *shown)
{
	const char *keyword = lazy_expunge_origin_encode_now(now);

	if (!keyword_can_show(box, keyword))
		keyword = lazy_expunge_origin_encode_now_exact(now);
	array_push_back(shown, &keyword);
}

static const char *const *
keywords_with_origin(struct mail *mail, const char *const *keywords)
{
	struct mail_private *pmail = (struct mail_private *)mail;
	struct lazy_expunge_mailbox *lbox =
		LAZY_EXPUNGE_CONTEXT_REQUIRE(mail->box);
	bool dsyncing = lbox->luser->user->dsyncing;
	size_t max_len = dsyncing ? max_keyword_length(mail->box) : SIZE_MAX;
	const char *origin = lazy_expunge_origin_get_by(mail, keywords);
	uint32_t deletion = dsyncing ? lazy_expunge_deletion_id_get(mail) : 0;
	const char *now = lazy_expunge_kept_now(mail, origin);
	const char *keyword;
	ARRAY_TYPE(const_string) shown;

	if (deletion == 0 && now == NULL &&
	    (origin == NULL || keywords_show(keywords, origin, max_len)))
		return keywords;
	t_array_init(&shown, 8);
	for (; *keywords != NULL; keywords++) {
		if (!lazy_expunge_origin_is_keyword(*keywords) ||
		    lazy_expunge_origin_is_via(*keywords))
			array_push_back(&shown, keywords);
	}
	if (deletion != 0) {
		keyword = lazy_expunge_origin_encode_deletion(deletion);
		array_push_back(&shown, &keyword);
	}
	if (origin == NULL)
		; /* the number alone, or the mailbox tells it */
	else if (dsyncing) {
		/* to where another origin may differ in case alone */
		lazy_expunge_origin_encode_parts(origin, max_len, &shown);
	} else
		add_origin(mail->box, origin, &shown);
	if (now != NULL)
		add_now(mail->box, now, &shown);
	array_append_zero(&shown);
	return (const char *const *)p_strarray_dup(pmail->data_pool,
						   array_front(&shown));
}

static const char *const *kept_get_keywords(struct mail *mail)
{
	struct mail_private *pmail = (struct mail_private *)mail;
	struct lazy_expunge_mail *lmail =
		LAZY_EXPUNGE_MAIL_CONTEXT_REQUIRE(pmail);
	const char *const *keywords;

	if (lmail->keywords != NULL)
		return lmail->keywords;
	lmail->keywords_reading = TRUE;
	keywords = lmail->module_ctx.super.get_keywords(mail);
	lmail->keywords_reading = FALSE;
	T_BEGIN {
		lmail->keywords = keywords_with_origin(mail, keywords);
	} T_END;
	lmail->keywords_differ = lmail->keywords != keywords;
	return lmail->keywords;
}

/* IMAP shows keywords by their number. What has none in the index gets one in
   memory, which is not written. */
static const ARRAY_TYPE(keyword_indexes) *
kept_get_keyword_indexes(struct mail *mail)
{
	struct mail_private *pmail = (struct mail_private *)mail;
	struct lazy_expunge_mail *lmail =
		LAZY_EXPUNGE_MAIL_CONTEXT_REQUIRE(pmail);
	const char *const *keywords;
	ARRAY_TYPE(keyword_indexes) *indexes;
	unsigned int idx;

	if (lmail->keywords_reading)
		return lmail->module_ctx.super.get_keyword_indexes(mail);
	keywords = kept_get_keywords(mail);
	if (!lmail->keywords_differ)
		return lmail->module_ctx.super.get_keyword_indexes(mail);
	indexes = p_new(pmail->data_pool, ARRAY_TYPE(keyword_indexes), 1);
	p_array_init(indexes, pmail->data_pool, 8);
	for (; *keywords != NULL; keywords++) {
		mail_index_keyword_lookup_or_create(mail->box->index, *keywords,
						    &idx);
		array_push_back(indexes, &idx);
	}
	return indexes;
}

static void kept_close(struct mail *mail)
{
	struct mail_private *pmail = (struct mail_private *)mail;
	struct lazy_expunge_mail *lmail =
		LAZY_EXPUNGE_MAIL_CONTEXT_REQUIRE(pmail);

	lmail->keywords = NULL;
	lmail->module_ctx.super.close(mail);
}

/* dsync tells of the origin that the mail has on the other side. */
static void kept_add_origin(struct mail *mail, enum modify_type modify_type,
			    struct mail_keywords *keywords)
{
	const char *origin, *old;
	uint32_t deletion;

	if (modify_type == MODIFY_REMOVE)
		return;
	deletion = lazy_expunge_origin_deletion_of_keywords(mail->box,
							    keywords);
	if (deletion != lazy_expunge_deletion_id_get(mail)) {
		lazy_expunge_deletion_id_set(mail->transaction, mail->seq,
					     deletion);
	}
	origin = lazy_expunge_origin_of_keywords(mail->box, keywords);
	if (origin == NULL)
		return;
	old = lazy_expunge_origin_get(mail);
	if (old != NULL && strcmp(old, origin) == 0)
		return;
	lazy_expunge_origin_names_add(lazy_expunge_origin_owner(mail->box),
				      origin);
	lazy_expunge_origin_set_id(mail->transaction, mail->seq,
				   lazy_expunge_origin_id(origin));
}

/* Whoever flags mail sends back the keywords that were shown. Only an
   administrator may take an origin off, or set one. */
static void kept_update_keywords(struct mail *mail,
				 enum modify_type modify_type,
				 struct mail_keywords *keywords)
{
	struct mail_private *pmail = (struct mail_private *)mail;
	struct lazy_expunge_mail *lmail =
		LAZY_EXPUNGE_MAIL_CONTEXT_REQUIRE(pmail);
	struct lazy_expunge_mailbox *lbox =
		LAZY_EXPUNGE_CONTEXT_REQUIRE(mail->box);
	struct mail_keywords *filtered;

	if (lbox->luser->by_admin) T_BEGIN {
		kept_add_origin(mail, modify_type, keywords);
	} T_END;
	lmail->keywords = NULL;
	if (lbox->luser->by_admin && !lbox->luser->user->dsyncing &&
	    modify_type != MODIFY_ADD) {
		lmail->module_ctx.super.update_keywords(mail, modify_type,
							keywords);
		return;
	}
	T_BEGIN {
		filtered = lazy_expunge_origin_keywords_filter(mail->box,
			keywords, modify_type == MODIFY_REPLACE ? mail : NULL);
	} T_END;
	if (filtered == NULL && modify_type == MODIFY_REPLACE)
		filtered = mail_index_keywords_create(mail->box->index, NULL);
	if (filtered != NULL) {
		lmail->module_ctx.super.update_keywords(mail, modify_type,
							filtered);
		mailbox_keywords_unref(&filtered);
	}
	/* what was read for the filter is old */
	lmail->keywords = NULL;
}

void lazy_expunge_kept_opened(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);

	if (lbox->storage == NULL ||
	    !lazy_expunge_storage_has_origins(lbox->storage))
		return;
	lazy_expunge_origin_keep_field(box);
	if (lbox->luser->user->dsyncing)
		lazy_expunge_origin_shorten(box, max_keyword_length(box));
}

void lazy_expunge_kept_mail_allocated(struct mail_vfuncs *v)
{
	v->get_keywords = kept_get_keywords;
	v->get_keyword_indexes = kept_get_keyword_indexes;
	v->close = kept_close;
	v->update_keywords = kept_update_keywords;
}

void lazy_expunge_kept_copy_begin(struct mail_save_context *ctx,
				  struct mail *mail)
{
	const char *const *keywords, *const *name;

	if (ctx->data.keywords != NULL && ctx->data.keywords->count > 0)
		return;
	keywords = mail_get_keywords(mail);
	for (name = keywords; *name != NULL; name++) {
		if (lazy_expunge_origin_is_keyword(*name) &&
		    strlen(*name) > max_keyword_length(mail->box))
			break;
	}
	if (*name == NULL)
		return;
	if (ctx->data.keywords != NULL)
		mailbox_keywords_unref(&ctx->data.keywords);
	ctx->data.keywords =
		mail_index_keywords_create(ctx->transaction->box->index,
					   keywords);
}

void lazy_expunge_kept_save_begin(struct mail_save_context *ctx,
				  struct lazy_expunge_kept_numbers *numbers_r)
{
	struct mailbox *box = ctx->transaction->box;
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	struct lazy_expunge_origin_carriers *carriers;
	const struct lazy_expunge_origin_carrier *carrier;
	const char *origin, *via;

	i_zero(numbers_r);
	T_BEGIN {
		origin = lazy_expunge_origin_take(ctx, &via,
						  &numbers_r->deletion);
		if (origin != NULL) {
			if (lbox->letters == NULL)
				lbox->letters = lazy_expunge_letters_init(box);
			carriers = lazy_expunge_origin_carriers_init(box,
						lbox->letters, origin, via);
			carrier = lazy_expunge_origin_carrier_for_save(carriers);
			lazy_expunge_origin_put_keywords(ctx, carrier);
			numbers_r->origin = carrier->id;
			lazy_expunge_origin_carriers_deinit(&carriers);
		}
	} T_END;
}

void lazy_expunge_kept_saved(struct mail_save_context *ctx,
			     const struct lazy_expunge_kept_numbers *numbers)
{
	if (ctx->dest_mail == NULL)
		return;
	if (numbers->origin != 0) {
		lazy_expunge_origin_set_id(ctx->transaction,
					   ctx->dest_mail->seq,
					   numbers->origin);
	}
	lazy_expunge_deletion_id_set(ctx->transaction, ctx->dest_mail->seq,
				     numbers->deletion);
}

void lazy_expunge_kept_committed(
	struct mailbox *box,
	const struct mail_transaction_commit_changes *changes)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);

	if (lbox->storage != NULL &&
	    array_is_created(&changes->saved_uids) &&
	    array_count(&changes->saved_uids) > 0)
		lazy_expunge_origin_write_names(box, &changes->saved_uids);
}
