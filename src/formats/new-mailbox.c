/* A new mailbox is on the disk, with its directories, before mail relies on
   it. */

#include "lib.h"
#include "fdatasync-path.h"
#include "mail-storage-private.h"
#include "formats/new-mailbox.h"

#include <sys/stat.h>

/* Where a mailbox lies: mdbox and sdbox know its mails by what is in the
   second. */
static const enum mailbox_list_path_type path_types[] = {
	MAILBOX_LIST_PATH_TYPE_MAILBOX, MAILBOX_LIST_PATH_TYPE_INDEX
};

struct new_path {
	/* NULL: it has none, or nothing is new there */
	const char *path;
	/* the directory at or above it that is there already */
	const char *existing;
};

static const char *path_above(const char *path)
{
	const char *p = strrchr(path, '/');

	return p == NULL || p == path ? "/" : t_strdup_until(path, p);
}

static void new_path_init(struct new_path *new_path, struct mailbox *box,
			  enum mailbox_list_path_type type)
{
	struct stat st;

	i_zero(new_path);
	if (mailbox_get_path_to(box, type, &new_path->path) <= 0) {
		new_path->path = NULL;
		return;
	}
	new_path->existing = new_path->path;
	while (stat(new_path->existing, &st) < 0 &&
	       strcmp(new_path->existing, "/") != 0)
		new_path->existing = path_above(new_path->existing);
	if (strcmp(new_path->existing, new_path->path) == 0)
		new_path->path = NULL;
}

static int new_path_sync(const struct new_path *new_path, struct mailbox *box)
{
	const char *dir = new_path->path;
	bool last = FALSE;

	for (; !last; dir = path_above(dir)) {
		last = strcmp(dir, new_path->existing) == 0;
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

int lazy_expunge_mailbox_create(struct mailbox *box)
{
	struct new_path paths[N_ELEMENTS(path_types)];

	for (unsigned int i = 0; i < N_ELEMENTS(path_types); i++)
		new_path_init(&paths[i], box, path_types[i]);
	if (mailbox_create(box, NULL, FALSE) < 0)
		return -1;
	if (box->storage->set->parsed_fsync_mode == FSYNC_MODE_NEVER)
		return 0;
	for (unsigned int i = 0; i < N_ELEMENTS(path_types); i++) {
		if (paths[i].path == NULL ||
		    (i > 0 && paths[0].path != NULL &&
		     strcmp(paths[i].path, paths[0].path) == 0))
			continue;
		if (new_path_sync(&paths[i], box) < 0)
			return -1;
	}
	return 0;
}
