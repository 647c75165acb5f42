/* Idle users: what maintenance depends on, as a digest of settings and as
   watched files. */

#include "lib.h"
#include "array.h"
#include "hex-binary.h"
#include "sha1.h"
#include "str.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mail-storage-settings.h"
#include "mailbox-list-iter.h"
#include "mailbox-list-private.h"
#include "compat/dovecot.h"
#include "retention/due.h"
#include "retention/stamp.h"
#include "account/files.h"
#include "account/user.h"
#include "account/storages.h"
#include "core/hold-file.h"
#include "retention/watch.h"
#include "retention/idle.h"

/* A change that no file and no setting shows is found after this. More than a
   day by an hour, so that a daily run may come a little late. */
#define IDLE_MAX_SECS (25 * 60 * 60)

static bool is_maintained(struct mail_namespace *ns)
{
	return ns->alias_for == NULL;
}

static void digest_path(string_t *str, struct mail_namespace *ns,
			enum mailbox_list_path_type type)
{
	const char *path;

	if (!mailbox_list_get_root_path(ns->list, type, &path))
		path = "";
	str_append(str, path);
	/* cannot be part of a path */
	str_append_c(str, '\0');
}

static void digest_namespace(string_t *str, struct mail_namespace *ns)
{
	const struct mailbox_settings *block;
	struct mail_storage *storage = mail_namespace_get_default_storage(ns);

	str_printfa(str, "%s%c%d %s %s %u%c", ns->prefix, '\0', (int)ns->type,
		    storage->name, ns->list->name,
		    storage->set->mail_index_log2_max_age, '\0');
	digest_path(str, ns, MAILBOX_LIST_PATH_TYPE_MAILBOX);
	digest_path(str, ns, MAILBOX_LIST_PATH_TYPE_INDEX);
	digest_path(str, ns, MAILBOX_LIST_PATH_TYPE_ALT_DIR);
	for (unsigned int i = 0;; i++) {
		block = lazy_expunge_compat_mailbox_settings(ns, i);
		if (block == NULL)
			break;
		if (lazy_expunge_due_has_retention(block)) {
			str_printfa(str, "%s%c%u %u%c", block->name, '\0',
				    block->autoexpunge,
				    block->autoexpunge_max_mails, '\0');
		}
	}
}

/* A digest of all settings that say what is to be done, and where. */
static const char *idle_settings(struct lazy_expunge_user *luser)
{
	unsigned char digest[SHA1_RESULTLEN];
	struct lazy_expunge_storage *storage;
	struct mail_namespace *ns;
	string_t *str = t_str_new(512);

	str_printfa(str, "%s %d ", PACKAGE_VERSION, luser->set.hold ? 1 : 0);
	str_append(str, lazy_expunge_user_caps(luser));
	str_append_c(str, '\0');
	array_foreach_elem(lazy_expunge_user_storages(luser), storage)
		str_printfa(str, "%s%c", storage->setting, '\0');
	for (ns = luser->user->namespaces; ns != NULL; ns = ns->next) {
		if (is_maintained(ns))
			digest_namespace(str, ns);
	}
	sha1_get_digest(str_data(str), str_len(str), digest);
	return binary_to_hex(digest, sizeof(digest));
}

static bool idle_time_holds(const struct lazy_expunge_stamp *stamp, time_t now)
{
	/* a clock that was set back says that it was looked in the future */
	return stamp->next != 0 && stamp->looked <= now && stamp->next > now &&
		stamp->looked + IDLE_MAX_SECS > now;
}

static bool idle_files_hold(const struct lazy_expunge_stamp *stamp)
{
	const char *const *line;

	for (line = t_strsplit(stamp->watch, "\n"); *line != NULL; line++) {
		if (**line != '\0' && !lazy_expunge_watch_line_holds(*line))
			return FALSE;
	}
	return TRUE;
}

bool lazy_expunge_idle_holds(struct lazy_expunge_user *luser,
			     const struct lazy_expunge_stamp *stamp, time_t now)
{
	return idle_time_holds(stamp, now) &&
		strcmp(stamp->settings, idle_settings(luser)) == 0 &&
		idle_files_hold(stamp);
}

