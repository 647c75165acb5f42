/* Mailbox hooks: opening, closing, making, renaming. */

#include "lib.h"
#include "str.h"
#include "mail-namespace.h"
#include "compat/dovecot.h"
#include "account/deletions.h"
#include "account/lock.h"
#include "account/rename-log.h"
#include "formats/letters.h"
#include "formats/mdbox-mark.h"
#include "formats/mdbox-unfinished.h"
#include "formats/new-mailbox.h"
#include "formats/save-date.h"
#include "keep/origin.h"
#include "hooks/acl-shown.h"
#include "hooks/autoexpunge.h"
#include "hooks/context.h"
#include "hooks/copy-hooks.h"
#include "hooks/deletion-hooks.h"
#include "hooks/held.h"
#include "hooks/hooks.h"
#include "hooks/kept.h"
#include "hooks/kept-now.h"
#include "hooks/own-name.h"
#include "hooks/protect.h"
#include "account/storages.h"
#include "hooks/transaction.h"

#include <time.h>

/* Mail programs look for it, and move mail there. */
static void warn_of_special_use(struct mailbox *box,
				const struct lazy_expunge_storage *st)
{
	static bool warned = FALSE;
	const char *const *special_use;

	if (warned || st->ns_mode || !(st->hidden || st->protect))
		return;
	special_use = lazy_expunge_compat_special_use(box);
	if (special_use == NULL || special_use[0] == NULL)
		return;
	e_warning(box->event, "lazy_expunge: The storage is the users' %s, and "
		  "they cannot use it: turn off lazy_expunge_hidden and "
		  "lazy_expunge_protect, or choose another storage",
		  special_use[0]);
	warned = TRUE;
}

/* Mailboxes are opened, created and enabled under the name that
   mailbox_verify_name() lets pass. doveadm's search queries compare the name of
   the open mailbox with the one that was asked for, so there it gets its own
   back; dsync enables features after opening, which verifies again. */
static int lazy_mailbox_open(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	int ret;

	if (lazy_expunge_protect_look(box) < 0)
		return -1;
	lazy_expunge_unclean_repair(lbox->luser, box);
	ret = lbox->module_ctx.super.open(box);
	if (ret < 0)
		return lazy_expunge_own_name_error(box);
	lazy_expunge_mdbox_unfinished_drop(box);
	lazy_expunge_kept_opened(box);
	if (lbox->storage != NULL && !lbox->luser->by_admin) T_BEGIN {
		warn_of_special_use(box, lbox->storage);
	} T_END;
	if (lbox->own_vname != NULL && lbox->luser->by_admin &&
	    !lbox->luser->user->dsyncing)
		box->vname = lbox->own_vname;
	return ret;
}

static int lazy_mailbox_exists(struct mailbox *box, bool auto_boxes,
			       enum mailbox_existence *existence_r)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);

	if (lazy_expunge_protect_look(box) < 0) {
		*existence_r = MAILBOX_EXISTENCE_NONE;
		return 0;
	}
	return lbox->module_ctx.super.exists(box, auto_boxes, existence_r);
}

static void lazy_mailbox_close(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);

	lazy_expunge_destination_close(&lbox->dest);
	/* a look for other copies opens and closes many */
	if (!lbox->internal)
		lazy_expunge_deletions_write(lbox->luser);
	if (lbox->legal_vname != NULL)
		box->vname = lbox->legal_vname;
	lbox->module_ctx.super.close(box);
}

static void lazy_mailbox_free(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	void *quota_context = lbox->quota_context;

	lazy_expunge_destination_close(&lbox->dest);
	lazy_expunge_letters_deinit(&lbox->letters);
	lazy_expunge_kept_now_deinit(&lbox->now);
	lbox->module_ctx.super.free(box);
	if (quota_context != NULL)
		lazy_expunge_compat_quota_mailbox_freed(quota_context);
}

/* Files are found by the mailbox's path. A mail that is being kept must not
   change it between the look and the commit. */
static int mailbox_rename_locked(struct mailbox *src, struct mailbox *dest)
{
	struct lazy_expunge_mailbox *lsrc = LAZY_EXPUNGE_CONTEXT_REQUIRE(src);
	struct lazy_expunge_renamed *renamed;
	const char *error;
	bool locked;
	int ret;

	locked = lazy_expunge_lock_get_listed(lsrc->luser, &error) > 0;
	if (!locked) {
		e_debug(src->event, "lazy_expunge: Account not locked for "
			"renaming: %s", error);
	}
	/* the name is the origin of mail that is in the storage */
	renamed = lazy_expunge_renamed_begin(src, dest);
	ret = lsrc->module_ctx.super.rename_box(src, dest);
	lazy_expunge_renamed_finish(&renamed, ret == 0, time(NULL));
	if (locked)
		lazy_expunge_lock_put(lsrc->luser);
	return ret;
}

static int lazy_mailbox_rename_box(struct mailbox *src, struct mailbox *dest)
{
	return lazy_expunge_protect_rename(src, dest) < 0 ? -1 :
		mailbox_rename_locked(src, dest);
}

static int lazy_mailbox_create_box(struct mailbox *box,
				   const struct mailbox_update *update,
				   bool directory)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);

	if (lazy_expunge_protect_create(box) < 0 ||
	    lbox->module_ctx.super.create_box(box, update, directory) < 0)
		return -1;
	return lbox->storage == NULL || directory ? 0 :
		lazy_expunge_new_mailbox_sync(box);
}

