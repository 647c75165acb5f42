/* Transaction logs and caches of mail that went, see the header. */

#include "lib.h"
#include "array.h"
#include "mail-cache.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mail-storage-settings.h"
#include "account/storages.h"
#include "formats/format.h"
#include "formats/index-logs.h"
#include "formats/mdbox-global-map.h"
#include "retention/due.h"
#include "retention/logs.h"

#include <sys/stat.h>

/* less of a cache is not worth its writing */
#define LOGS_CACHE_MIN_SIZE (32 * 1024)

struct logs {
	struct lazy_expunge_user *luser;
	time_t now, next;
};

static bool logs_time_has_come(struct logs *logs, time_t time)
{
	if (time <= logs->now)
		return TRUE;
	if (logs->next == 0 || time < logs->next)
		logs->next = time;
	return FALSE;
}

/* path: of the log. Returns TRUE if Dovecot would do something about it. */
static bool logs_are_due(struct logs *logs, const struct mail_storage *storage,
			 const char *path)
{
	const struct mail_storage_settings *set = storage->set;
	struct stat st;

	if (stat(t_strconcat(path, ".2", NULL), &st) == 0 &&
	    logs_time_has_come(logs, st.st_mtime +
			       (time_t)set->mail_index_log2_max_age))
		return TRUE;
	return stat(path, &st) == 0 &&
		(uoff_t)st.st_size >= set->mail_index_log_rotate_min_size &&
		logs_time_has_come(logs, st.st_mtime + 1 +
				   (time_t)set->mail_index_log_rotate_min_age);
}

static bool cache_is_large(const char *dir)
{
	struct stat st;

	return stat(t_strconcat(dir, "/"MAIL_INDEX_PREFIX".cache", NULL),
		    &st) == 0 && st.st_size >= LOGS_CACHE_MIN_SIZE;
}

static void logs_purge_cache(struct mailbox *box)
{
	if (mail_index_get_header(box->view)->messages_count == 0 &&
	    mail_cache_open_and_verify(box->cache) > 0)
		(void)mail_cache_purge(box->cache, (uint32_t)-1,
				       "lazy_expunge maintain");
}

/* Frees the mailbox, which is not open. */
static void logs_maintain_box(struct logs *logs, struct mailbox *box,
			      bool storage)
{
	const char *dir, *path;

	if (mailbox_get_path_to(box, MAILBOX_LIST_PATH_TYPE_INDEX, &dir) > 0) {
		path = t_strconcat(dir, "/"MAIL_INDEX_PREFIX".log", NULL);
		if (logs_are_due(logs, box->storage, path) &&
		    mailbox_open(box) == 0) {
			lazy_expunge_index_logs_sync(box);
			if (storage && cache_is_large(dir))
				logs_purge_cache(box);
			/* for the time of what is there now */
			(void)logs_are_due(logs, box->storage, path);
		}
	}
	mailbox_free(&box);
}

/* It is seen to as a storage, whether it has a retention or not. */
static bool storage_is_one(const struct lazy_expunge_storage *storage)
{
	return !lazy_expunge_storage_is_many(storage) && storage->ns != NULL;
}

static void logs_retention(struct mail_namespace *ns, const char *vname,
			   void *context)
{
	struct logs *logs = context;
	const struct lazy_expunge_storage *storage =
		lazy_expunge_storage_match(logs->luser, ns, vname);
	struct mailbox *box;

	if (storage != NULL && storage_is_one(storage))
		return;
	box = mailbox_alloc(ns->list, vname, MAILBOX_FLAG_IGNORE_ACLS);
	logs_maintain_box(logs, box, storage != NULL);
}

static void logs_storages(struct logs *logs)
{
	struct lazy_expunge_storage *storage;
	struct mailbox *box;

	array_foreach_elem(lazy_expunge_user_storages(logs->luser), storage) {
		if (!storage_is_one(storage))
			continue;
		box = mailbox_alloc(storage->ns->list,
				    lazy_expunge_storage_legal_vname(storage),
				    MAILBOX_FLAG_IGNORE_ACLS);
		logs_maintain_box(logs, box, TRUE);
	}
}

static void logs_inbox(struct logs *logs)
{
	struct mail_namespace *ns =
		mail_namespace_find_inbox(logs->luser->user->namespaces);
	struct mailbox *box;

	box = mailbox_alloc(ns->list, "INBOX", MAILBOX_FLAG_IGNORE_ACLS);
	if (lazy_expunge_box_format(box) != LAZY_EXPUNGE_FORMAT_OTHER)
		logs_maintain_box(logs, box, FALSE);
	else
		mailbox_free(&box);
}

/* Namespaces may share a storage and its map: the second finds nothing to do. */
static void logs_maps(struct logs *logs)
{
	struct mail_namespace *ns;
	struct mail_storage *storage;
	const char *path;

	for (ns = logs->luser->user->namespaces; ns != NULL; ns = ns->next) {
		if (ns->type != MAIL_NAMESPACE_TYPE_PRIVATE ||
		    ns->alias_for != NULL)
			continue;
		storage = mail_namespace_get_default_storage(ns);
		if (lazy_expunge_storage_format(storage) !=
		    LAZY_EXPUNGE_FORMAT_MDBOX)
			continue;
		path = lazy_expunge_mdbox_map_log_path(ns);
		if (path != NULL && logs_are_due(logs, storage, path)) {
			lazy_expunge_mdbox_map_sync(storage);
			(void)logs_are_due(logs, storage, path);
		}
	}
}

time_t lazy_expunge_logs_maintain(struct lazy_expunge_user *luser, time_t now)
{
	struct logs logs = { .luser = luser, .now = now };
	struct lazy_expunge_error error;

	/* errors were said when the same mailboxes were expunged */
	(void)lazy_expunge_due_mailboxes(luser, logs_retention, &logs, &error);
	logs_storages(&logs);
	logs_inbox(&logs);
	logs_maps(&logs);
	return logs.next;
}
