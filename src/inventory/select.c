/* Selection: finds mails in the mailboxes that it has. */

#include "lib.h"
#include "array.h"
#include "hash.h"
#include "str.h"
#include "mail-namespace.h"
#include "mail-search.h"
#include "mail-storage-private.h"
#include "compat/dovecot.h"
#include "keep/deletion-id.h"
#include "keep/origin.h"
#include "core/origin-codec.h"
#include "core/origin-mask.h"
#include "core/retention-rules.h"
#include "account/storages.h"
#include "inventory/select.h"

/* So many origins are offered in the place of one that is not there. */
#define SELECT_NEAR_ORIGINS 3

struct select_find {
	struct lazy_expunge_select *select;
	const struct lazy_expunge_select_range *range;
	/* those of the range, as they are shown */
	const struct lazy_expunge_origin_mask *origins_wanted;
	HASH_TABLE(const char *, void *) origins;
};

/* Returns the index of the origin, 0 for none. */
static unsigned int select_origin_idx(struct select_find *find,
				      const char *origin)
{
	struct lazy_expunge_select *select = find->select;
	void *value;
	unsigned int idx;

	if (origin == NULL || *origin == '\0')
		return 0;
	value = hash_table_lookup(find->origins, origin);
	if (value != NULL)
		return POINTER_CAST_TO(value, unsigned int);
	origin = p_strdup(select->pool, origin);
	array_push_back(&select->origins, &origin);
	idx = array_count(&select->origins) - 1;
	hash_table_insert(find->origins, origin, POINTER_CAST(idx));
	return idx;
}

static bool is_in_range(const struct lazy_expunge_select_range *range,
			time_t saved)
{
	return (range->since == 0 || saved >= range->since) &&
		(range->until == 0 || saved <= range->until);
}

const char *
lazy_expunge_select_shown(const struct lazy_expunge_select *select,
		    const char *origin)
{
	struct mail_namespace *ns = mail_namespace_find_inbox(
					select->luser->user->namespaces);

	return lazy_expunge_compat_name_normalize(ns->list, origin);
}

const struct lazy_expunge_origin_mask *
lazy_expunge_select_shown_mask(const struct lazy_expunge_select *select,
		  const struct lazy_expunge_origin_mask *mask)
{
	struct lazy_expunge_origin_mask *shown;
	const char **names;
	unsigned int count;

	if (mask == NULL || mask->names == NULL)
		return mask;
	count = str_array_length(mask->names);
	names = p_new(select->pool, const char *, count + 1);
	for (unsigned int i = 0; i < count; i++) {
		names[i] = p_strdup(select->pool,
			lazy_expunge_select_shown(select, mask->names[i]));
	}
	shown = p_new(select->pool, struct lazy_expunge_origin_mask, 1);
	shown->names = names;
	shown->below = mask->below;
	return shown;
}

static char select_separator(const struct lazy_expunge_select *select)
{
	return mail_namespace_get_sep(
		mail_namespace_find_inbox(select->luser->user->namespaces));
}

bool lazy_expunge_select_match(const struct lazy_expunge_select *select,
			       const struct lazy_expunge_origin_mask *mask,
			       const char *origin, const char *via)
{
	const char separator = select_separator(select);

	return lazy_expunge_origin_mask_match(mask, origin, separator) ||
		(via != NULL &&
		 lazy_expunge_origin_mask_match(mask, via, separator));
}

static bool
is_of_deletion(const struct lazy_expunge_select_deletion *deletion,
	       uint32_t id, const char *origin, time_t saved)
{
	if (deletion == NULL || deletion->id != 0)
		return deletion == NULL || deletion->id == id;
	return id == 0 && saved >= deletion->first &&
		saved <= deletion->last &&
		strcmp(origin == NULL ? "" : origin, deletion->origin) == 0;
}

static int select_find_mail(struct select_find *find, unsigned int box_idx,
			    struct mail *mail)
{
	struct lazy_expunge_select *select = find->select;
	const struct lazy_expunge_select_box *sbox =
		array_idx(&select->boxes, box_idx);
	struct lazy_expunge_select_mail *smail;
	const char *recorded = lazy_expunge_origin_get(mail), *origin = NULL;
	const char *via = lazy_expunge_origin_get_via(mail);
	time_t saved = 0;
	uint32_t deletion;

	if (recorded == NULL)
		recorded = sbox->origin;
	if (recorded != NULL)
		origin = lazy_expunge_select_shown(select, recorded);
	if (via != NULL)
		via = lazy_expunge_select_shown(select, via);
	if (!lazy_expunge_select_match(select, find->origins_wanted, origin,
				       via))
		return 0;
	if (mail_get_save_date(mail, &saved) < 0) {
		/* gone meanwhile */
		if (mail->expunged)
			return 0;
		return -1;
	}
	deletion = lazy_expunge_deletion_id_get(mail);
	if (!is_in_range(find->range, saved) ||
	    !is_of_deletion(find->range->deletion, deletion, origin, saved))
		return 0;
	smail = array_append_space(&select->mails);
	smail->saved = saved;
	smail->uid = mail->uid;
	smail->box = box_idx;
	smail->origin = select_origin_idx(find, origin);
	smail->recorded = select_origin_idx(find, recorded);
	smail->via = select_origin_idx(find, via);
	smail->deletion = deletion;
	return 0;
}

