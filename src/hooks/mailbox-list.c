/* Mailbox list hooks: the storage's name in layouts that forbid it, keeping it
   out of sight of users, and the end of a mailbox. */

#include "lib.h"
#include "array.h"
#include "mail-namespace.h"
#include "mailbox-tree.h"
#include "compat/dovecot.h"
#include "account/storage-spelling.h"
#include "settings/read.h"
#include "formats/maildir-delete.h"
#include "hooks/autoexpunge.h"
#include "hooks/context.h"
#include "account/storages.h"
#include "hooks/hooks.h"
#include "hooks/protect.h"

#define LAZY_EXPUNGE_LIST_CONTEXT_REQUIRE(obj) \
	MODULE_CONTEXT_REQUIRE(obj, lazy_expunge_mailbox_list_module)

#define LAZY_EXPUNGE_LIST_ITER(obj) \
	MODULE_CONTEXT(obj, lazy_expunge_mailbox_list_module)

struct lazy_expunge_mailbox_list {
	union mailbox_list_module_context module_ctx;
	struct lazy_expunge_user *luser;
	/* inside list_has_visible_children() */
	bool counting_children;
};

/* An iteration in which ACLs do not hide the storage. */
struct lazy_expunge_list_iter {
	union mailbox_list_iterate_module_context module_ctx;
};

static MODULE_CONTEXT_DEFINE_INIT(lazy_expunge_mailbox_list_module,
				  &mailbox_list_module_register);

static const char *
storage_spelled_name(struct lazy_expunge_storage *st, struct mailbox_list *list,
		 const char *vname)
{
	return lazy_expunge_storage_spelled_name(st, list,
			lazy_expunge_name_without_prefix(list->ns, vname));
}

static const char *
list_get_storage_name(struct mailbox_list *list, const char *vname)
{
	struct lazy_expunge_mailbox_list *llist =
		LAZY_EXPUNGE_LIST_CONTEXT_REQUIRE(list);
	struct lazy_expunge_storage *st;

	st = lazy_expunge_storage_match_name(llist->luser, list->ns, vname);
	if (st != NULL && !st->ns_mode) {
		vname = t_strconcat(list->ns->prefix,
			lazy_expunge_storage_legal_name(list,
				storage_spelled_name(st, list, vname)), NULL);
	}
	return llist->module_ctx.super.get_storage_name(list, vname);
}

static const char *
list_get_vname(struct mailbox_list *list, const char *storage_name)
{
	struct lazy_expunge_mailbox_list *llist =
		LAZY_EXPUNGE_LIST_CONTEXT_REQUIRE(list);
	struct lazy_expunge_storage *st;
	const char *vname;

	vname = llist->module_ctx.super.get_vname(list, storage_name);
	st = lazy_expunge_storage_match_name(llist->luser, list->ns, vname);
	if (st != NULL && !st->ns_mode) {
		vname = t_strconcat(list->ns->prefix,
				    storage_spelled_name(st, list, vname), NULL);
	}
	return vname;
}

/* What is protected is hidden from other users. */
static bool user_hides_any(struct lazy_expunge_user *luser)
{
	struct lazy_expunge_storage *st;

	if (!lazy_expunge_settings_are_per_mailbox())
		return luser->set.hidden || luser->set.protect;
	array_foreach_elem(lazy_expunge_user_storages(luser), st) {
		if (st->hidden || st->protect)
			return TRUE;
	}
	return FALSE;
}

/* TRUE if it is another user's, and not for this one. */
static bool
list_withholds(const struct lazy_expunge_storage *st,
	       struct mail_namespace *ns, const char *vname)
{
	struct mailbox *box;
	bool withheld;

	if (!st->protect || ns->type != MAIL_NAMESPACE_TYPE_SHARED)
		return FALSE;
	box = mailbox_alloc(ns->list, vname, 0);
	withheld = lazy_expunge_protect_look(box) < 0;
	mailbox_free(&box);
	return withheld;
}

static bool list_hides_storage(const struct lazy_expunge_storage *st,
			       struct mail_namespace *ns, const char *vname)
{
	return st->hidden || list_withholds(st, ns, vname);
}

