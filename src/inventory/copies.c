/* Copies of mails that passed: looked for by their GUIDs in the live mailboxes,
   and then in the storages. */

#include "lib.h"
#include "array.h"
#include "hash.h"
#include "ioloop.h"
#include "seq-range-array.h"
#include "mail-namespace.h"
#include "mail-search.h"
#include "mail-search-build.h"
#include "mail-storage-private.h"
#include "account/passed.h"
#include "account/storage-list.h"
#include "account/storages.h"
#include "compat/dovecot.h"
#include "core/retention-rules.h"
#include "inventory/live-boxes.h"
#include "inventory/copies.h"
#include "keep/origin.h"
#include "settings/mailbox-blocks.h"

struct copies_wanted {
	const struct lazy_expunge_passed *passed;
	/* the mailbox as it is shown now */
	const char *shown;
	/* it is there, or the selection has it from there */
	bool present;
};

/* A mail that is looked for, for all mailboxes that it was deleted in. */
struct copies_mail {
	guid_128_t guid;
	ARRAY(struct copies_wanted *) wanted;
	/* where a copy is: the first that was found. 0 = none. Of a storage's
	   it is an index to select->boxes, else to copies->live. */
	uint32_t uid;
	unsigned int box;
	bool in_storage;
	/* the query matches it */
	bool found;
};

/* A mailbox that has a copy which is needed. */
struct copies_box {
	struct mail_namespace *ns;
	const char *vname;
};

struct copies {
	struct lazy_expunge_select *select;
	pool_t pool;
	struct mail_search_args *args;
	const char *target;
	ARRAY(struct copies_mail *) mails;
	HASH_TABLE(const uint8_t *, struct copies_mail *) by_guid;
	ARRAY(struct copies_box) live;
	/* live mailboxes that cannot be read, as they are shown */
	ARRAY_TYPE(const_string) unread;
	/* of each mailbox of the storages: what the selection has already */
	ARRAY_TYPE(seq_range) *selected;
};

/* The longest retention so far, 0 = none is known, UINT_MAX = one has no end. */
struct copies_retention {
	struct lazy_expunge_storage *storage;
	unsigned int longest;
};

static int copies_retention_of(struct mail_namespace *ns, const char *vname,
			       void *context)
{
	struct copies_retention *retention = context;
	struct lazy_expunge_storage *storage = retention->storage;
	struct lazy_expunge_retention set;

	/* the mailbox that a storage of many need not have */
	if (lazy_expunge_storage_is_many(storage) &&
	    strcmp(vname, lazy_expunge_storage_open_vname(storage, ns,
				lazy_expunge_storage_vname(storage))) == 0)
		return 0;
	lazy_expunge_keep_time_get(ns, lazy_expunge_storage_is_many(storage) ?
		vname : lazy_expunge_storage_vname(storage), &set);
	if (set.autoexpunge == 0)
		retention->longest = UINT_MAX;
	else
		retention->longest = I_MAX(retention->longest, set.autoexpunge);
	return 0;
}

time_t lazy_expunge_copies_since(struct lazy_expunge_user *luser, time_t now)
{
	struct copies_retention retention = { .longest = 0 };
	struct lazy_expunge_storage *storage;
	enum mail_error code;
	const char *error;

	array_foreach_elem(lazy_expunge_user_storages(luser), storage) {
		if (storage->ns == NULL || storage->error != NULL)
			continue;
		retention.storage = storage;
		T_BEGIN {
			/* what fails here is said where the storage is
			   opened */
			(void)lazy_expunge_storage_list(luser, storage,
				copies_retention_of, &retention, &error, &code);
		} T_END;
	}
	return retention.longest == 0 || retention.longest == UINT_MAX ||
		now < (time_t)retention.longest ? 0 :
		now - (time_t)retention.longest;
}

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
		(range->deletion->id == passed->deletion &&
		 (passed->deletion != 0 ||
		  (passed->time >= range->deletion->first &&
		   passed->time <= range->deletion->last &&
		   strcmp(passed->mailbox, range->deletion->origin) == 0)));
}

