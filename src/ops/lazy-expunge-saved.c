/* Saved mails: are they there after the commit? */

#include "lib.h"
#include "array.h"
#include "seq-range-array.h"
#include "mail-storage-private.h"
#include "sdbox-storage.h"
#include "lazy-expunge-saved.h"
#include "lazy-expunge-unclean.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* From how many files on the directory is opened, instead of found again for
   each. */
#define MANY_FILES 16

/* dir is relative to the open directory dir_fd, and empty or ends with "/". */
static bool file_is_there(int dir_fd, const char *dir, uint32_t uid)
{
	struct stat st;
	bool found;

	T_BEGIN {
		found = fstatat(dir_fd,
				t_strdup_printf("%s"SDBOX_MAIL_FILE_FORMAT,
						dir, uid), &st, 0) == 0;
	} T_END;
	return found;
}

/* Sets uid to that of the first file that is missing, or of the last one. */
static bool files_are_there(int dir_fd, const char *dir,
			    const ARRAY_TYPE(seq_range) *uids, uint32_t *uid)
{
	struct seq_range_iter iter;
	unsigned int n = 0;

	seq_range_array_iter_init(&iter, uids);
	while (seq_range_array_iter_nth(&iter, n++, uid)) {
		if (!file_is_there(dir_fd, dir, *uid))
			return FALSE;
	}
	return TRUE;
}

static bool saved_files_are_there(struct mailbox *box,
				  const ARRAY_TYPE(seq_range) *uids,
				  uint32_t *uid)
{
	const char *dir = t_strconcat(mailbox_get_path(box), "/", NULL);
	int dir_fd = -1;
	bool found;

	if (seq_range_count(uids) >= MANY_FILES)
		dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd == -1)
		return files_are_there(AT_FDCWD, dir, uids, uid);
	/* the last one again, to see that the directory is still the mailbox */
	found = files_are_there(dir_fd, "", uids, uid) &&
		file_is_there(AT_FDCWD, dir, *uid);
	i_close_fd(&dir_fd);
	return found;
}

bool lazy_expunge_saved_are_there(
	struct mailbox *box,
	const struct mail_transaction_commit_changes *changes)
{
	uint32_t uid = 0;
	bool found;

	if (strcmp(box->storage->name, SDBOX_STORAGE_NAME) != 0 ||
	    !array_is_created(&changes->saved_uids))
		return TRUE;
	T_BEGIN {
		found = saved_files_are_there(box, &changes->saved_uids, &uid);
	} T_END;
	if (!found && box->storage->error == MAIL_ERROR_NONE)
		mailbox_set_critical(box, "UID %u: Saved mail is gone", uid);
	return found;
}

int lazy_expunge_saved_commit(struct mailbox_transaction_context **t)
{
	struct mailbox *box = (*t)->box;
	struct mail_transaction_commit_changes changes;
	bool marked;
	int ret;

	mail_storage_clear_error(box->storage);
	marked = lazy_expunge_unclean_begin(box);
	ret = mailbox_transaction_commit_get_changes(t, &changes);
	if (ret == 0 && !lazy_expunge_saved_are_there(box, &changes))
		ret = -1;
	pool_unref(&changes.pool);
	if (marked)
		lazy_expunge_unclean_end(box);
	return ret;
}