/* TRUE if the mailbox is a storage that users do not see. */
static bool
list_hides(struct lazy_expunge_mailbox_list *llist, struct mail_namespace *ns,
	   const char *vname)
{
	struct lazy_expunge_storage *st =
		lazy_expunge_storage_match(llist->luser, ns, vname);

	return st != NULL && list_hides_storage(st, ns, vname);
}

/* TRUE if the iteration is one whose names a user sees: LIST, LSUB, NOTIFY and
   the patterns of virtual mailboxes. Retention, quota, ACL lists, dsync and
   GUID look-ups iterate without aliases or raw. */
static bool list_iter_is_for_user(struct lazy_expunge_mailbox_list *llist,
				  enum mailbox_list_iter_flags flags)
{
	return user_hides_any(llist->luser) && !llist->luser->by_admin &&
		(flags & (MAILBOX_LIST_ITER_SKIP_ALIASES |
			  MAILBOX_LIST_ITER_RAW_LIST)) == 0 &&
		!llist->luser->user->deinitializing;
}

/* TRUE if ACLs may hide a storage that is a mailbox of the namespace. */
static bool list_may_hide_storage(struct lazy_expunge_mailbox_list *llist,
				  struct mail_namespace *ns)
{
	struct lazy_expunge_storage *st;

	if (!lazy_expunge_compat_user_has_plugin(llist->luser->user, "acl"))
		return FALSE;
	array_foreach_elem(lazy_expunge_user_storages(llist->luser), st) {
		if (!st->ns_mode && st->ns == ns)
			return TRUE;
	}
	return FALSE;
}

static struct mailbox_list_iterate_context *
list_iter_init(struct mailbox_list *list, const char *const *patterns,
	       enum mailbox_list_iter_flags flags)
{
	struct lazy_expunge_mailbox_list *llist =
		LAZY_EXPUNGE_LIST_CONTEXT_REQUIRE(list);
	struct lazy_expunge_list_iter *liter;
	struct mailbox_list_iterate_context *ctx;
	bool show_storage = FALSE;

	/* Retention is the administrator's, so Dovecot opens a mailbox for it
	   whatever the user's rights are there. Find the storage likewise. */
	if ((flags & MAILBOX_LIST_ITER_RAW_LIST) == 0 &&
	    lazy_expunge_is_within_autoexpunge()) {
		show_storage = list_may_hide_storage(llist, list->ns);
		if (show_storage ||
		    lazy_expunge_is_storage_namespace(llist->luser, list->ns))
			flags |= MAILBOX_LIST_ITER_RAW_LIST;
	}
	ctx = llist->module_ctx.super.iter_init(list, patterns, flags);
	if (show_storage) {
		liter = p_new(ctx->pool, struct lazy_expunge_list_iter, 1);
		MODULE_CONTEXT_SET(ctx, lazy_expunge_mailbox_list_module,
				   liter);
	}
	return ctx;
}

static bool list_has_visible_children(struct mailbox_list *list,
				      const char *parent)
{
	struct lazy_expunge_mailbox_list *llist =
		LAZY_EXPUNGE_LIST_CONTEXT_REQUIRE(list);
	const char sep[] = { mail_namespace_get_sep(list->ns), '\0' };
	struct mailbox_list_iterate_context *iter;
	const struct mailbox_info *info;
	bool found = FALSE;

	/* of those between it and the storage none counts */
	llist->counting_children = TRUE;
	iter = mailbox_list_iter_init(list, t_strconcat(parent, sep, "*", NULL),
				      0);
	while (!found && (info = mailbox_list_iter_next(iter)) != NULL) {
		found = (info->flags & (MAILBOX_NOSELECT |
					MAILBOX_NONEXISTENT)) == 0;
	}
	if (mailbox_list_iter_deinit(&iter) < 0)
		found = TRUE;
	llist->counting_children = FALSE;
	return found;
}

/* The storage may be the only child of a mailbox, which then must not claim to
   have children. NULL if it is there for these alone. */
