/* The mailboxes of a selection: those of the storages and their caps, and living ones,
   opened and closed. */

#include "lib.h"
#include "array.h"
#include "mail-storage-private.h"
#include "compat/dovecot.h"
#include "account/never-used.h"
#include "account/storage-box.h"
#include "account/storage-cap.h"
#include "account/storage-list.h"
#include "account/storages.h"
#include "keep/origin.h"
#include "inventory/select.h"

static unsigned int select_add_cap(struct lazy_expunge_select *select,
				   struct lazy_expunge_storage *storage,
				   uint64_t max)
{
	struct lazy_expunge_select_cap *cap;

	for (unsigned int i = 1; storage != NULL &&
	     i < array_count(&select->caps); i++) {
		cap = array_idx_modifiable(&select->caps, i);
		if (cap->storage == storage && cap->max == max)
			return i;
	}
	cap = array_append_space(&select->caps);
	cap->max = max;
	cap->storage = storage;
	return array_count(&select->caps) - 1;
}

static int select_find_cap(struct lazy_expunge_select *select,
			   struct lazy_expunge_select_box *sbox,
			   struct lazy_expunge_error *error_r)
{
	uint64_t max;
	bool whole;
	int ret;

	ret = lazy_expunge_storage_read_cap(select->luser, sbox->storage,
					    sbox->vname, &max, &whole, error_r);
	if (ret <= 0)
		return ret;
	sbox->cap = select_add_cap(select, whole ? sbox->storage : NULL, max);
	return 0;
}

/* Returns 0 also if the mailbox does not exist. */
static int select_add_box(struct lazy_expunge_select *select,
			  struct lazy_expunge_storage *storage,
			  const char *vname, const char *open_vname,
			  enum mailbox_flags flags, const char *origin,
			  struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_select_box *sbox;
	struct mailbox *box;

	box = lazy_expunge_mailbox_alloc(select->luser, storage->ns, open_vname,
					 flags);
	if (mailbox_open(box) < 0 ||
	    mailbox_sync(box, MAILBOX_SYNC_FLAG_FULL_READ) < 0) {
		lazy_expunge_error_set_box(error_r,
			"Cannot open the expunge storage", box);
		mailbox_free(&box);
		return error_r->code == MAIL_ERROR_NOTFOUND ? 0 : -1;
	}
	if (lazy_expunge_storage_box_is_live(storage, box, &error_r->text)) {
		error_r->code = MAIL_ERROR_UNAVAILABLE;
		mailbox_free(&box);
		return -1;
	}
	sbox = array_append_space(&select->boxes);
	sbox->storage = storage;
	sbox->box = box;
	sbox->vname = p_strdup(select->pool, vname);
	sbox->origin = p_strdup(select->pool, origin);
	return select_find_cap(select, sbox, error_r);
}

struct select_storage {
	struct lazy_expunge_select *select;
	struct lazy_expunge_storage *storage;
	struct lazy_expunge_error *error;
};

/* The names are raw, so two may differ in their normalization alone. */
static int select_add_mailbox(struct mail_namespace *ns, const char *vname,
			      void *context)
{
	struct select_storage *ctx = context;
	struct lazy_expunge_storage *storage = ctx->storage;
	const char *shown, *origin = NULL;
	int ret;

	T_BEGIN {
		if (!lazy_expunge_storage_is_many(storage))
			shown = lazy_expunge_storage_vname(storage);
		else {
			shown = lazy_expunge_compat_name_normalize(ns->list,
								   vname);
			origin = lazy_expunge_origin_of_tree(storage, vname);
		}
		ret = select_add_box(ctx->select, storage, shown, vname,
				     LAZY_EXPUNGE_COMPAT_FLAG_RAW_NAME, origin,
				     ctx->error);
	} T_END_PASS_STR_IF(ret < 0, &ctx->error->text);
	return ret;
}

static int select_add_storage(struct lazy_expunge_select *select,
			      struct lazy_expunge_storage *storage,
			      struct lazy_expunge_error *error_r)
{
	struct select_storage ctx = {
		.select = select,
		.storage = storage,
		.error = error_r,
	};
	const char *error;
	int ret;

	if (storage->ns == NULL || storage->error != NULL) {
		error_r->code = MAIL_ERROR_UNAVAILABLE;
		error_r->text = storage->error;
		return -1;
	}
	/* to look would make a home, or say that it cannot be made */
	if (lazy_expunge_user_never_used(select->luser->user))
		return 0;
	ret = lazy_expunge_storage_list(select->luser, storage,
					select_add_mailbox, &ctx, &error,
					&error_r->code);
	if (error != NULL)
		error_r->text = error;
	return ret;
}

struct lazy_expunge_select *
lazy_expunge_select_init(struct lazy_expunge_user *luser,
			 struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_select *select;
	struct lazy_expunge_storage *storage;
	struct lazy_expunge_select_cap *cap;
	const char *none = "";
	pool_t pool;

	pool = pool_alloconly_create("lazy_expunge select", 1024);
	select = p_new(pool, struct lazy_expunge_select, 1);
	select->pool = pool;
	select->luser = luser;
	i_array_init(&select->boxes, 8);
	i_array_init(&select->caps, 1);
	cap = array_append_space(&select->caps);
	cap->max = luser->set.max_storage;
	i_array_init(&select->mails, 128);
	i_array_init(&select->origins, 16);
	array_push_back(&select->origins, &none);
	p_array_init(&select->unread, pool, 1);
	array_foreach_elem(lazy_expunge_user_storages(luser), storage) {
		if (select_add_storage(select, storage, error_r) < 0) {
			lazy_expunge_select_deinit(&select);
			return NULL;
		}
	}
	return select;
}

int lazy_expunge_select_box_open(struct lazy_expunge_select *select,
				 unsigned int idx,
				 struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_select_box *sbox =
		array_idx_modifiable(&select->boxes, idx);
	struct mailbox *box;

	if (sbox->box != NULL)
		return 1;
	box = lazy_expunge_mailbox_alloc(select->luser, sbox->ns, sbox->vname,
		MAILBOX_FLAG_IGNORE_ACLS | LAZY_EXPUNGE_COMPAT_FLAG_RAW_NAME);
	if (mailbox_open(box) < 0 ||
	    mailbox_sync(box, MAILBOX_SYNC_FLAG_FULL_READ) < 0) {
		lazy_expunge_error_set_box(error_r, "Cannot open", box);
		mailbox_free(&box);
		return error_r->code == MAIL_ERROR_NOTFOUND ? 0 : -1;
	}
	sbox->box = box;
	return 1;
}

void lazy_expunge_select_live_close(struct lazy_expunge_select *select)
{
	struct lazy_expunge_select_box *sbox;

	array_foreach_modifiable(&select->boxes, sbox) {
		if (sbox->storage == NULL && sbox->box != NULL)
			mailbox_free(&sbox->box);
	}
}

void lazy_expunge_select_deinit(struct lazy_expunge_select **_select)
{
	struct lazy_expunge_select *select = *_select;
	struct lazy_expunge_select_box *sbox;

	if (select == NULL)
		return;
	*_select = NULL;
	array_foreach_modifiable(&select->boxes, sbox) {
		if (sbox->box != NULL)
			mailbox_free(&sbox->box);
	}
	array_free(&select->boxes);
	array_free(&select->caps);
	array_free(&select->mails);
	array_free(&select->origins);
	pool_unref(&select->pool);
}
