/* User hooks: create the context, say what is wrong with the settings, tell
   the quota plugin what not to count, hide a storage namespace. */

#include "lib.h"
#include "array.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "core/storage-name.h"
#include "compat/dovecot.h"
#include "core/account-record.h"
#include "hooks/catalog-hooks.h"
#include "hooks/context.h"
#include "account/storages.h"
#include "formats/format.h"
#include "hold/read-ahead.h"
#include "hooks/hooks.h"

#include <sys/stat.h>

static void user_hooks_deinit_pre(struct mail_user *user)
{
	struct lazy_expunge_hooks_user *huser =
		LAZY_EXPUNGE_HOOKS_USER_REQUIRE(user);

	struct lazy_expunge_user *luser = lazy_expunge_user_find(user);

	T_BEGIN {
		lazy_expunge_catalog_session_end(luser);
		/* no client waits for it any more */
		lazy_expunge_hold_read_kept(luser);
	} T_END;
	huser->module_ctx.super.deinit_pre(user);
}

static void user_hooks_deinit(struct mail_user *user)
{
	struct lazy_expunge_hooks_user *huser =
		LAZY_EXPUNGE_HOOKS_USER_REQUIRE(user);
	struct lazy_expunge_user *luser = lazy_expunge_user_find(user);

	huser->module_ctx.super.deinit(user);
	/* after super: the namespaces and mailboxes are gone only now */
	lazy_expunge_user_deinit(luser);
	i_free(huser->commit_error);
}

void lazy_expunge_mail_user_created(struct mail_user *user)
{
	struct lazy_expunge_user *luser = lazy_expunge_user_get(user);
	struct mail_user_vfuncs *v = user->vlast;
	struct lazy_expunge_hooks_user *huser;
	const struct lazy_expunge_settings *set = &luser->set;

	luser->by_hooks = TRUE;
	huser = p_new(user->pool, struct lazy_expunge_hooks_user, 1);
	huser->module_ctx.super = *v;
	user->vlast = &huser->module_ctx.super;
	v->deinit_pre = user_hooks_deinit_pre;
	v->deinit = user_hooks_deinit;
	MODULE_CONTEXT_SET(user, lazy_expunge_hooks_user_module, huser);

	if (user->autocreated) {
		/* the owner of a shared mailbox or a raw delivery: not the
		   one whose configuration is to be judged */
		return;
	}
	if (set->error != NULL) {
		e_error(user->event, "lazy_expunge: %s. No mail can be "
			"deleted until this is corrected.", set->error);
	} else if (*set->storage == '\0') {
		e_debug(user->event, "lazy_expunge: The plugin is loaded, but "
			"lazy_expunge is not set: deleted mail is not kept");
	} else if (lazy_expunge_settings_protect_nothing(set)) {
		e_warning(user->event, "lazy_expunge: lazy_expunge_exclude "
			  "names every mailbox: deleted mail is not kept");
	}
	if (set->error == NULL && set->quota_ignore && *set->storage != '\0')
		lazy_expunge_compat_quota_user_created(user, set->storage,
						       lazy_expunge_legal_name);
}

/* Once a process: it is the configuration's, not the user's. */
static void warn_of_formats(struct mail_namespace *namespaces)
{
	static bool warned = FALSE;
	struct mail_namespace *ns;
	struct mail_storage *storage;

	for (ns = namespaces; ns != NULL && !warned; ns = ns->next) {
		storage = mail_namespace_get_default_storage(ns);
		if (ns->type != MAIL_NAMESPACE_TYPE_PRIVATE ||
		    storage == NULL || lazy_expunge_storage_format(storage) !=
		    LAZY_EXPUNGE_FORMAT_OTHER)
			continue;
		e_warning(ns->user->event, "lazy_expunge: Deleted mail of the "
			  "format %s is not kept safely: use maildir, sdbox "
			  "or mdbox", storage->name);
		warned = TRUE;
	}
}

/* Where all that the user has is to be found, if it is in one place: then a
   single rename takes it away. */
static bool is_in_one_place(struct mail_user *user, const char *root)
{
	static const enum mailbox_list_path_type types[] = {
		MAILBOX_LIST_PATH_TYPE_DIR,
		MAILBOX_LIST_PATH_TYPE_ALT_DIR,
		MAILBOX_LIST_PATH_TYPE_CONTROL,
		MAILBOX_LIST_PATH_TYPE_INDEX,
	};
	const char *home, *path;
	struct mail_namespace *ns;

	if (mail_user_get_home(user, &home) > 0 &&
	    lazy_expunge_account_path_is_below(root, home))
		root = home;
	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		if (ns->type != MAIL_NAMESPACE_TYPE_PRIVATE ||
		    ns->alias_for != NULL)
			continue;
		for (unsigned int i = 0; i < N_ELEMENTS(types); i++) {
			if (mailbox_list_get_root_path(ns->list, types[i],
						       &path) &&
			    *path == '/' &&
			    !lazy_expunge_account_path_is_below(path, root))
				return FALSE;
		}
	}
	return TRUE;
}

/* The first part of an account that a command takes away is the mail of the
   INBOX, and it is the last to come back: as long as it is not there, and a file
   is in its place or above it, nothing of the rest must be seen. Only on 2.3
   Dovecot refuses that user itself. */
static bool is_being_moved(struct mail_user *user)
{
	struct mail_namespace *inbox =
		mail_namespace_find_inbox(user->namespaces);
	const char *root;
	struct stat st;

	if (inbox == NULL ||
	    !mailbox_list_get_root_path(inbox->list, MAILBOX_LIST_PATH_TYPE_DIR,
					&root) ||
	    is_in_one_place(user, root))
		return FALSE;
	if (stat(root, &st) < 0)
		return errno == ENOTDIR;
	return S_ISREG(st.st_mode);
}

void lazy_expunge_mail_namespaces_added(struct mail_namespace *namespaces)
{
	struct lazy_expunge_user *luser;

	if (namespaces == NULL)
		return;
	luser = lazy_expunge_user_find(namespaces->user);
	if (luser != NULL)
		lazy_expunge_user_storages_reset(luser);
}

void lazy_expunge_mail_namespaces_created(struct mail_namespace *namespaces)
{
	struct lazy_expunge_user *luser;
	struct lazy_expunge_storage *st;

	luser = lazy_expunge_user_find(namespaces->user);
	if (luser == NULL || luser->user->autocreated)
		return;
	if (is_being_moved(luser->user)) {
		luser->user->error = p_strdup(luser->user->pool,
			"The account is being moved (doveadm lazy-expunge "
			"account list)");
		return;
	}
	if (luser->set.error != NULL)
		return;
	if (array_count(lazy_expunge_user_storages(luser)) > 0)
		warn_of_formats(namespaces);
	if (event_find_field_recursive(luser->user->event,
				LAZY_EXPUNGE_COMPAT_FIELD_USER_AT) != NULL)
		return;
	array_foreach_elem(lazy_expunge_user_storages(luser), st) {
		if (st->error != NULL) {
			e_error(luser->user->event, "lazy_expunge: %s. No mail "
				"can be deleted until this is corrected.",
				st->error);
		} else if (st->ns_mode && st->hidden &&
			   !luser->by_admin) {
			/* keep its prefix out of LIST and NAMESPACE too */
			st->ns->flags |= NAMESPACE_FLAG_HIDDEN;
			st->ns->flags &= ENUM_NEGATE(
				NAMESPACE_FLAG_LIST_PREFIX |
				NAMESPACE_FLAG_LIST_CHILDREN);
		}
	}
}
