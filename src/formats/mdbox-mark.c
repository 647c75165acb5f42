/* Marks an mdbox storage while copies are committed to it, see the header. */

#include "lib.h"
#include "mail-storage-private.h"
#include "mailbox-list-private.h"
#include "dbox-storage.h"
#include "mdbox-storage.h"
#include "mdbox-map-private.h"
#include "formats/format.h"
#include "formats/list-index.h"
#include "account/lock.h"
#include "account/user.h"
#include "formats/mdbox-mark.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define MARK_FNAME "dovecot.lazy-expunge.unclean"
/* the same file while nobody commits */
#define CLEAN_FNAME "dovecot.lazy-expunge.clean"

struct unclean_paths {
	const char *mark, *clean;
};

/* The storage's mark (data stack). Returns FALSE if it needs none. */
static bool paths_get(struct mailbox *box, struct unclean_paths *paths_r)
{
	const char *root;

	if (lazy_expunge_box_format(box) != LAZY_EXPUNGE_FORMAT_MDBOX ||
	    !mailbox_list_get_root_path(box->list, MAILBOX_LIST_PATH_TYPE_DIR,
					&root))
		return FALSE;
	paths_r->mark = t_strconcat(root, "/"MARK_FNAME, NULL);
	paths_r->clean = t_strconcat(root, "/"CLEAN_FNAME, NULL);
	return TRUE;
}

/* Renaming a file costs much less than to create and unlink one: ext4 avoids
   inodes that were just freed. */
static int mark_set(const struct unclean_paths *paths)
{
	int fd;

	if (rename(paths->clean, paths->mark) == 0)
		return 0;
	if (errno != ENOENT)
		return -1;
	fd = open(paths->mark, O_WRONLY | O_CREAT, 0600);
	if (fd == -1)
		return -1;
	i_close_fd(&fd);
	return 0;
}

static void mark_remove(const struct unclean_paths *paths)
{
	if (rename(paths->mark, paths->clean) < 0)
		(void)i_unlink_if_exists(paths->mark);
}

bool lazy_expunge_unclean_begin(struct mailbox *box)
{
	struct lazy_expunge_user *luser =
		lazy_expunge_user_get(box->storage->user);
	struct unclean_paths paths;

	if (luser == NULL || !lazy_expunge_lock_is_held(luser) ||
	    !paths_get(box, &paths))
		return FALSE;
	/* Somebody else's commit was killed since this session has opened the
	   storage. Its mark stays until somebody repairs that. */
	if (access(paths.mark, F_OK) == 0)
		return FALSE;
	if (mark_set(&paths) < 0) {
		e_debug(box->event, "lazy_expunge: Cannot make %s: %m",
			paths.mark);
		return FALSE;
	}
	return TRUE;
}

void lazy_expunge_unclean_end(struct mailbox *box)
{
	struct unclean_paths paths;

	if (paths_get(box, &paths))
		mark_remove(&paths);
}

/* box is of mdbox. */
static int storage_resync(struct lazy_expunge_user *luser, struct mailbox *box)
{
	struct mdbox_storage *storage = MDBOX_STORAGE(box->storage);
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
	if (ret < 0)
		return -1;
	/* else 2.3 does not see that it was rebuilt, and does it again with each
	   mailbox (mdbox_map_is_fscked()) */
	(void)mail_index_reset_fscked(storage->map->index);
	return mdbox_map_refresh(storage->map);
}

int lazy_expunge_unclean_resync(struct lazy_expunge_user *luser,
				struct mailbox *box)
{
	return lazy_expunge_box_format(box) != LAZY_EXPUNGE_FORMAT_MDBOX ? 0 :
		storage_resync(luser, box);
}

/* mdbox only. A rebuild of the storage opens each of its mailboxes. */
static bool storage_is_rebuilding(struct mailbox *box)
{
	struct mdbox_storage *storage = MDBOX_STORAGE(box->storage);

	return storage->rebuilding_storage;
}

static void repair(struct lazy_expunge_user *luser, struct mailbox *box)
{
	struct unclean_paths paths;
	const char *error;

	if (!paths_get(box, &paths) || access(paths.mark, F_OK) < 0 ||
	    storage_is_rebuilding(box) ||
	    lazy_expunge_lock_get(luser, 0, &error) <= 0)
		return;
	/* Who sets the mark has the lock, so whoever set it is gone. The lock
	   was not waited for: an open may be within other locks, for which
	   its holder waits. */
	if (access(paths.mark, F_OK) == 0 && storage_resync(luser, box) == 0)
		mark_remove(&paths);
	lazy_expunge_lock_put(luser);
}

void lazy_expunge_unclean_repair(struct lazy_expunge_user *luser,
				 struct mailbox *box)
{
	/* with the lock a commit of this process may be under way, or a repair */
	if (lazy_expunge_lock_is_held(luser) ||
	    lazy_expunge_list_index_is_syncing(box))
		return;
	T_BEGIN {
		repair(luser, box);
	} T_END;
}

bool lazy_expunge_unclean_is_marked(struct mailbox *box)
{
	struct unclean_paths paths;
	bool marked;

	T_BEGIN {
		marked = paths_get(box, &paths) &&
			access(paths.mark, F_OK) == 0;
	} T_END;
	return marked;
}
