/* Saved mails: are they there after the commit? */

#include "lib.h"
#include "array.h"
#include "seq-range-array.h"
#include "mail-storage-private.h"
#include "sdbox-storage.h"
#include "lazy-expunge-saved.h"
#include "lazy-expunge-unclean.h"

#include <sys/stat.h>

static bool file_is_there(struct mailbox *box, uint32_t uid)
{
	struct stat st;
	bool found;

	T_BEGIN {
		found = stat(t_strdup_printf("%s/"SDBOX_MAIL_FILE_FORMAT,
					     mailbox_get_path(box), uid),
			     &st) == 0;
	} T_END;
	return found;
}

bool lazy_expunge_saved_are_there(
	struct mailbox *box,
	const struct mail_transaction_commit_changes *changes)
{
	struct seq_range_iter iter;
	unsigned int n = 0;
	uint32_t uid;

	if (strcmp(box->storage->name, SDBOX_STORAGE_NAME) != 0 ||
	    !array_is_created(&changes->saved_uids))
		return TRUE;
	seq_range_array_iter_init(&iter, &changes->saved_uids);
	while (seq_range_array_iter_nth(&iter, n++, &uid)) {
		if (file_is_there(box, uid))
			continue;
		if (box->storage->error == MAIL_ERROR_NONE) {
			mailbox_set_critical(box, "UID %u: Saved mail is gone",
					     uid);
		}
		return FALSE;
	}
	return TRUE;
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
