/* A new mailbox is on the disk, with its directories, before mail relies on
   it. */

#include "lib.h"
#include "fdatasync-path.h"
#include "mail-storage-private.h"
#include "core/account-record.h"
#include "formats/new-mailbox.h"

/* Where a mailbox lies: mdbox and sdbox know its mails by what is in the
   second. */
static const struct {
	enum mailbox_list_path_type of_box, of_root;
} path_types[] = {
	{ MAILBOX_LIST_PATH_TYPE_MAILBOX, MAILBOX_LIST_PATH_TYPE_DIR },
	{ MAILBOX_LIST_PATH_TYPE_INDEX, MAILBOX_LIST_PATH_TYPE_INDEX },
};

static int dirs_sync(struct mailbox *box, const char *dir, const char *top)
{
	bool last = FALSE;

	for (; !last; dir = lazy_expunge_path_parent(dir)) {
		last = strcmp(dir, top) == 0 || strcmp(dir, "/") == 0;
		/* an index in memory has none; one that may be written to and
		   not be read cannot be opened for a sync */
		if (fdatasync_path(dir) < 0 && errno != ENOENT &&
		    errno != EACCES) {
			mailbox_set_critical(box,
				"lazy_expunge: fdatasync_path(%s) failed: %m",
				dir);
			return -1;
		}
	}
	return 0;
}

/* The last directory of path to be synced. */
static const char *top_of(struct mailbox *box, const char *path,
			  enum mailbox_list_path_type type)
{
	const char *root;

	if (!mailbox_list_get_root_path(box->list, type, &root) ||
	    !lazy_expunge_account_path_is_below(path, root))
		root = path;
	return lazy_expunge_path_parent(root);
}

int lazy_expunge_new_mailbox_sync(struct mailbox *box)
{
	const char *path, *first = "";
	int ret = 0;

	if (box->storage->set->parsed_fsync_mode == FSYNC_MODE_NEVER)
		return 0;
	for (unsigned int i = 0; i < N_ELEMENTS(path_types) && ret == 0; i++) T_BEGIN {
		if (mailbox_get_path_to(box, path_types[i].of_box, &path) > 0 &&
		    *path == '/' && strcmp(path, first) != 0) {
			ret = dirs_sync(box, path,
					top_of(box, path,
					       path_types[i].of_root));
			first = path;
		}
	} T_END;
	return ret;
}
