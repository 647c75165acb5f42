/* Mailbox hooks: what the mailbox is to the plugin, the destination's life, and
   the protection of the storage. */

#include "lib.h"
#include "ioloop.h"
#include "mail-namespace.h"
#include "compat/dovecot.h"
#include "core/transactions.h"
#include "events/events.h"
#include "settings/mailbox-blocks.h"
#include "formats/list-index.h"
#include "account/lock.h"
#include "formats/maildir-link.h"
#include "core/exclude.h"
#include "keep/origin.h"
#include "account/rename-log.h"
#include "formats/save-date.h"
#include "settings/read.h"
#include "formats/mdbox-mark.h"
#include "hooks/context.h"
#include "account/storage-identity.h"

#include <time.h>

/* When a storage in which nothing is due was not opened for so long, or for this
   part of its retention, autoexpunge opens it, so that a Maildir's new mails get
   UIDs and lasting save dates. They get them in the order of their delivery:
   one that was deleted earlier may stay so much longer. */
#define STORAGE_UNSEEN_MAX_SECS (24 * 60 * 60)
#define STORAGE_UNSEEN_PART 24

struct lazy_expunge_storage_module lazy_expunge_storage_module =
	MODULE_CONTEXT_INIT(&mail_storage_module_register);

const struct lazy_expunge_settings *
lazy_expunge_mailbox_settings(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	struct lazy_expunge_settings *set;

	if (lbox->set != NULL)
		return lbox->set;
	if (!lazy_expunge_settings_are_per_mailbox())
		lbox->set = &lbox->luser->set;
	else {
		set = p_new(box->pool, struct lazy_expunge_settings, 1);
		lazy_expunge_settings_read(lbox->luser->user, box->event,
					   box->pool, set);
		lbox->set = set;
	}
	return lbox->set;
}

const char *lazy_expunge_mailbox_vname(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT(box);

	return lbox != NULL && lbox->own_vname != NULL ? lbox->own_vname :
		mailbox_get_vname(box);
}

const char *lazy_expunge_mailbox_origin(struct mail *mail)
{
	struct lazy_expunge_mailbox *lbox =
		LAZY_EXPUNGE_CONTEXT_REQUIRE(mail->box);

	if (lbox->storage == NULL || !lbox->storage->ns_mode)
		return lazy_expunge_origin_get(mail);
	return lazy_expunge_origin_of_tree(mailbox_get_namespace(mail->box),
					   mailbox_get_vname(mail->box));
}

bool lazy_expunge_mailbox_is_protected(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);

	return lbox->storage != NULL && !lbox->internal &&
		!lbox->luser->by_admin && !lbox->luser->user->dsyncing &&
		lbox->luser->set.protect;
}

static int fail_protected(struct mailbox *box, const char *text)
{
	mail_storage_set_error(box->storage, MAIL_ERROR_PERM, text);
	return -1;
}

static int mailbox_fail_adding(struct mailbox *box)
{
	return fail_protected(box, "Mail cannot be added to the expunge "
			      "storage: it keeps what is deleted elsewhere");
}

/* Mailboxes are opened, created and enabled under the name that
   mailbox_verify_name() lets pass. doveadm's search queries compare the name of
   the open mailbox with the one that was asked for, so there it gets its own
   back; dsync enables features after opening, which verifies again. */
static int lazy_mailbox_open(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	int ret;

	lazy_expunge_unclean_repair(lbox->luser, box);
	ret = lbox->module_ctx.super.open(box);
	if (ret == 0 && lbox->own_vname != NULL && lbox->luser->by_admin &&
	    !lbox->luser->user->dsyncing)
		box->vname = lbox->own_vname;
	return ret;
}

static void lazy_mailbox_close(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);

	lazy_expunge_destination_close(&lbox->dest);
	if (lbox->legal_vname != NULL)
		box->vname = lbox->legal_vname;
	lbox->module_ctx.super.close(box);
}

static void lazy_mailbox_free(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	void *quota_context = lbox->quota_context;

	lazy_expunge_destination_close(&lbox->dest);
	lbox->module_ctx.super.free(box);
	if (quota_context != NULL)
		lazy_expunge_compat_quota_mailbox_freed(quota_context);
}

static int lazy_mailbox_create_box(struct mailbox *box,
				   const struct mailbox_update *update,
				   bool directory)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);

	/* Its mailboxes are named after those that mail comes from. The one
	   mailbox of mailbox mode may be made by anybody. */
	if (lazy_expunge_mailbox_is_protected(box) && lbox->storage->ns_mode &&
	    !mailbox_is_autocreated(box)) {
		return fail_protected(box, "Mailboxes cannot be created in the "
				      "expunge storage");
	}
	return lbox->module_ctx.super.create_box(box, update, directory);
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
						&lbox->save_dates_next_uid);
	}
	return ret;
}

