/* Check of the storage's index on mdbox, where it alone knows what the storage
   has: Dovecot's repair would put that back to where it was deleted. */

#include "lib.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "account/storage-list.h"
#include "account/storages.h"
#include "account/user.h"
#include "check/check.h"
#include "formats/format.h"

#include <sys/stat.h>

/* An INBOX may lie where a namespace has its root, which is there without it. */
static bool is_above_a_root(struct mail_user *user, const char *path)
{
	const size_t len = strlen(path);
	struct mail_namespace *ns;
	const char *root;

	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		if (mailbox_list_get_root_path(ns->list,
					       MAILBOX_LIST_PATH_TYPE_DIR,
					       &root) &&
		    strncmp(root, path, len) == 0 &&
		    (root[len] == '\0' || root[len] == '/'))
			return TRUE;
	}
	return FALSE;
}

/* The mailbox must not be opened: that makes a new index. */
static bool index_is_lost(struct lazy_expunge_user *luser,
			  struct mail_namespace *ns, const char *vname)
{
	struct mailbox *box =
		lazy_expunge_mailbox_alloc(luser, ns, vname, 0);
	const char *path, *index_path;
	struct stat st;
	bool lost;

	lost = lazy_expunge_box_format(box) == LAZY_EXPUNGE_FORMAT_MDBOX &&
		mailbox_get_path_to(box, MAILBOX_LIST_PATH_TYPE_MAILBOX,
				    &path) > 0 &&
		stat(path, &st) == 0 &&
		!is_above_a_root(luser->user, path) &&
		mailbox_get_path_to(box, MAILBOX_LIST_PATH_TYPE_INDEX,
				    &index_path) > 0 &&
		stat(t_strconcat(index_path, "/"MAIL_INDEX_PREFIX".log",
				 NULL), &st) < 0 && errno == ENOENT &&
		stat(t_strconcat(index_path, "/"MAIL_INDEX_PREFIX,
				 NULL), &st) < 0 && errno == ENOENT;
	mailbox_free(&box);
	return lost;
}

struct find_lost {
	struct lazy_expunge_user *luser;
	const char *lost;
};

static int find_lost(struct mail_namespace *ns, const char *vname,
		     void *context)
{
	struct find_lost *find = context;

	if (!index_is_lost(find->luser, ns, vname))
		return 0;
	find->lost = t_strdup(vname);
	return -1;
}

bool lazy_expunge_check_index(struct lazy_expunge_findings *findings,
			      struct lazy_expunge_user *luser,
			      struct lazy_expunge_storage *storage)
{
	struct find_lost find = { .luser = luser };
	enum mail_error code;
	const char *error;

	if (storage->ns == NULL || storage->error != NULL)
		return TRUE;
	/* what cannot be listed is said by other rows */
	(void)lazy_expunge_storage_list(luser, storage, find_lost, &find,
					&error, &code);
	if (find.lost == NULL)
		return TRUE;
	lazy_expunge_findings_add(findings, "index",
		LAZY_EXPUNGE_FINDING_FAIL, t_strdup_printf(
		"%s has lost its index, which alone knows what is kept there",
		lazy_expunge_storage_is_many(storage) ? find.lost :
		lazy_expunge_storage_vname(storage)), "put the dovecot.index files back from a backup; "
		"doveadm force-resync returns kept mail to where it was "
		"deleted (doc/OPERATIONS.md)");
	return FALSE;
}
