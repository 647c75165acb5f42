/* Check of what users see of the storage and may do there: as imap has it, where
   they look. POP3 has the INBOX alone, and deliveries have no user. */

#include "lib.h"
#include "array.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "compat/dovecot.h"
#include "account/plugin-module.h"
#include "account/storages.h"
#include "check/sessions.h"
#include "check/check.h"

#define OK LAZY_EXPUNGE_FINDING_OK
#define WARN LAZY_EXPUNGE_FINDING_WARN
#define FAIL LAZY_EXPUNGE_FINDING_FAIL
#define FOREIGN_REMEDY "install dovecot-lazy-expunge over it"
#define ACLS_UNKNOWN ", unless ACLs prevent it, which doveadm does not load"

/* imap's sessions, by one configuration. */
struct view {
	struct mail_user *session;
	struct lazy_expunge_user *luser;
	bool has_acls;
	/* it has, and doveadm has not */
	bool acls_unknown;
};

/* What holds for a storage there. */
struct sight {
	bool hidden, protect;
	/* what ACLs leave to the user is as if it were */
	bool acl_hidden, acl_protect;
};

/* The storage, in what runs and in what the files say. */
struct sights {
	struct sight running, files;
	/* only imap has ACLs */
	bool acls_unknown;
};

/* What cannot be told of imap is taken from doveadm. */
static void view_init(struct view *view, struct lazy_expunge_user *luser,
		      struct lazy_expunge_sessions *sessions)
{
	const char *error;

	if (sessions == NULL ||
	    lazy_expunge_sessions_user(sessions, "imap", luser->user,
				       &view->session, &error) < 0)
		view->session = luser->user;
	else
		view->acls_unknown = lazy_expunge_sessions_lack_acl(sessions);
	if (lazy_expunge_compat_user_has_plugin(view->session, "lazy_expunge"))
		view->luser = lazy_expunge_user_get(view->session);
	view->has_acls = lazy_expunge_compat_user_has_plugin(view->session,
							     "acl");
}

static void view_deinit(struct view *view, struct lazy_expunge_user *luser)
{
	if (view->session == luser->user)
		return;
	if (view->luser != NULL)
		lazy_expunge_user_release(view->luser);
	lazy_expunge_sessions_user_free(&view->session);
}

static void sight_get(const struct view *view, struct lazy_expunge_user *luser,
		      struct lazy_expunge_storage *storage,
		      struct sight *sight_r)
{
	const struct lazy_expunge_storage *st = view->luser == NULL ? NULL :
		lazy_expunge_user_storage_find(view->luser, storage->setting);

	i_zero(sight_r);
	if (st != NULL && st->ns != NULL) {
		sight_r->hidden = st->hidden;
		sight_r->protect = st->protect;
	}
	if (view->has_acls) {
		lazy_expunge_check_acl_denies(luser, storage,
					      &sight_r->acl_hidden,
					      &sight_r->acl_protect);
	}
	if (storage->ns_mode &&
	    (storage->ns->flags & (NAMESPACE_FLAG_LIST_PREFIX |
				   NAMESPACE_FLAG_LIST_CHILDREN)) == 0)
		sight_r->acl_hidden = TRUE;
}

/* The special-use flags that it has among the user's mailboxes, NULL if none.
   Data stack. */
static const char *
storage_special_use(struct lazy_expunge_user *luser,
		    struct lazy_expunge_storage *storage)
{
	const char *const *special_use, *flags = NULL;
	struct mailbox *box;

	if (storage->ns_mode)
		return NULL;
	box = lazy_expunge_mailbox_alloc(luser, storage->ns,
		lazy_expunge_storage_vname(storage), 0);
	special_use = lazy_expunge_compat_special_use(box);
	if (special_use != NULL && special_use[0] != NULL)
		flags = t_strarray_join(special_use, " ");
	mailbox_free(&box);
	return flags;
}

/* A mailbox that mail programs use without being told by a flag: they have it as
   subscribed, or make it under this name. */
static bool storage_is_used(struct lazy_expunge_user *luser,
			    struct lazy_expunge_storage *storage)
{
	static const char *const names[] = {
		"Trash", "Deleted Items", "Deleted Messages", "INBOX/Trash",
		"INBOX.Trash", NULL
	};
	struct mailbox *box;
	bool used;

	if (storage->ns_mode)
		return FALSE;
	box = lazy_expunge_mailbox_alloc(luser, storage->ns,
		lazy_expunge_storage_vname(storage), 0);
	used = mailbox_is_autosubscribed(box);
	mailbox_free(&box);
	return used || str_array_icase_find(names, storage->setting);
}