/* The first mail is the oldest. That others were added since the list's index
   was written does not make it due. Quota asks the same way, though, for sizes
   as they are now. */
static bool mailbox_has_nothing_due(struct mailbox *box,
				    struct mail_index_view *list_view,
				    uint32_t seq)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	struct lazy_expunge_retention set;
	time_t first_saved, seen;

	lazy_expunge_keep_time_get(box->list->ns,
				   lazy_expunge_mailbox_vname(box), &set);
	if (set.autoexpunge == 0 || set.max_mails > 0 ||
	    !lbox->luser->set.quota_ignore)
		return FALSE;
	first_saved = lazy_expunge_list_index_first_saved(box, list_view, seq);
	if (first_saved == 0 ||
	    first_saved + (time_t)set.autoexpunge <= ioloop_time)
		return FALSE;
	seen = lazy_expunge_list_index_log_time(box->list, box->name);
	return seen != 0 && seen + (time_t)I_MIN(STORAGE_UNSEEN_MAX_SECS,
			set.autoexpunge / STORAGE_UNSEEN_PART) > ioloop_time;
}

/* Autoexpunge asks at the end of each session for a mailbox whether something
   is due, and would open it when mails were added. */
static int
lazy_mailbox_list_index_has_changed(struct mailbox *box,
				    struct mail_index_view *list_view,
				    uint32_t seq, bool quick,
				    const char **reason_r)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	bool nothing_due;

	if (lazy_expunge_is_within_autoexpunge() && !lbox->luser->by_admin) {
		/* have the next answer written */
		box->update_first_saved = TRUE;
		T_BEGIN {
			nothing_due = mailbox_has_nothing_due(box, list_view,
							      seq);
		} T_END;
		if (nothing_due)
			return 0;
	}
	return lbox->module_ctx.super.list_index_has_changed(box, list_view,
							     seq, quick,
							     reason_r);
}

static int lazy_mailbox_delete_box(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);

	if (lazy_expunge_mailbox_is_protected(box)) {
		return fail_protected(box,
			"The expunge storage cannot be deleted");
	}
	return lbox->module_ctx.super.delete_box(box);
}

/* TRUE if the storage's mailbox lies below the mailbox. */
static bool mailbox_is_parent_of_storage(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	struct lazy_expunge_storage *st;

	array_foreach_elem(lazy_expunge_user_storages(lbox->luser), st) {
		if (lazy_expunge_storage_is_below(lbox->luser, st,
						  box->list->ns, box->vname))
			return TRUE;
	}
	return FALSE;
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

/* TRUE within Dovecot's own renaming of a mailbox whose name is not normalized:
   nobody else can name the source so. */
static bool rename_is_normalizing(struct mailbox *src)
{
	bool normalizing;

	T_BEGIN {
		normalizing = strcmp(src->vname,
			lazy_expunge_compat_name_normalize(src->list,
							   src->vname)) != 0;
	} T_END;
	return normalizing;
}

static int lazy_mailbox_rename_box(struct mailbox *src, struct mailbox *dest)
{
	struct lazy_expunge_mailbox *lsrc = LAZY_EXPUNGE_CONTEXT_REQUIRE(src);
	struct lazy_expunge_mailbox *ldest = LAZY_EXPUNGE_CONTEXT(dest);
	struct lazy_expunge_user *luser = lsrc->luser;
	struct lazy_expunge_storage *dest_storage =
		ldest == NULL ? NULL : ldest->storage;

	if (!luser->by_admin && !luser->user->dsyncing &&
	    !rename_is_normalizing(src)) {
		/* with namespace mode, what is in the storage is known by its
		   name: never let a rename blur that */
		if (lsrc->storage != NULL &&
		    (lsrc->storage->ns_mode || luser->set.protect)) {
			return fail_protected(src, "The expunge storage "
				"cannot be renamed: move its mail instead");
		}
		if (dest_storage != NULL &&
		    (dest_storage->ns_mode || luser->set.protect)) {
			return fail_protected(src, "A mailbox cannot be "
				"renamed into the expunge storage: delete it, "
				"and its mail will be kept there");
		}
		if (luser->set.protect && mailbox_is_parent_of_storage(src)) {
			return fail_protected(src, "A mailbox that contains "
				"the expunge storage cannot be renamed");
		}
	}
	return mailbox_rename_locked(src, dest);
}

static int lazy_mailbox_save_begin(struct mail_save_context *ctx,
				   struct istream *input)
{
	struct mailbox *box = ctx->transaction->box;
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);

	/* a copy that is done by saving was let through by copy() */
	if (!ctx->copying_or_moving && lazy_expunge_mailbox_is_protected(box))
		return mailbox_fail_adding(box);
	return lbox->module_ctx.super.save_begin(ctx, input);
}

/* A mail was taken out of the storage, by whom and how it ever was; a restore
   tells of its mails itself. */
