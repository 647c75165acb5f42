/* Marks an mdbox storage while copies are committed to it, see the header. */

#include "lib.h"
#include "mail-storage-private.h"
#include "mail-index-private.h"
#include "mailbox-list-private.h"
#include "mailbox-list-index.h"
#include "lazy-expunge-destination.h"
#include "lazy-expunge-lock.h"
#include "lazy-expunge-user.h"
#include "lazy-expunge-unclean.h"

#include <fcntl.h>
#include <unistd.h>

#define MARK_FNAME "dovecot.lazy-expunge.unclean"

/* The storage's mark (data stack), NULL if it needs none. */
static const char *mark_path(struct mailbox *box)
{
	const char *root;

	if (strcmp(box->storage->name, "mdbox") != 0 ||
	    !mailbox_list_get_root_path(box->list, MAILBOX_LIST_PATH_TYPE_DIR,
					&root))
		return NULL;
	return t_strconcat(root, "/"MARK_FNAME, NULL);
}

bool lazy_expunge_unclean_begin(struct mailbox *box)
{
	struct lazy_expunge_user *luser =
		lazy_expunge_user_get(box->storage->user);
	const char *path;
	int fd;

	if (luser == NULL || !lazy_expunge_lock_is_held(luser))
		return FALSE;
	path = mark_path(box);
	if (path == NULL)
		return FALSE;
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	if (fd == -1) {
		e_debug(box->event, "lazy_expunge: open(%s) failed: %m", path);
		return FALSE;
	}
	i_close_fd(&fd);
	return TRUE;
}

void lazy_expunge_unclean_end(struct mailbox *box)
{
	(void)i_unlink_if_exists(mark_path(box));
}

static int storage_resync(struct lazy_expunge_user *luser, struct mailbox *box)
{
	struct mailbox *other;
	int ret = 0;

	other = lazy_expunge_mailbox_alloc(luser, box->list->ns, box->vname, 0);
	if (mailbox_open(other) < 0 ||
	    mailbox_sync(other, MAILBOX_SYNC_FLAG_FORCE_RESYNC |
			 MAILBOX_SYNC_FLAG_FIX_INCONSISTENT) < 0) {
		e_debug(box->event, "lazy_expunge: Cannot repair the storage: "
			"%s", mailbox_get_last_internal_error(other, NULL));
		ret = -1;
	}
	mailbox_free(&other);
	return ret;
}

static void repair(struct lazy_expunge_user *luser, struct mailbox *box)
{
	const char *path = mark_path(box), *error;

	if (path == NULL || access(path, F_OK) < 0 ||
	    lazy_expunge_lock_get(luser, 0, &error) <= 0)
		return;
	/* Who sets the mark has the lock, so whoever set it is gone. The lock
	   was not waited for: an open may be within other locks, for which
	   its holder waits. */
	if (access(path, F_OK) == 0) {
		luser->repairing = TRUE;
		if (storage_resync(luser, box) == 0)
			(void)i_unlink_if_exists(path);
		luser->repairing = FALSE;
	}
	lazy_expunge_lock_put(luser);
}

/* TRUE if the open is part of a sync of the mailbox list's index: nothing that
   syncs may be done then. */
static bool list_is_syncing(struct mailbox *box)
{
	struct mailbox_list_index *ilist = INDEX_LIST_CONTEXT(box->list);

	return ilist != NULL &&
		(ilist->syncing ||
		 (ilist->index != NULL && ilist->index->syncing));
}

void lazy_expunge_unclean_repair(struct lazy_expunge_user *luser,
				 struct mailbox *box)
{
	/* with the lock a commit of this process may be under way */
	if (luser->repairing || lazy_expunge_lock_is_held(luser) ||
	    list_is_syncing(box))
		return;
	T_BEGIN {
		repair(luser, box);
	} T_END;
}