static const struct mailbox_info *
list_iter_fix_children(struct mailbox_list_iterate_context *ctx,
		       struct lazy_expunge_mailbox_list *llist,
		       const struct mailbox_info *info)
{
	struct lazy_expunge_storage *st;
	struct mailbox_info *info_copy;
	const char *vname;
	size_t len = strlen(info->vname);
	const char sep = mail_namespace_get_sep(ctx->list->ns);

	if ((info->flags & MAILBOX_CHILDREN) == 0 || llist->counting_children)
		return info;
	array_foreach_elem(lazy_expunge_user_storages(llist->luser), st) {
		if (st->ns != ctx->list->ns || st->ns_mode || !st->hidden)
			continue;
		vname = lazy_expunge_storage_vname(st);
		/* of a tree each mailbox may have a child */
		if ((!st->tree || *st->name_end == '\0') &&
		    (strncmp(vname, info->vname, len) != 0 ||
		     vname[len] != sep))
			continue;
		if (list_has_visible_children(ctx->list, info->vname))
			continue;
		if ((info->flags & (MAILBOX_NOSELECT |
				    MAILBOX_NONEXISTENT)) != 0)
			return NULL;
		info_copy = p_new(ctx->pool, struct mailbox_info, 1);
		*info_copy = *info;
		info_copy->flags &= ENUM_NEGATE(MAILBOX_CHILDREN);
		info_copy->flags |= MAILBOX_NOCHILDREN;
		return info_copy;
	}
	return info;
}

/* The acl plugin gets a mailbox from here and looks at the flags: the storage
   alone is none of its business. */
static const struct mailbox_info *
list_iter_next_raw(struct lazy_expunge_mailbox_list *llist,
		   struct mailbox_list_iterate_context *ctx)
{
	struct lazy_expunge_list_iter *liter = LAZY_EXPUNGE_LIST_ITER(ctx);
	const struct mailbox_info *info;

	if (liter == NULL)
		return llist->module_ctx.super.iter_next(ctx);
	ctx->flags &= ENUM_NEGATE(MAILBOX_LIST_ITER_RAW_LIST);
	info = llist->module_ctx.super.iter_next(ctx);
	if (info != NULL &&
	    lazy_expunge_storage_match(llist->luser, ctx->list->ns,
				       info->vname) != NULL)
		ctx->flags |= MAILBOX_LIST_ITER_RAW_LIST;
	return info;
}

/* What is not returned is not renamed by Dovecot to its normalized name, by which
   alone the storage is opened. */
static void list_mend_spelling(struct lazy_expunge_mailbox_list *llist,
			       struct lazy_expunge_storage *st,
			       struct mailbox_list *list, const char *vname)
{
	const char *normalized;

	if (lazy_expunge_storage_is_many(st) || st->ns->list != list)
		return;
	T_BEGIN {
		normalized = lazy_expunge_compat_name_normalize(list, vname);
		if (strcmp(normalized, vname) != 0) {
			(void)lazy_expunge_spelling_mend(llist->luser, st->ns,
				lazy_expunge_storage_legal_vname(st));
		}
	} T_END;
}

static const struct mailbox_info *
list_iter_next(struct mailbox_list_iterate_context *ctx)
{
	struct lazy_expunge_mailbox_list *llist =
		LAZY_EXPUNGE_LIST_CONTEXT_REQUIRE(ctx->list);
	const struct mailbox_info *info;
	struct lazy_expunge_storage *st;

	for (;;) {
		info = list_iter_next_raw(llist, ctx);
		if (info == NULL || !list_iter_is_for_user(llist, ctx->flags))
			return info;
		st = lazy_expunge_storage_match(llist->luser, ctx->list->ns,
						info->vname);
		if (st != NULL && list_hides_storage(st, ctx->list->ns,
						     info->vname)) {
			list_mend_spelling(llist, st, ctx->list, info->vname);
			continue;
		}
		T_BEGIN {
			info = list_iter_fix_children(ctx, llist, info);
		} T_END;
		if (info != NULL)
			return info;
	}
}

/* Subscriptions are listed from a tree of their own, also those of mailboxes
   that the iteration does not return. */
