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

/* dir_fd: of the mailbox, since looking up its path costs more than the rest. */
static bool file_is_there(int dir_fd, uint32_t uid)
{
	char fname[sizeof(SDBOX_MAIL_FILE_PREFIX) + MAX_INT_STRLEN];
	struct stat st;

	(void)i_snprintf(fname, sizeof(fname), SDBOX_MAIL_FILE_FORMAT, uid);
	return fstatat(dir_fd, fname, &st, 0) == 0;
}

bool lazy_expunge_saved_are_there(
	struct mailbox *box,
	const struct mail_transaction_commit_changes *changes)
{
	const struct seq_range *range;
	bool found = TRUE;
	int fd;

	if (strcmp(box->storage->name, SDBOX_STORAGE_NAME) != 0 ||
	    !array_is_created(&changes->saved_uids))
		return TRUE;
	fd = open(mailbox_get_path(box), O_RDONLY | O_DIRECTORY);
	/* The files go all or not at all. When they go, it is from the first
	   to the last. */
	array_foreach(&changes->saved_uids, range) {
		found = fd != -1 && file_is_there(fd, range->seq1) &&
			file_is_there(fd, range->seq2);
		if (!found)
			break;
	}
	if (!found && box->storage->error == MAIL_ERROR_NONE) {
		mailbox_set_critical(box, "UID %u: Saved mail is gone: %m",
				     range->seq1);
	}
	i_close_fd(&fd);
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