static void mailbox_copied_out(struct mailbox_transaction_context *t,
			       struct mail *mail, bool moving)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(t->box);

	if (lbox->luser->user->dsyncing ||
	    null_strcmp(t->reason, LAZY_EXPUNGE_TRANSACTION_RESTORE) == 0)
		return;
	lazy_expunge_events_restored(lazy_expunge_transaction_events(t), mail,
		lazy_expunge_mailbox_vname(mail->box),
		mailbox_get_vname(t->box), lazy_expunge_mailbox_origin(mail),
		moving ? "move" : "copy");
}

static int lazy_mailbox_copy_int(struct mail_save_context *ctx,
				 struct mail *mail)
{
	struct lazy_expunge_mailbox *lbox =
		LAZY_EXPUNGE_CONTEXT_REQUIRE(ctx->transaction->box);
	struct lazy_expunge_mailbox *lsrc = LAZY_EXPUNGE_CONTEXT(mail->box);
	bool moving = ctx->moving;
	int ret;

	if (lbox->storage == NULL && lsrc != NULL && lsrc->storage != NULL) {
		lazy_expunge_origin_strip(ctx);
		ret = lbox->module_ctx.super.copy(ctx, mail);
		if (ret == 0) T_BEGIN {
			lazy_expunge_maildir_mark_left(ctx);
			mailbox_copied_out(ctx->transaction, mail, moving);
		} T_END;
		return ret;
	}
	if (!lbox->internal)
		return lbox->module_ctx.super.copy(ctx, mail);

	/* what is kept goes away elsewhere: no more space is used */
	lazy_expunge_compat_save_set_moving(ctx, mail, TRUE);
	ret = lbox->module_ctx.super.copy(ctx, mail);
	lazy_expunge_compat_save_set_moving(ctx, mail, FALSE);
	return ret;
}

/* TRUE if both mailboxes are of the same account. */
static bool is_same_account(struct mailbox *src, struct mailbox *dest)
{
	struct mail_namespace *src_ns = mailbox_get_namespace(src);
	struct mail_namespace *dest_ns = mailbox_get_namespace(dest);

	if (src_ns->type == MAIL_NAMESPACE_TYPE_PUBLIC ||
	    dest_ns->type == MAIL_NAMESPACE_TYPE_PUBLIC)
		return src_ns == dest_ns;
	return src_ns->owner == dest_ns->owner;
}

static int lazy_mailbox_copy(struct mail_save_context *ctx, struct mail *mail)
{
	struct mailbox *box = ctx->transaction->box;
	/* the mail of a virtual mailbox, if it came through one */
	struct mail *src_mail = ctx->copy_src_mail != NULL ?
		ctx->copy_src_mail : mail;
	struct mail_private *src_pmail = (struct mail_private *)src_mail;
	struct lazy_expunge_mail *lmail = LAZY_EXPUNGE_MAIL_CONTEXT(src_pmail);
	int ret;

	if (lazy_expunge_mailbox_is_protected(box)) {
		mailbox_save_cancel(&ctx);
		return mailbox_fail_adding(box);
	}
	if (lmail != NULL && ctx->moving &&
	    is_same_account(mail->box, box)) {
		lmail->moving = TRUE;
		lazy_expunge_transaction_move_copied(lmail, ctx->transaction);
	}
	ret = lazy_mailbox_copy_int(ctx, mail);
	if (ret < 0 && lmail != NULL)
		lmail->moving = FALSE;
	return ret;
}

static void mailbox_init_storage(struct mailbox *box,
				 struct lazy_expunge_mailbox *lbox)
{
	const char *name, *legal_name;

	lbox->storage = lazy_expunge_storage_match(lbox->luser, box->list->ns,
						   box->vname);
	if (lbox->storage == NULL)
		return;
	if (lbox->luser->set.quota_ignore) {
		lbox->quota_context =
			lazy_expunge_compat_quota_mailbox_allocated(box);
	}
	if (lbox->storage->ns_mode ||
	    lazy_expunge_storage_match_name(lbox->luser, box->list->ns,
					    box->vname) == NULL)
		return;
	name = lbox->storage->name;
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
	v->save_begin = lazy_mailbox_save_begin;
	v->copy = lazy_mailbox_copy;
	v->transaction_commit = lazy_expunge_transaction_commit;
	v->transaction_rollback = lazy_expunge_transaction_rollback;
	MODULE_CONTEXT_SET(box, lazy_expunge_storage_module, lbox);
	T_BEGIN {
		mailbox_init_storage(box, lbox);
	} T_END;
	if (lbox->storage == NULL)
		return;
	v->sync_deinit = lazy_mailbox_sync_deinit;
	if (v->list_index_has_changed != NULL)
		v->list_index_has_changed = lazy_mailbox_list_index_has_changed;
}