static void copies_read(struct copies *copies,
			const struct lazy_expunge_select_range *range)
{
	struct lazy_expunge_select *select = copies->select;
	const struct lazy_expunge_origin_mask *mask =
		lazy_expunge_select_shown_mask(select, range->origins);
	ARRAY_TYPE(lazy_expunge_passed) all;
	const struct lazy_expunge_passed *passed;

	p_array_init(&all, select->pool, 16);
	lazy_expunge_passed_read(select->luser->user, select->pool,
		lazy_expunge_copies_since(select->luser, ioloop_time), &all);
	array_foreach(&all, passed) T_BEGIN {
		if (passed_is_in_range(range, passed) &&
		    lazy_expunge_select_match(select, mask,
			lazy_expunge_select_shown(select, passed->mailbox),
			*passed->via == '\0' ? NULL :
			lazy_expunge_select_shown(select, passed->via)))
			copies_want(copies, passed);
	} T_END;
}

static struct copies_mail *
copies_lookup(struct copies *copies, struct mail *mail)
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
		if (strcmp(copies->target != NULL ? copies->target :
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
		if (copies->target != NULL ||
		    strcmp(wanted->shown, origin) == 0)
			wanted->present = TRUE;
	}
}

static void mail_found_live(struct copies *copies, struct copies_mail *cmail,
			    struct mail *mail)
{
	struct mailbox *box = mail->box;
	struct copies_box *cbox = NULL;

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
		cmail = copies_lookup(copies, mail);
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

static void copies_unread(const char *vname,
			  const struct lazy_expunge_error *error, void *context)
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
				    copies_unread, copies, error_r) < 0)
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

static bool copies_take_all(const struct mail_search_args *args)
{
	const struct mail_search_arg *arg = args->args;

	return arg != NULL && arg->type == SEARCH_ALL && !arg->match_not &&
		arg->next == NULL;
}

static bool is_needed(const struct copies_mail *cmail)
{
	struct copies_wanted *wanted;

	array_foreach_elem(&cmail->wanted, wanted) {
		if (cmail->uid != 0 && !wanted->present)
			return TRUE;
	}
	return FALSE;
}

/* Which copies in the mailbox does the query match? */
static int copies_match(struct copies *copies, struct mailbox *box,
			bool in_storage, unsigned int idx,
			struct lazy_expunge_error *error_r)
{
	struct mailbox_transaction_context *t;
	struct mail_search_context *search;
	struct copies_mail *cmail;
	struct mail *mail;
	int ret;

	mail_search_args_init(copies->args, box, FALSE, NULL);
	t = mailbox_transaction_begin(box, 0, "lazy_expunge copies");
	search = mailbox_search_init(t, copies->args, NULL, MAIL_FETCH_GUID,
				     NULL);
	while (mailbox_search_next(search, &mail)) T_BEGIN {
		cmail = copies_lookup(copies, mail);
		if (cmail != NULL && cmail->in_storage == in_storage &&
		    cmail->box == idx && cmail->uid == mail->uid)
			cmail->found = TRUE;
	} T_END;
	ret = mailbox_search_deinit(&search);
	if (ret < 0)
		lazy_expunge_error_set_box(error_r, "Cannot search", box);
	(void)mailbox_transaction_commit(&t);
	mail_search_args_deinit(copies->args);
	return ret;
}

static unsigned int origin_idx(struct lazy_expunge_select *select,
			       const char *name)
{
	const char *const *origins;
	unsigned int count;

	origins = array_get(&select->origins, &count);
	for (unsigned int i = 0; i < count; i++) {
		if (strcmp(origins[i], name) == 0)
			return i;
	}
	name = p_strdup(select->pool, name);
	array_push_back(&select->origins, &name);
	return count;
}

/* All mailboxes that are to have a copy from this one, which is an index to
   select->boxes. */
static void copies_add_mail(struct copies *copies,
			    const struct copies_mail *cmail,
			    unsigned int box_idx)
{
	struct lazy_expunge_select *select = copies->select;
	struct lazy_expunge_select_mail *smail;
	const struct lazy_expunge_passed *passed;
	struct copies_wanted *wanted;

	array_foreach_elem(&cmail->wanted, wanted) {
		if (wanted->present)
			continue;
		passed = wanted->passed;
		smail = array_append_space(&select->mails);
		smail->saved = passed->time;
		smail->uid = cmail->uid;
		smail->box = box_idx;
		smail->origin = origin_idx(select, wanted->shown);
		smail->recorded = origin_idx(select, passed->mailbox);
		T_BEGIN {
			smail->via = origin_idx(select,
				lazy_expunge_select_shown(select, passed->via));
		} T_END;
		smail->deletion = passed->deletion;
		smail->passed = passed;
	}
}

