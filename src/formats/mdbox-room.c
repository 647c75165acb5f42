/* See the header. */

#ifndef _GNU_SOURCE
#  define _GNU_SOURCE
#endif
#include "lib.h"
#include "array.h"
#include "seq-range-array.h"
#include "mail-storage-private.h"
#include "mdbox-storage.h"
#include "mdbox-file.h"
#include "mdbox-map.h"
#include "formats/mdbox-room.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define STAT_BLOCK_SIZE 512
/* No file system has larger blocks, but for few. */
#define HOLE_ALIGN 4096
/* What a purge writes beside the mails: the header of the file, the log of the
   map. */
#define PURGE_MARGIN (2 * 4096)
#define PURGE_INODES 2

uint64_t lazy_expunge_mdbox_room_taken(struct mail_storage *storage)
{
	struct mdbox_storage *mstorage = MDBOX_STORAGE(storage);
	const struct dirent *d;
	struct stat st;
	uint64_t bytes = 0;
	DIR *dir = opendir(mstorage->storage_dir);

	if (dir == NULL)
		return 0;
	while ((d = readdir(dir)) != NULL) {
		if (strncmp(d->d_name, MDBOX_MAIL_FILE_PREFIX,
			    strlen(MDBOX_MAIL_FILE_PREFIX)) == 0 &&
		    fstatat(dirfd(dir), d->d_name, &st,
			    AT_SYMLINK_NOFOLLOW) == 0)
			bytes += (uint64_t)st.st_blocks * STAT_BLOCK_SIZE;
	}
	(void)closedir(dir);
	return bytes;
}

static bool file_is_dead(const ARRAY_TYPE(mdbox_map_file_msg) *msgs)
{
	const struct mdbox_map_file_msg *msg;

	array_foreach(msgs, msg) {
		if (msg->refcount != 0)
			return FALSE;
	}
	return TRUE;
}

/* The header of the mail and what follows its body stay, for they are read by a
   purge. */
static void mail_make_hole(struct dbox_file *file, uoff_t offset)
{
	uoff_t begin, end;

	if (dbox_file_seek(file, offset) <= 0)
		return;
	begin = offset + file->msg_header_size;
	end = begin + file->cur_physical_size;
	begin = (begin + HOLE_ALIGN - 1) / HOLE_ALIGN * HOLE_ALIGN;
	end = end / HOLE_ALIGN * HOLE_ALIGN;
	/* a file system that has no holes leaves it to the purge */
	if (begin < end) {
		(void)fallocate(file->fd, FALLOC_FL_PUNCH_HOLE |
				FALLOC_FL_KEEP_SIZE, begin, end - begin);
	}
}

/* The file is locked. Returns TRUE if no mail of it is in a mailbox. */
static bool file_make_holes(struct mdbox_storage *storage,
			    struct dbox_file *file, uint32_t file_id)
{
	struct mdbox_map_atomic_context *atomic;
	ARRAY_TYPE(mdbox_map_file_msg) msgs;
	const struct mdbox_map_file_msg *msg;
	bool dead = FALSE;

	i_array_init(&msgs, 128);
	atomic = mdbox_map_atomic_begin(storage->map);
	/* nobody can copy a mail of it meanwhile */
	if (mdbox_map_atomic_lock(atomic, "lazy_expunge room") == 0 &&
	    mdbox_map_get_file_msgs(storage->map, file_id, &msgs) == 0) {
		dead = file_is_dead(&msgs);
		array_foreach(&msgs, msg) {
			if (!dead && msg->refcount == 0)
				mail_make_hole(file, msg->offset);
		}
		mdbox_map_atomic_set_success(atomic);
	}
	(void)mdbox_map_atomic_finish(&atomic);
	array_free(&msgs);
	return dead;
}

static void file_free_dead(struct mdbox_storage *storage, uint32_t file_id)
{
	struct dbox_file *file = mdbox_file_init(storage, file_id);
	bool deleted;

	if (dbox_file_open(file, &deleted) > 0 && !deleted &&
	    !dbox_file_is_in_alt(file) && dbox_file_try_lock(file) > 0) {
		if (!file_make_holes(storage, file, file_id) ||
		    storage->storage.attachment_dir != NULL)
			dbox_file_unlock(file);
		else {
			/* as a purge does it */
			(void)dbox_file_unlink(file);
			(void)mdbox_map_remove_file_id(storage->map, file_id);
		}
	}
	dbox_file_unref(&file);
}

static int purgeable_files(struct mdbox_storage *storage,
			   ARRAY_TYPE(seq_range) *file_ids)
{
	if (mdbox_map_open(storage->map) <= 0)
		return 0;
	return mdbox_map_get_zero_ref_files(storage->map, file_ids);
}