static int list_subscriptions_refresh(struct mailbox_list *src_list,
				      struct mailbox_list *dest_list)
{
	struct lazy_expunge_mailbox_list *llist =
		LAZY_EXPUNGE_LIST_CONTEXT_REQUIRE(src_list);
	struct mail_namespace *namespaces = src_list->ns->user->namespaces;
	struct mailbox_tree_iterate_context *iter;
	struct mailbox_node *node;
	const char *vname;

	if (llist->module_ctx.super.subscriptions_refresh(src_list,
							  dest_list) < 0)
		return -1;
	if (!list_iter_is_for_user(llist, 0) || namespaces == NULL ||
	    dest_list->subscriptions == NULL)
		return 0;
	iter = mailbox_tree_iterate_init(dest_list->subscriptions, NULL,
					 MAILBOX_SUBSCRIBED);
	while ((node = mailbox_tree_iterate_next(iter, &vname)) != NULL) {
		if (list_hides(llist, mail_namespace_find(namespaces, vname),
			       vname))
			node->flags &= ENUM_NEGATE(MAILBOX_SUBSCRIBED);
	}
	mailbox_tree_iterate_deinit(&iter);
	return 0;
}

static int list_notify_next(struct mailbox_list_notify *notify,
			    const struct mailbox_list_notify_rec **rec_r)
{
	struct lazy_expunge_mailbox_list *llist =
		LAZY_EXPUNGE_LIST_CONTEXT_REQUIRE(notify->list);
	int ret;

	do {
		ret = llist->module_ctx.super.notify_next(notify, rec_r);
	} while (ret > 0 && list_iter_is_for_user(llist, 0) &&
		 (*rec_r)->vname != NULL &&
		 list_hides(llist, notify->list->ns, (*rec_r)->vname));
	return ret;
}

static int list_delete_mailbox(struct mailbox_list *list, const char *name)
{
	struct lazy_expunge_mailbox_list *llist =
		LAZY_EXPUNGE_LIST_CONTEXT_REQUIRE(list);
	int ret;

	if (lazy_expunge_maildir_delete_begin(list, name) < 0)
		return -1;
	ret = llist->module_ctx.super.delete_mailbox(list, name);
	if (ret < 0)
		lazy_expunge_maildir_delete_undo(list, name);
	return ret;
}

/* The namespaces are not known yet, only this one. */
static bool is_storage_namespace(const struct lazy_expunge_settings *set,
				 struct mail_namespace *ns)
{
	const char *variable = strstr(set->storage,
				      LAZY_EXPUNGE_MAILBOX_VARIABLE);
	size_t len = strlen(set->storage);

	if (variable != NULL) {
		if (strcmp(variable, LAZY_EXPUNGE_MAILBOX_VARIABLE) != 0)
			return FALSE;
		len = variable - set->storage;
	}
	return len > 0 && strncmp(ns->prefix, set->storage, len) == 0 &&
		(ns->prefix_len == len || ns->prefix_len == len + 1) &&
		(ns->flags & NAMESPACE_FLAG_INBOX_USER) == 0;
}

void lazy_expunge_mailbox_list_created(struct mailbox_list *list)
{
	struct lazy_expunge_user *luser =
		lazy_expunge_user_find(list->ns->user);
	struct mailbox_list_vfuncs *v = list->vlast;
	struct lazy_expunge_mailbox_list *llist;

	if (luser == NULL || luser->set.error != NULL)
		return;
	llist = p_new(list->pool, struct lazy_expunge_mailbox_list, 1);
	llist->luser = luser;
	llist->module_ctx.super = *v;
	list->vlast = &llist->module_ctx.super;
	v->get_storage_name = list_get_storage_name;
	v->get_vname = list_get_vname;
	v->iter_init = list_iter_init;
	v->iter_next = list_iter_next;
	v->subscriptions_refresh = list_subscriptions_refresh;
	v->notify_next = list_notify_next;
	v->delete_mailbox = list_delete_mailbox;
	MODULE_CONTEXT_SET(list, lazy_expunge_mailbox_list_module, llist);
	if (is_storage_namespace(&luser->set, list->ns))
		lazy_expunge_compat_list_set_plain_inbox(list);
}
