/* Copies of mails that passed: looked for by their GUIDs in the live mailboxes,
   and then in the storages. */

#include "lib.h"
#include "seq-range-array.h"
#include "mail-search-build.h"
#include "mail-storage-private.h"
#include "inventory/copies.h"
#include "inventory/copies-private.h"
#include "inventory/live-boxes.h"
#include "inventory/missed.h"
#include "keep/origin.h"

static void copies_want(struct copies *copies,
			const struct lazy_expunge_passed *passed)
{
	const uint8_t *key = passed->guid;
	struct copies_mail *mail = hash_table_lookup(copies->by_guid, key);
	struct copies_wanted *wanted;

	if (mail == NULL) {
		mail = p_new(copies->pool, struct copies_mail, 1);
		guid_128_copy(mail->guid, passed->guid);
		p_array_init(&mail->wanted, copies->pool, 1);
		array_push_back(&copies->mails, &mail);
		key = mail->guid;
		hash_table_insert(copies->by_guid, key, mail);
	}
	wanted = p_new(copies->pool, struct copies_wanted, 1);
	wanted->passed = passed;
	wanted->shown = p_strdup(copies->pool,
		lazy_expunge_select_shown(copies->select, passed->mailbox));
	array_push_back(&mail->wanted, &wanted);
}

static bool passed_is_in_range(const struct lazy_expunge_select_range *range,
			       const struct lazy_expunge_passed *passed)
{
	if ((range->since != 0 && passed->time < range->since) ||
	    (range->until != 0 && passed->time > range->until))
		return FALSE;
	return range->deletion == NULL ||
		(range->deletion->id != 0 &&
		 range->deletion->id == passed->deletion);
}

static void copies_read(struct copies *copies,
			const struct lazy_expunge_select_range *range)
{
	struct lazy_expunge_select *select = copies->select;
	const struct lazy_expunge_origin_mask *mask =
		lazy_expunge_select_shown_mask(select, range->origins);
	const ARRAY_TYPE(lazy_expunge_passed) *missed = copies->params->missed;
	ARRAY_TYPE(lazy_expunge_passed) all;
	const struct lazy_expunge_passed *passed;

	if (missed == NULL) {
		p_array_init(&all, select->pool, 16);
		lazy_expunge_missed_read(select->luser, select->pool, &all);
		missed = &all;
	}
	array_foreach(missed, passed) T_BEGIN {
		if (passed_is_in_range(range, passed) &&
		    lazy_expunge_select_match(select, mask,
			lazy_expunge_select_shown(select, passed->mailbox),
			*passed->via == '\0' ? NULL :
			lazy_expunge_select_shown(select, passed->via)))
			copies_want(copies, passed);
	} T_END;
}

struct copies_mail *lazy_expunge_copies_lookup(struct copies *copies,
					       struct mail *mail)
{
	guid_128_t guid_128;
	const uint8_t *key = guid_128;
	const char *guid;

	if (mail_get_special(mail, MAIL_FETCH_GUID, &guid) < 0 ||
	    *guid == '\0')
		return NULL;
	mail_generate_guid_128_hash(guid, guid_128);
	return hash_table_lookup(copies->by_guid, key);
}

/* The live mailbox of this name has the mail. */
static void mail_is_in(struct copies *copies, struct copies_mail *cmail,
		       const char *vname)
{
	struct copies_wanted *wanted;

	vname = lazy_expunge_select_shown(copies->select, vname);
	array_foreach_elem(&cmail->wanted, wanted) {
		if (strcmp(copies->params->target != NULL ? copies->params->target :
			   wanted->shown, vname) == 0)
			wanted->present = TRUE;
	}
}

static void mail_found_in_storage(struct copies *copies,
				  struct copies_mail *cmail, struct mail *mail,
				  unsigned int box_idx)
{
	const struct lazy_expunge_select_box *sbox =
		array_idx(&copies->select->boxes, box_idx);
	struct copies_wanted *wanted;
	const char *origin = lazy_expunge_origin_get(mail);

	if (cmail->uid == 0) {
		cmail->uid = mail->uid;
		cmail->box = box_idx;
		cmail->in_storage = TRUE;
	}
	if (!seq_range_exists(&copies->selected[box_idx], mail->uid))
		return;
	/* it comes back from there by itself */
	if (origin == NULL)
		origin = sbox->origin == NULL ? "" : sbox->origin;
	origin = lazy_expunge_select_shown(copies->select, origin);
	array_foreach_elem(&cmail->wanted, wanted) {
		if (copies->params->target != NULL ||
		    strcmp(wanted->shown, origin) == 0)
			wanted->present = TRUE;
	}
}

/* A restore was cut off when it copied it to this mailbox. */
static bool is_unfinished(struct copies *copies, struct mail *mail)
{
	const struct lazy_expunge_copies_params *params = copies->params;
	const char *guid;

	return params->is_unfinished != NULL &&
		mail_get_special(mail, MAIL_FETCH_GUID, &guid) == 0 &&
		params->is_unfinished(params->context, guid,
				      mailbox_get_vname(mail->box));
}

static void mail_found_live(struct copies *copies, struct copies_mail *cmail,
			    struct mail *mail)
{
	struct mailbox *box = mail->box;
	struct copies_box *cbox = NULL;