void lazy_expunge_mdbox_room_dead(struct mail_storage *_storage)
{
	struct mdbox_storage *storage = MDBOX_STORAGE(_storage);
	ARRAY_TYPE(seq_range) file_ids;
	struct seq_range_iter iter;
	unsigned int n = 0;
	uint32_t file_id;

	i_array_init(&file_ids, 16);
	if (purgeable_files(storage, &file_ids) == 0) {
		seq_range_array_iter_init(&iter, &file_ids);
		while (seq_range_array_iter_nth(&iter, n++, &file_id)) T_BEGIN {
			file_free_dead(storage, file_id);
		} T_END;
	}
	array_free(&file_ids);
}

struct purge_file {
	uint32_t file_id;
	/* what must be written anew */
	uint64_t living;
	/* holds a lock on it, so that a purge passes over it */
	int fd;
};
ARRAY_DEFINE_TYPE(purge_file, struct purge_file);

static int purge_file_cmp(const struct purge_file *f1,
			  const struct purge_file *f2)
{
	if (f1->living != f2->living)
		return f1->living < f2->living ? -1 : 1;
	return 0;
}

static int purge_files_read(struct mdbox_storage *storage,
			    ARRAY_TYPE(purge_file) *files)
{
	struct mdbox_map_mail_index_record rec;
	ARRAY_TYPE(seq_range) file_ids;
	struct seq_range_iter iter;
	struct purge_file *file;
	unsigned int n = 0;
	uint32_t file_id;
	uint16_t refcount;
	int ret;

	t_array_init(&file_ids, 16);
	ret = purgeable_files(storage, &file_ids);
	seq_range_array_iter_init(&iter, &file_ids);
	while (ret == 0 && seq_range_array_iter_nth(&iter, n++, &file_id)) {
		file = array_append_space(files);
		file->file_id = file_id;
		file->fd = -1;
	}
	for (uint32_t seq = ret < 0 || n <= 1 ? 0 :
	     mdbox_map_get_messages_count(storage->map); seq > 0; seq--) {
		if (mdbox_map_lookup_seq_full(storage->map, seq, &rec,
					      &refcount) <= 0 || refcount == 0)
			continue;
		array_foreach_modifiable(files, file) {
			if (file->file_id == rec.file_id)
				file->living += rec.size;
		}
	}
	array_sort(files, purge_file_cmp);
	return ret;
}

static void purge_file_keep(struct mdbox_storage *storage,
			    struct purge_file *file)
{
	file->fd = open(t_strdup_printf("%s/"MDBOX_MAIL_FILE_FORMAT,
					storage->storage_dir, file->file_id),
			O_RDONLY | O_CLOEXEC);
	if (file->fd != -1 && flock(file->fd, LOCK_EX | LOCK_NB) < 0)
		i_close_fd(&file->fd);
}

/* Returns how many files there is room for, of those that are sorted. */
static unsigned int purge_files_fit(struct mdbox_storage *storage,
				    const ARRAY_TYPE(purge_file) *files)
{
	const struct purge_file *file;
	struct statvfs st;
	uint64_t room, needed = 0;
	unsigned int count = 0;

	if (statvfs(storage->storage_dir, &st) < 0)
		return array_count(files);
	room = (uint64_t)st.f_bavail * st.f_frsize;
	array_foreach(files, file) {
		needed += file->living;
		if (file->living > 0 && (needed + PURGE_MARGIN > room ||
		    (st.f_files > 0 && st.f_favail < PURGE_INODES)))
			break;
		count++;
	}
	return count;
}

/* Returns 1 if it was purged and there may be room for more now, 0 if there is
   nothing more to do, -1 on failure. */
static int purge_once(struct mdbox_storage *storage, uint64_t *needed_r)
{
	ARRAY_TYPE(purge_file) files;
	struct purge_file *file;
	unsigned int fit, count;
	int ret;

	*needed_r = 0;
	t_array_init(&files, 16);
	if (purge_files_read(storage, &files) < 0)
		return -1;
	count = array_count(&files);
	fit = purge_files_fit(storage, &files);
	if (fit < count) {
		file = array_idx_modifiable(&files, fit);
		*needed_r = file->living + PURGE_MARGIN;
	}
	if (fit == 0)
		return 0;
	for (unsigned int i = fit; i < count; i++) {
		purge_file_keep(storage, array_idx_modifiable(&files, i));
	}
	ret = mail_storage_purge(&storage->storage.storage);
	array_foreach_modifiable(&files, file)
		i_close_fd(&file->fd);
	return ret < 0 ? -1 : fit < count ? 1 : 0;
}

int lazy_expunge_mdbox_room_purge(struct mail_storage *_storage,
				  uint64_t *needed_r)
{
	struct mdbox_storage *storage = MDBOX_STORAGE(_storage);
	uint64_t before, after;
	int ret;

	before = lazy_expunge_mdbox_room_taken(_storage);
	do {
		T_BEGIN {
			ret = purge_once(storage, needed_r);
		} T_END;
		after = lazy_expunge_mdbox_room_taken(_storage);
		/* a file that somebody else has locked stays */
		if (ret > 0 && after >= before)
			ret = 0;
		before = after;
	} while (ret > 0);
	return ret;
}