static void add_used(struct lazy_expunge_findings *findings,
		     struct lazy_expunge_storage *storage,
		     const struct sights *sights)
{
	const bool hidden = sights->running.hidden || sights->files.hidden;
	const bool protect = sights->running.protect || sights->files.protect;

	if (!hidden && !protect)
		return;
	lazy_expunge_findings_add(findings, "special-use", WARN,
		t_strdup_printf("the storage %s is a mailbox that mail programs "
			"use by its name or as subscribed, and %s",
			storage->setting, hidden ?
			"hidden: they do not find it" :
			"protected: they cannot move mail to it"),
		"choose another storage, or turn off lazy_expunge_hidden and "
		"lazy_expunge_protect");
}

/* Mail programs move what is deleted to the Trash, and look for it there. */
static void add_special_use(struct lazy_expunge_findings *findings,
			    struct lazy_expunge_storage *storage,
			    const struct sights *sights,
			    const char *special_use)
{
	const bool hidden = sights->running.hidden || sights->files.hidden;
	const bool protect = sights->running.protect || sights->files.protect;

	lazy_expunge_findings_add(findings, "special-use",
		hidden || protect ? FAIL : OK,
		t_strdup_printf("the storage %s is the users' %s%s",
			storage->setting, special_use, hidden ?
			", and hidden: they do not find it" : protect ?
			", and protected: they cannot move mail to it" : ""),
		"turn off lazy_expunge_hidden and lazy_expunge_protect, or "
		"choose another storage");
}

/* running, files: whether all is well. */
static void add_row(struct lazy_expunge_findings *findings, const char *id,
		    bool running, bool files, const char *good,
		    const char *bad, const char *remedy)
{
	if (running && files)
		lazy_expunge_findings_add(findings, id, OK, good, NULL);
	else if (running) {
		lazy_expunge_findings_add(findings, id, WARN, t_strconcat(
			bad, ", once Dovecot is reloaded", NULL), remedy);
	} else {
		lazy_expunge_findings_add(findings, id, WARN, bad, files ?
			"reload Dovecot: in its files this is mended" :
			remedy);
	}
}

static void add_storage(struct lazy_expunge_findings *findings,
			struct lazy_expunge_user *luser,
			struct lazy_expunge_storage *storage,
			const struct sights *sights)
{
	const struct sight *running = &sights->running;
	const struct sight *files = &sights->files;
	const char *special_use = storage_special_use(luser, storage);
	const char *unless = sights->acls_unknown ? ACLS_UNKNOWN : "";
	const bool special = special_use != NULL;

	if (special)
		add_special_use(findings, storage, sights, special_use);
	else if (storage_is_used(luser, storage))
		add_used(findings, storage, sights);
	add_row(findings, "hidden",
		running->hidden || running->acl_hidden || special,
		files->hidden || files->acl_hidden || special,
		special && !running->hidden ? "users see it, as they have to" :
		"users do not see the storage", t_strconcat(
		"users see the storage among their mailboxes", unless, NULL),
		"set lazy_expunge_hidden = yes, for imap, too");
	add_row(findings, "protected",
		running->protect || running->acl_protect || special,
		files->protect || files->acl_protect || special,
		running->protect ? "users can move mail out, nothing else" :
		running->acl_protect ?
		"ACLs leave users no right to delete there" :
		"users can delete for good what is in it, as they have to",
		t_strconcat("users can delete for good what is in the storage",
			    unless, NULL),
		"set lazy_expunge_protect = yes, for imap, too");
	lazy_expunge_check_acl(findings, luser, storage,
		(running->hidden || running->protect) &&
		(files->hidden || files->protect),
		running->protect && files->protect);
}

static void add_foreign(struct lazy_expunge_findings *findings)
{
	lazy_expunge_findings_add(findings, "hidden", FAIL,
		"the plugin that is loaded hides nothing", FOREIGN_REMEDY);
	lazy_expunge_findings_add(findings, "protected", FAIL,
		"the plugin that is loaded protects nothing", FOREIGN_REMEDY);
}

void lazy_expunge_check_visibility(
	struct lazy_expunge_findings *findings, struct lazy_expunge_user *luser,
	const struct lazy_expunge_check_config *config)
{
	struct lazy_expunge_storage *storage;
	struct view running, files;
	struct sights sights;

	if (lazy_expunge_plugin_module_foreign() != NULL) {
		add_foreign(findings);
		return;
	}
	i_zero(&running);
	i_zero(&files);
	view_init(&files, luser, config->files);
	view_init(&running, luser, config->running != NULL ? config->running :
		  config->files);
	array_foreach_elem(lazy_expunge_user_storages(luser), storage) {
		if (storage->ns == NULL)
			continue;
		T_BEGIN {
			sight_get(&running, luser, storage, &sights.running);
			sight_get(&files, luser, storage, &sights.files);
			sights.acls_unknown = running.acls_unknown ||
				files.acls_unknown;
			add_storage(findings, luser, storage, &sights);
		} T_END;
	}
	if (running.session != luser->user && files.session != luser->user) {
		lazy_expunge_check_blocks(findings, running.session,
					  files.session);
	}
	view_deinit(&running, luser);
	view_deinit(&files, luser);
}
