/* Saved mails: are they there after the commit? */

#include "lib.h"
#include "array.h"
#include "seq-range-array.h"
#include "compat/dovecot.h"
#include "sdbox-storage.h"
#include "sdbox-file.h"
#include "formats/format.h"
#include "formats/sdbox-files.h"
#include "formats/mdbox-mark.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

/* From how many files on the directory is opened, instead of found again for
   each. */
#define MANY_FILES 16
/* The directory is read when it has at most so many times as many files as are
   looked for: to read a name takes about a quarter of asking for it. */
#define READ_FACTOR 3

struct saved_files {
	const ARRAY_TYPE(seq_range) *uids;
	uint32_t first_uid, last_uid;
	/* The files that the directory had, by UID - first_uid. NULL if it was
	   not read. */
	bool *read;
};

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

static bool reading_is_quicker(struct mailbox *box,
			       const struct saved_files *files)
{
	unsigned int max = seq_range_count(files->uids) * READ_FACTOR;

	return files->last_uid - files->first_uid < max &&
		mail_index_view_get_messages_count(box->view) <= max;
}

static void directory_read(DIR *dir, struct saved_files *files)
{
	const struct dirent *d;
	const char *number;
	uint32_t uid;

	files->read = t_new(bool, files->last_uid - files->first_uid + 1);
	while ((d = readdir(dir)) != NULL) {
		number = d->d_name + strlen(SDBOX_MAIL_FILE_PREFIX);
		if (str_begins_with(d->d_name, SDBOX_MAIL_FILE_PREFIX) &&
		    str_to_uint32(number, &uid) == 0 &&
		    uid >= files->first_uid && uid <= files->last_uid)
			files->read[uid - files->first_uid] = TRUE;
	}
}

/* Sets uid to that of the first file that is missing, or of the last one. */
static bool files_are_there(const struct saved_files *files, int dir_fd,
			    const char *dir, uint32_t *uid)
{
	struct seq_range_iter iter;
	unsigned int n = 0;

	seq_range_array_iter_init(&iter, files->uids);
	while (seq_range_array_iter_nth(&iter, n++, uid)) {
		if (files->read != NULL &&
		    files->read[*uid - files->first_uid])
			continue;
		if (!file_is_there(dir_fd, dir, *uid))
			return FALSE;
	}
	return TRUE;
}

static bool saved_files_are_there(struct mailbox *box,
				  const ARRAY_TYPE(seq_range) *uids,
				  uint32_t *uid)
{
	const char *path = t_strconcat(mailbox_get_path(box), "/", NULL);
	const struct seq_range *range;
	struct saved_files files = { .uids = uids };
	DIR *dir = NULL;
	bool found;

	if (seq_range_count(uids) >= MANY_FILES)
		dir = opendir(path);
	if (dir == NULL)
		return files_are_there(&files, AT_FDCWD, path, uid);

	range = array_front(uids);
	files.first_uid = range->seq1;
	range = array_back(uids);
	files.last_uid = range->seq2;
	if (reading_is_quicker(box, &files))
		directory_read(dir, &files);
	/* the last one again, to see that the directory is still the mailbox */
	found = files_are_there(&files, dirfd(dir), "", uid) &&
		file_is_there(AT_FDCWD, path, *uid);
	(void)closedir(dir);
	return found;
}

bool lazy_expunge_saved_are_there(
	struct mailbox *box,
	const struct mail_transaction_commit_changes *changes)
{
	uint32_t uid = 0;
	bool found;

	if (lazy_expunge_box_format(box) != LAZY_EXPUNGE_FORMAT_SDBOX ||
	    !array_is_created(&changes->saved_uids))
		return TRUE;
	T_BEGIN {
		found = saved_files_are_there(box, &changes->saved_uids, &uid);
	} T_END;
	if (!found && box->storage->error == MAIL_ERROR_NONE)
		mailbox_set_critical(box, "UID %u: Saved mail is gone", uid);
	return found;
}

int lazy_expunge_saved_commit(
	struct mailbox_transaction_context **t,
	struct mail_transaction_commit_changes *changes_r)
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
	if (changes_r != NULL)
		*changes_r = changes;
	else
		pool_unref(&changes.pool);
	if (marked)
		lazy_expunge_unclean_end(box);
	return ret;
}

/* The UID of an sdbox file that has none in the mailbox. Those that are being saved
   right now are beyond what was given when it was synced. */
static bool name_is_orphan(struct mailbox *box, const char *name,
			   uint32_t *uid_r)
{
	const struct mail_index_header *hdr = mail_index_get_header(box->view);
	uint32_t seq;

	return str_begins_with(name, SDBOX_MAIL_FILE_PREFIX) &&
		str_to_uint32(name + strlen(SDBOX_MAIL_FILE_PREFIX),
			      uid_r) == 0 &&
		*uid_r != 0 && *uid_r < hdr->next_uid &&
		!mail_index_lookup_seq(box->view, *uid_r, &seq);
}

static int directory_orphans(struct mailbox *box, const char *path,
			     ARRAY_TYPE(seq_range) *uids)
{
	const struct dirent *d;
	uint32_t uid;
	DIR *dir = opendir(path);

	if (dir == NULL) {
		if (errno == ENOENT)
			return 0;
		mailbox_set_critical(box, "opendir(%s) failed: %m", path);
		return -1;
	}
	while ((d = readdir(dir)) != NULL) {
		if (name_is_orphan(box, d->d_name, &uid))
			seq_range_array_add(uids, uid);
	}
	(void)closedir(dir);
	return 0;
}

static int orphan_unlink(struct mailbox *box, uint32_t uid,
			 bool (*is_gone)(void *context, const char *guid),
			 void *context)
{
	struct sdbox_mailbox *mbox = container_of(box, struct sdbox_mailbox, box);
	struct dbox_file *file = sdbox_file_init(mbox, uid);
	const char *guid;
	bool deleted;
	int ret;

	/* damaged ones say nothing of whose they are */
	ret = dbox_file_open(file, &deleted);
	if (ret > 0 && !deleted)
		ret = dbox_file_seek(file, 0);
	if (ret > 0 && !deleted)
		ret = dbox_file_metadata_read(file);
	if (ret > 0 && !deleted) {
		guid = dbox_file_metadata_get(file, DBOX_METADATA_GUID);
		if (guid != NULL && is_gone(context, guid))
			ret = sdbox_file_unlink_with_attachments(
				container_of(file, struct sdbox_file, file));
	}
	dbox_file_unref(&file);
	return ret < 0 ? -1 : 0;
}

int lazy_expunge_sdbox_unlink_orphans(
	struct mailbox *box,
	bool (*is_gone)(void *context, const char *guid), void *context)
{
	ARRAY_TYPE(seq_range) uids;
	struct seq_range_iter iter;
	unsigned int n = 0;
	const char *alt;
	uint32_t uid;
	int ret;

	if (lazy_expunge_box_format(box) != LAZY_EXPUNGE_FORMAT_SDBOX)
		return 0;
	t_array_init(&uids, 16);
	ret = directory_orphans(box, mailbox_get_path(box), &uids);
	if (mailbox_get_path_to(box, MAILBOX_LIST_PATH_TYPE_ALT_MAILBOX,
				&alt) > 0 && ret == 0)
		ret = directory_orphans(box, alt, &uids);
	seq_range_array_iter_init(&iter, &uids);
	while (ret == 0 && seq_range_array_iter_nth(&iter, n++, &uid)) T_BEGIN {
		ret = orphan_unlink(box, uid, is_gone, context);
	} T_END;
	return ret;
}