static void copies_add(struct copies *copies, bool in_storage, unsigned int idx,
		       unsigned int box_idx)
{
	struct copies_mail *cmail;

	array_foreach_elem(&copies->mails, cmail) {
		if (cmail->found && cmail->uid != 0 && cmail->box == idx &&
		    cmail->in_storage == in_storage)
			copies_add_mail(copies, cmail, box_idx);
	}
}

static bool box_is_needed(struct copies *copies, bool in_storage,
			  unsigned int idx)
{
	struct copies_mail *cmail;

	array_foreach_elem(&copies->mails, cmail) {
		if (cmail->box == idx && cmail->in_storage == in_storage &&
		    is_needed(cmail))
			return TRUE;
	}
	return FALSE;
}

static void copies_add_live(struct copies *copies,
			    const struct copies_box *cbox)
{
	struct lazy_expunge_select *select = copies->select;
	struct lazy_expunge_select_box *sbox;

	sbox = array_append_space(&select->boxes);
	sbox->ns = cbox->ns;
	sbox->vname = p_strdup(select->pool, cbox->vname);
}

static int copies_add_storage(struct copies *copies, unsigned int idx,
			      struct lazy_expunge_error *error_r)
{
	const struct lazy_expunge_select_box *sbox;

	if (!box_is_needed(copies, TRUE, idx))
		return 0;
	sbox = array_idx(&copies->select->boxes, idx);
	if (!copies_take_all(copies->args) &&
	    copies_match(copies, sbox->box, TRUE, idx, error_r) < 0)
		return -1;
	copies_add(copies, TRUE, idx, idx);
	return 0;
}

static void copies_add_box(struct copies *copies, unsigned int idx)
{
	struct lazy_expunge_select *select = copies->select;
	const struct copies_box *cbox = array_idx(&copies->live, idx);
	const unsigned int box_idx = array_count(&select->boxes);
	const struct lazy_expunge_select_box *sbox;
	struct lazy_expunge_error error;
	int ret = 1;

	if (!box_is_needed(copies, FALSE, idx))
		return;
	copies_add_live(copies, cbox);
	if (!copies_take_all(copies->args)) {
		ret = lazy_expunge_select_box_open(select, box_idx, &error);
		sbox = array_idx(&select->boxes, box_idx);
		if (ret > 0 && copies_match(copies, sbox->box, FALSE, idx,
					    &error) < 0)
			ret = -1;
		if (ret < 0)
			copies_unread(cbox->vname, &error, copies);
		lazy_expunge_select_live_close(select);
	}
	if (ret > 0)
		copies_add(copies, FALSE, idx, box_idx);
}

static int copies_find(struct copies *copies,
		       struct lazy_expunge_error *error_r)
{
	const unsigned int storage_boxes = array_count(&copies->select->boxes);
	const bool all = copies_take_all(copies->args);
	struct copies_mail *cmail;

	copies_find_selected(copies, storage_boxes);
	if (copies_look_all(copies, storage_boxes, error_r) < 0)
		return -1;
	array_foreach_elem(&copies->mails, cmail)
		cmail->found = all;
	for (unsigned int i = 0; i < storage_boxes; i++) {
		if (copies_add_storage(copies, i, error_r) < 0)
			return -1;
	}
	for (unsigned int i = 0; i < array_count(&copies->live); i++) T_BEGIN {
		copies_add_box(copies, i);
	} T_END;
	return 0;
}

bool lazy_expunge_copies_are_wanted(struct lazy_expunge_user *luser)
{
	ARRAY_TYPE(lazy_expunge_passed) passed;
	pool_t pool = pool_alloconly_create("lazy_expunge passed", 1024);
	bool wanted;

	p_array_init(&passed, pool, 16);
	lazy_expunge_passed_read(luser->user, pool, 0, &passed);
	wanted = array_count(&passed) > 0;
	pool_unref(&pool);
	return wanted;
}

int lazy_expunge_copies_find(struct lazy_expunge_select *select,
			     struct mail_search_args *args,
			     const struct lazy_expunge_select_range *range,
			     const char *target,
			     enum lazy_expunge_select_flags flags,
			     struct lazy_expunge_error *error_r)
{
	static const struct lazy_expunge_select_range all;
	struct copies copies = {
		.select = select,
		.pool = pool_alloconly_create("lazy_expunge copies", 4096),
		.args = args,
		.target = target,
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