	if (!is_unfinished(copies, mail))
		mail_is_in(copies, cmail, mailbox_get_vname(box));
	if (cmail->uid != 0)
		return;
	if (array_count(&copies->live) > 0)
		cbox = array_back_modifiable(&copies->live);
	if (cbox == NULL || strcmp(cbox->vname, mailbox_get_vname(box)) != 0) {
		cbox = array_append_space(&copies->live);
		cbox->ns = mailbox_get_namespace(box);
		cbox->vname = p_strdup(copies->pool, mailbox_get_vname(box));
	}
	cmail->uid = mail->uid;
	cmail->box = array_count(&copies->live) - 1;
}

/* storage_idx: the mailbox's index to select->boxes, UINT_MAX = it is live. */
static int copies_look(struct copies *copies, struct mailbox *box,
		       unsigned int storage_idx,
		       struct lazy_expunge_error *error_r)
{
	struct mailbox_transaction_context *t;
	struct mail_search_args *args;
	struct mail_search_context *search;
	struct copies_mail *cmail;
	struct mail *mail;
	int ret;

	args = mail_search_build_init();
	mail_search_build_add_all(args);
	t = mailbox_transaction_begin(box, 0, "lazy_expunge copies");
	search = mailbox_search_init(t, args, NULL, MAIL_FETCH_GUID, NULL);
	mail_search_args_unref(&args);
	while (mailbox_search_next(search, &mail)) T_BEGIN {
		cmail = lazy_expunge_copies_lookup(copies, mail);
		if (cmail == NULL)
			;
		else if (storage_idx == UINT_MAX)
			mail_found_live(copies, cmail, mail);
		else
			mail_found_in_storage(copies, cmail, mail, storage_idx);
	} T_END;
	ret = mailbox_search_deinit(&search);
	if (ret < 0)
		lazy_expunge_error_set_box(error_r, "Cannot read", box);
	/* caches what was read */
	(void)mailbox_transaction_commit(&t);
	return ret;
}

static int copies_look_live(struct mailbox *box, void *context,
			    struct lazy_expunge_error *error_r)
{
	return copies_look(context, box, UINT_MAX, error_r);
}

void lazy_expunge_copies_unread(const char *vname,
				const struct lazy_expunge_error *error,
				void *context)
{
	struct copies *copies = context;
	const char *text = p_strdup(copies->select->pool, error->text);

	array_push_back(&copies->select->unread, &text);
	vname = p_strdup(copies->pool,
			 lazy_expunge_select_shown(copies->select, vname));
	array_push_back(&copies->unread, &vname);
}

/* Whether the mailbox, which cannot be read, has them is not known. */
static void copies_leave(struct copies *copies, const char *vname)
{
	struct copies_mail *cmail;

	array_foreach_elem(&copies->mails, cmail) T_BEGIN {
		mail_is_in(copies, cmail, vname);
	} T_END;
}

static void copies_find_selected(struct copies *copies, unsigned int boxes)
{
	const struct lazy_expunge_select_mail *smail;

	copies->selected = p_new(copies->pool, ARRAY_TYPE(seq_range),
				 boxes + 1);
	for (unsigned int i = 0; i < boxes; i++)
		p_array_init(&copies->selected[i], copies->pool, 8);
	array_foreach(&copies->select->mails, smail)
		seq_range_array_add(&copies->selected[smail->box], smail->uid);
}

static int copies_look_all(struct copies *copies, unsigned int storage_boxes,
			   struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_select *select = copies->select;
	const struct lazy_expunge_select_box *sbox;
	const char *vname;

	if (lazy_expunge_live_boxes(select->luser, NULL, copies_look_live,
				    lazy_expunge_copies_unread, copies,
				    error_r) < 0)
		return -1;
	array_foreach_elem(&copies->unread, vname)
		copies_leave(copies, vname);
	for (unsigned int i = 0; i < storage_boxes; i++) {
		sbox = array_idx(&select->boxes, i);
		if (copies_look(copies, sbox->box, i, error_r) < 0)
			return -1;
	}
	return 0;
}

static int copies_find(struct copies *copies,
		       struct lazy_expunge_error *error_r)
{
	const unsigned int storage_boxes = array_count(&copies->select->boxes);

	copies_find_selected(copies, storage_boxes);
	if (copies_look_all(copies, storage_boxes, error_r) < 0)
		return -1;
	return lazy_expunge_copies_add(copies, storage_boxes, error_r);
}

int lazy_expunge_copies_find(struct lazy_expunge_select *select,
			     struct mail_search_args *args,
			     const struct lazy_expunge_select_range *range,
			     const struct lazy_expunge_copies_params *params,
			     enum lazy_expunge_select_flags flags,
			     struct lazy_expunge_error *error_r)
{
	static const struct lazy_expunge_select_range all;
	static const struct lazy_expunge_copies_params none;
	struct copies copies = {
		.select = select,
		.pool = pool_alloconly_create("lazy_expunge copies", 4096),
		.args = args,
		.params = params == NULL ? &none : params,
	};
	int ret = 0;

	p_array_init(&copies.mails, copies.pool, 16);
	p_array_init(&copies.live, copies.pool, 8);
	p_array_init(&copies.unread, copies.pool, 1);
	hash_table_create(&copies.by_guid, default_pool, 0, guid_128_hash,
			  guid_128_cmp);
	copies_read(&copies, range == NULL ? &all : range);
	if (array_count(&copies.mails) > 0)
		ret = copies_find(&copies, error_r);
	hash_table_destroy(&copies.by_guid);
	pool_unref(&copies.pool);
	lazy_expunge_select_sort(select, flags);
	return ret;
}