static int select_find_box(struct select_find *find, unsigned int box_idx,
			   struct mail_search_args *args,
			   struct lazy_expunge_error *error_r)
{
	const struct lazy_expunge_select_box *sbox =
		array_idx(&find->select->boxes, box_idx);
	struct mailbox_transaction_context *t;
	struct mail_search_context *search;
	struct mail *mail;
	int ret = 0;

	mail_search_args_init(args, sbox->box, FALSE, NULL);
	t = mailbox_transaction_begin(sbox->box, 0, "lazy_expunge");
	search = mailbox_search_init(t, args, NULL,
				     MAIL_FETCH_SAVE_DATE, NULL);
	while (ret == 0 && mailbox_search_next(search, &mail)) T_BEGIN {
		ret = select_find_mail(find, box_idx, mail);
	} T_END;
	if (ret < 0) {
		lazy_expunge_error_set_box(error_r, "Cannot read mails of",
					   sbox->box);
	}
	if (mailbox_search_deinit(&search) < 0 && ret == 0) {
		lazy_expunge_error_set_box(error_r, "Cannot search", sbox->box);
		ret = -1;
	}
	/* what was read is cached by this; nothing else changed */
	if (mailbox_transaction_commit(&t) < 0 && ret == 0) {
		lazy_expunge_error_set_box(error_r, "Cannot search", sbox->box);
		ret = -1;
	}
	mail_search_args_deinit(args);
	return ret;
}

int lazy_expunge_select_cmp_oldest(const struct lazy_expunge_select_mail *m1,
				   const struct lazy_expunge_select_mail *m2)
{
	const struct lazy_expunge_cap_mail cap1 =
		{ .saved = m1->saved, .box = m1->box, .uid = m1->uid };
	const struct lazy_expunge_cap_mail cap2 =
		{ .saved = m2->saved, .box = m2->box, .uid = m2->uid };

	return lazy_expunge_cap_mail_cmp(&cap1, &cap2);
}

static int select_mail_cmp_newest(const struct lazy_expunge_select_mail *m1,
				  const struct lazy_expunge_select_mail *m2)
{
	return lazy_expunge_select_cmp_oldest(m2, m1);
}

void lazy_expunge_select_sort(struct lazy_expunge_select *select,
			      enum lazy_expunge_select_flags flags)
{
	if ((flags & LAZY_EXPUNGE_SELECT_OLDEST_FIRST) != 0)
		array_sort(&select->mails, lazy_expunge_select_cmp_oldest);
	else
		array_sort(&select->mails, select_mail_cmp_newest);
}

static int select_find(struct select_find *find, struct mail_search_args *args,
		       struct lazy_expunge_error *error_r)
{
	const char *origin;
	int ret = 0;

	find->origins_wanted = lazy_expunge_select_shown_mask(find->select,
						 find->range->origins);
	hash_table_create(&find->origins, default_pool, 0, str_hash, strcmp);
	for (unsigned int i = 1; i < array_count(&find->select->origins); i++) {
		origin = array_idx_elem(&find->select->origins, i);
		hash_table_insert(find->origins, origin, POINTER_CAST(i));
	}
	for (unsigned int i = 0; i < array_count(&find->select->boxes); i++) {
		ret = select_find_box(find, i, args, error_r);
		if (ret < 0)
			break;
	}
	hash_table_destroy(&find->origins);
	return ret;
}

int lazy_expunge_select_find(struct lazy_expunge_select *select,
			     struct mail_search_args *args,
			     const struct lazy_expunge_select_range *range,
			     enum lazy_expunge_select_flags flags,
			     struct lazy_expunge_error *error_r)
{
	static const struct lazy_expunge_select_range all;
	struct select_find find = {
		.select = select,
		.range = range == NULL ? &all : range,
	};

	if (select_find(&find, args, error_r) < 0)
		return -1;
	lazy_expunge_select_sort(select, flags);
	return 0;
}

bool lazy_expunge_select_has_origin(const struct lazy_expunge_select *select,
				    const char *name, bool below,
				    const char **near_r)
{
	const char *const names[] = { lazy_expunge_select_shown(select, name), NULL };
	const struct lazy_expunge_origin_mask mask = {
		.names = names,
		.below = below,
	};
	const char separator = select_separator(select);
	const char *const *origin;
	unsigned int shown = 0;
	string_t *near = t_str_new(128);

	array_foreach(&select->origins, origin) {
		if (lazy_expunge_origin_mask_match(&mask, *origin, separator))
			return TRUE;
		/* as it was recorded, and not as it is shown */
		if (strcmp(*origin, lazy_expunge_select_shown(select, *origin)) != 0)
			continue;
		if (shown < SELECT_NEAR_ORIGINS &&
		    lazy_expunge_origin_is_near(name, *origin, separator)) {
			str_printfa(near, "%s%s", shown++ == 0 ? "" : ", ",
				    *origin);
		}
	}
	*near_r = shown == 0 ? NULL : str_c(near);
	return FALSE;
}

const char *
lazy_expunge_select_origin(struct lazy_expunge_select *select,
			   const struct lazy_expunge_select_mail *mail)
{
	return array_idx_elem(&select->origins, mail->origin);
}

const char *
lazy_expunge_select_via(struct lazy_expunge_select *select,
			const struct lazy_expunge_select_mail *mail)
{
	return array_idx_elem(&select->origins, mail->via);
}
