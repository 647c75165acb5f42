/* Check of the storage's index on mdbox, where it alone knows what the storage
   has: Dovecot's repair would put that back to where it was deleted. */

#include "lib.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mailbox-list-iter.h"
#include "mdbox-storage.h"
#include "account/storage-names.h"
#include "account/storages.h"
#include "account/user.h"
#include "check/check.h"

#include <sys/stat.h>

/* The mailbox must not be opened: that makes a new index. */
static bool index_is_lost(struct lazy_expunge_user *luser,
			  struct mail_namespace *ns, const char *vname)
{
	struct mailbox *box =
		lazy_expunge_mailbox_alloc(luser, ns, vname, 0);
	const char *path, *index_path;
	struct stat st;
	bool lost;

	lost = strcmp(box->storage->name, MDBOX_STORAGE_NAME) == 0 &&
		mailbox_get_path_to(box, MAILBOX_LIST_PATH_TYPE_MAILBOX,
				    &path) > 0 &&
		stat(path, &st) == 0 &&
		mailbox_get_path_to(box, MAILBOX_LIST_PATH_TYPE_INDEX,
				    &index_path) > 0 &&
		stat(t_strconcat(index_path, "/"MAIL_INDEX_PREFIX".log",
				 NULL), &st) < 0 && errno == ENOENT &&
		stat(t_strconcat(index_path, "/"MAIL_INDEX_PREFIX,
				 NULL), &st) < 0 && errno == ENOENT;
	mailbox_free(&box);
	return lost;
}

static const char *
find_lost_in_tree(struct lazy_expunge_user *luser, struct mail_namespace *ns)
{
	const enum mailbox_list_iter_flags flags =
		MAILBOX_LIST_ITER_RAW_LIST | MAILBOX_LIST_ITER_NO_AUTO_BOXES |
		MAILBOX_LIST_ITER_SKIP_ALIASES;
	struct mailbox_list_iterate_context *iter;
	const struct mailbox_info *info;
	const char *lost = NULL;

	iter = mailbox_list_iter_init(ns->list, t_strconcat(ns->prefix, "*",
							    NULL), flags);
	while (lost == NULL && (info = mailbox_list_iter_next(iter)) != NULL) {
		if ((info->flags & (MAILBOX_NOSELECT |
				    MAILBOX_NONEXISTENT)) == 0 &&
		    index_is_lost(luser, ns, info->vname))
			lost = t_strdup(info->vname);
	}
	/* what cannot be listed is said by other rows */
	(void)mailbox_list_iter_deinit(&iter);
	return lost;
}

bool lazy_expunge_check_index(struct lazy_expunge_findings *findings,
			      struct lazy_expunge_user *luser,
			      struct lazy_expunge_storage *storage)
{
	const char *lost = NULL;

	if (storage->ns == NULL || storage->error != NULL)
		return TRUE;
	if (storage->ns_mode)
		lost = find_lost_in_tree(luser, storage->ns);
	else if (index_is_lost(luser, storage->ns,
			       lazy_expunge_storage_legal_vname(storage)))
		lost = lazy_expunge_storage_vname(storage);
	if (lost == NULL)
		return TRUE;
	lazy_expunge_findings_add(findings, "index",
		LAZY_EXPUNGE_FINDING_FAIL, t_strdup_printf(
		"%s has lost its index, which alone knows what is kept there",
		lost), "put the dovecot.index files back from a backup; "
		"doveadm force-resync returns kept mail to where it was "
		"deleted (doc/OPERATIONS.md)");
	return FALSE;
}