static int lazy_mailbox_delete_box(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	string_t *properties;

	if (lazy_expunge_protect_delete(box) < 0)
		return lazy_expunge_own_name_error(box);
	lazy_expunge_transaction_forget_error(lbox->luser);
	properties = lazy_expunge_deletion_box_begin(box);
	if (lbox->module_ctx.super.delete_box(box) < 0) {
		str_free(&properties);
		/* what Dovecot does after the expunge clears its error */
		lazy_expunge_transaction_repeat_error(lbox->luser, box);
		return lazy_expunge_own_name_error(box);
	}
	/* it is closed by now */
	lazy_expunge_deletion_box(box, &properties);
	lazy_expunge_deletions_write(lbox->luser);
	return 0;
}

static int
lazy_mailbox_sync_deinit(struct mailbox_sync_context *ctx,
			 struct mailbox_sync_status *status_r)
{
	struct mailbox *box = ctx->box;
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	int ret;

	ret = lbox->module_ctx.super.sync_deinit(ctx, status_r);
	if (ret == 0) {
		lazy_expunge_save_date_catch_up(box,
						&lbox->save_dates_next_uid,
						lazy_expunge_origin_catch_up);
	}
	return ret;
}

static int
lazy_mailbox_list_index_has_changed(struct mailbox *box,
				    struct mail_index_view *list_view,
				    uint32_t seq, bool quick,
				    const char **reason_r)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);

	if (lazy_expunge_autoexpunge_is_idle(box, list_view, seq))
		return 0;
	return lbox->module_ctx.super.list_index_has_changed(box, list_view,
							     seq, quick,
							     reason_r);
}

/* Autoexpunge asks this first: what is due goes here, around what is held. */
static int lazy_mailbox_get_status(struct mailbox *box,
				   enum mailbox_status_items items,
				   struct mailbox_status *status_r)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);

	/* the list's index may know it */
	if (lazy_expunge_protect_look(box) < 0)
		return -1;
	if (items == STATUS_MESSAGES && lazy_expunge_held_is_asked(box)) {
		lbox->expired = TRUE;
		status_r->messages = 0;
		return lazy_expunge_held_expire(box);
	}
	return lbox->module_ctx.super.get_status(box, items, status_r);
}

/* And this next. */
static int lazy_mailbox_get_metadata(struct mailbox *box,
				     enum mailbox_metadata_items items,
				     struct mailbox_metadata *metadata_r)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);

	if (items == MAILBOX_METADATA_FIRST_SAVE_DATE && lbox->expired &&
	    lbox->cover == NULL) {
		metadata_r->first_save_date = (time_t)-1;
		return 0;
	}
	return lbox->module_ctx.super.get_metadata(box, items, metadata_r);
}

static void mailbox_init_storage(struct mailbox *box,
				 struct lazy_expunge_mailbox *lbox)
{
	const char *name, *legal_name;

	lbox->storage = lazy_expunge_storage_match(lbox->luser, box->list->ns,
						   box->vname);
	if (lbox->storage == NULL)
		return;
	if (lbox->storage->quota_ignore) {
		lbox->quota_context =
			lazy_expunge_compat_quota_mailbox_allocated(box);
	}
	if (lbox->storage->ns_mode ||
	    lazy_expunge_storage_match_name(lbox->luser, box->list->ns,
					    box->vname) == NULL)
		return;
	name = lazy_expunge_storage_spelled_name(lbox->storage, box->list,
		lazy_expunge_name_without_prefix(box->list->ns, box->vname));
	legal_name = lazy_expunge_storage_legal_name(box->list, name);
	if (strcmp(name, legal_name) != 0) {
		lbox->own_vname = p_strconcat(box->pool,
					box->list->ns->prefix, name, NULL);
		lbox->legal_vname = p_strconcat(box->pool,
					box->list->ns->prefix, legal_name,
					NULL);
		box->vname = lbox->legal_vname;
	}
}

void lazy_expunge_mailbox_allocated(struct mailbox *box)
{
	struct lazy_expunge_user *luser =
		lazy_expunge_user_find(box->list->ns->user);
	struct mailbox_vfuncs *v = box->vlast;
	struct lazy_expunge_mailbox *lbox;

	if (luser == NULL || strcmp(box->storage->name, "raw") == 0)
		return;
	lbox = p_new(box->pool, struct lazy_expunge_mailbox, 1);
	lbox->luser = luser;
	lbox->is_virtual = box->virtual_vfuncs != NULL;
	lbox->internal = luser->internal_alloc > 0;
	lbox->module_ctx.super = *v;
	box->vlast = &lbox->module_ctx.super;
	v->open = lazy_mailbox_open;
	v->close = lazy_mailbox_close;
	v->free = lazy_mailbox_free;
	v->create_box = lazy_mailbox_create_box;
	v->delete_box = lazy_mailbox_delete_box;
	v->rename_box = lazy_mailbox_rename_box;
	v->save_begin = lazy_expunge_save_begin;
	v->copy = lazy_expunge_copy;
	v->transaction_commit = lazy_expunge_transaction_commit;
	v->transaction_rollback = lazy_expunge_transaction_rollback;
	MODULE_CONTEXT_SET(box, lazy_expunge_storage_module, lbox);
	T_BEGIN {
		mailbox_init_storage(box, lbox);
	} T_END;
	if (lbox->storage == NULL)
		return;
	lbox->destination = lbox->internal &&
		(box->flags & MAILBOX_FLAG_SAVEONLY) != 0;
	lazy_expunge_acl_shown_init(luser, box->list);
	v->exists = lazy_mailbox_exists;
	if (lbox->legal_vname != NULL)
		lazy_expunge_own_name_mailbox_allocated(v);
	v->sync_deinit = lazy_mailbox_sync_deinit;
	v->get_status = lazy_mailbox_get_status;
	if (!lbox->destination)
		v->get_metadata = lazy_mailbox_get_metadata;
	if (v->list_index_has_changed != NULL)
		v->list_index_has_changed = lazy_mailbox_list_index_has_changed;
}