bool lazy_expunge_idle_holds_by_lookup(const struct lazy_expunge_stamp *stamp,
				       const char *lookup, time_t now)
{
	return idle_time_holds(stamp, now) && stamp->lookup != NULL &&
		strcmp(stamp->lookup, lookup) == 0 && idle_files_hold(stamp);
}

static void idle_watch_due(struct mail_namespace *ns, const char *vname,
			   void *context)
{
	struct lazy_expunge_watch *watch = context;

	lazy_expunge_watch_mailbox(watch, ns, vname);
}

static void idle_watch_namespace(struct lazy_expunge_watch *watch,
				 struct mail_namespace *ns)
{
	const struct mailbox_settings *block;

	for (unsigned int i = 0;; i++) {
		block = lazy_expunge_compat_mailbox_settings(ns, i);
		if (block == NULL)
			break;
		if (lazy_expunge_due_has_retention(block) &&
		    strpbrk(block->name, "*?") != NULL)
			lazy_expunge_watch_list(watch, ns);
	}
	if (ns->type == MAIL_NAMESPACE_TYPE_PRIVATE)
		lazy_expunge_watch_purge(watch, ns);
}

static void idle_watch_all(struct lazy_expunge_watch *watch,
			   struct lazy_expunge_user *luser,
			   struct mail_namespace *ns)
{
	struct mailbox_list_iterate_context *iter;
	const struct mailbox_info *info;

	lazy_expunge_watch_list(watch, ns);
	iter = mailbox_list_iter_init(ns->list,
				      t_strconcat(ns->prefix, "*", NULL),
				      lazy_expunge_due_list_flags(luser, ns));
	while ((info = mailbox_list_iter_next(iter)) != NULL)
		lazy_expunge_watch_mailbox(watch, ns, info->vname);
	/* what could not be listed fails the look, too */
	(void)mailbox_list_iter_deinit(&iter);
}

/* The storages count for the byte cap and the catalog, and have transaction
   logs. */
static void idle_watch_storages(struct lazy_expunge_watch *watch,
				struct lazy_expunge_user *luser, bool sums)
{
	struct lazy_expunge_storage *storage;
	const bool all = sums ||
		lazy_expunge_user_has_cap(luser);

	array_foreach_elem(lazy_expunge_user_storages(luser), storage) T_BEGIN {
		if (storage->ns == NULL)
			;
		else if (!lazy_expunge_storage_is_many(storage)) {
			lazy_expunge_watch_mailbox(watch, storage->ns,
				lazy_expunge_storage_legal_vname(storage));
		} else if (all)
			idle_watch_all(watch, luser, storage->ns);
		if (storage->ns != NULL && storage->root) {
			lazy_expunge_watch_mailbox(watch, storage->ns,
				lazy_expunge_storage_vname(storage));
		}
	} T_END;
}

struct lazy_expunge_watch *
lazy_expunge_idle_begin(struct lazy_expunge_user *luser, time_t now, bool sums)
{
	struct lazy_expunge_watch *watch = lazy_expunge_watch_init(now);
	struct lazy_expunge_error error;
	struct mail_namespace *ns;
	const char *path;

	/* a release lets go what was due before */
	path = lazy_expunge_place_path(luser->user, LAZY_EXPUNGE_HOLDS_FNAME);
	if (path != NULL)
		lazy_expunge_watch_file(watch, path);
	for (ns = luser->user->namespaces; ns != NULL; ns = ns->next) {
		if (is_maintained(ns))
			idle_watch_namespace(watch, ns);
	}
	/* the same failure is seen by the look */
	(void)lazy_expunge_due_mailboxes(luser, idle_watch_due, watch, &error);
	idle_watch_storages(watch, luser, sums);
	return watch;
}

void lazy_expunge_idle_end(struct lazy_expunge_user *luser,
			   struct lazy_expunge_watch *watch, time_t now,
			   time_t next, struct lazy_expunge_stamp *stamp)
{
	stamp->watch = lazy_expunge_watch_text(watch);
	if (stamp->watch == NULL)
		return;
	stamp->looked = now;
	stamp->next = now + IDLE_MAX_SECS;
	if (next != 0 && next < stamp->next)
		stamp->next = next;
	stamp->settings = idle_settings(luser);
}
