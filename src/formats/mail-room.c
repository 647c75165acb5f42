/* See the header. */

#include "lib.h"
#include "hash.h"
#include "maildir-storage.h"
#include "maildir-uidlist.h"
#include "sdbox-storage.h"
#include "mdbox-storage.h"
#include "mdbox-map.h"
#include "formats/format.h"
#include "formats/mail-room.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* st_blocks counts these */
#define STAT_BLOCK_SIZE 512
#define SHORT_INODES 8

static uint64_t stat_room(const struct stat *st)
{
	return st->st_nlink != 1 || !S_ISREG(st->st_mode) ? 0 :
		(uint64_t)st->st_blocks * STAT_BLOCK_SIZE;
}

struct lazy_expunge_room_dir {
	pool_t pool;
	struct maildir_mailbox *mbox;
	/* by the base name */
	HASH_TABLE(const char *, struct lazy_expunge_mail_room *) files;
};

static const char *base_name(const char *fname)
{
	return t_strcut(fname, MAILDIR_INFO_SEP);
}

static void room_dir_read(struct lazy_expunge_room_dir *dir, const char *path)
{
	struct lazy_expunge_mail_room *room;
	const struct dirent *d;
	const char *base;
	struct stat st;
	DIR *fs_dir = opendir(path);

	if (fs_dir == NULL)
		return;
	while ((d = readdir(fs_dir)) != NULL) T_BEGIN {
		if (*d->d_name != '.' && fstatat(dirfd(fs_dir), d->d_name, &st,
						 AT_SYMLINK_NOFOLLOW) == 0) {
			room = p_new(dir->pool, struct lazy_expunge_mail_room,
				     1);
			room->bytes = stat_room(&st);
			room->changed = st.st_ctime;
			room->path = p_strconcat(dir->pool, path, "/",
						 d->d_name, NULL);
			base = p_strdup(dir->pool, base_name(d->d_name));
			hash_table_update(dir->files, base, room);
		}
	} T_END;
	(void)closedir(fs_dir);
}

struct lazy_expunge_room_dir *lazy_expunge_room_dir_init(struct mailbox *box)
{
	struct lazy_expunge_room_dir *dir;
	const char *path;
	pool_t pool;

	if (lazy_expunge_box_format(box) != LAZY_EXPUNGE_FORMAT_MAILDIR ||
	    mailbox_get_path_to(box, MAILBOX_LIST_PATH_TYPE_MAILBOX,
				&path) <= 0)
		return NULL;
	pool = pool_alloconly_create("lazy_expunge room dir", 4096);
	dir = p_new(pool, struct lazy_expunge_room_dir, 1);
	dir->pool = pool;
	dir->mbox = MAILDIR_MAILBOX(box);
	hash_table_create(&dir->files, default_pool, 0, str_hash, strcmp);
	room_dir_read(dir, t_strconcat(path, "/new", NULL));
	room_dir_read(dir, t_strconcat(path, "/cur", NULL));
	return dir;
}

void lazy_expunge_room_dir_deinit(struct lazy_expunge_room_dir **_dir)
{
	struct lazy_expunge_room_dir *dir = *_dir;

	if (dir == NULL)
		return;
	*_dir = NULL;
	hash_table_destroy(&dir->files);
	pool_unref(&dir->pool);
}

static int maildir_room(struct lazy_expunge_room_dir *dir, uint32_t uid,
			struct lazy_expunge_mail_room *room_r)
{
	const struct lazy_expunge_mail_room *room;
	enum maildir_uidlist_rec_flag flags;
	const char *fname;
	int ret;

	ret = maildir_uidlist_lookup(dir->mbox->uidlist, uid, &flags, &fname);
	if (ret <= 0)
		return ret;
	room = hash_table_lookup(dir->files, base_name(fname));
	if (room != NULL)
		*room_r = *room;
	return 0;
}

void lazy_expunge_room_dir_files(struct lazy_expunge_room_dir *dir,
				 lazy_expunge_room_file_t *callback,
				 void *context)
{
	struct hash_iterate_context *iter;
	struct lazy_expunge_mail_room *room;
	const char *base;
	uint32_t uid;

	if (dir == NULL)
		return;
	iter = hash_table_iterate_init(dir->files);
	while (hash_table_iterate(iter, dir->files, &base, &room)) {
		/* what was found without the lock has no UID, or this one */
		if (room->bytes > 0 &&
		    (!maildir_uidlist_get_uid(dir->mbox->uidlist, base, &uid) ||
		     uid == 0 || uid == (uint32_t)-1))
			callback(room, context);
	}
	hash_table_iterate_deinit(&iter);
}

static const char *sdbox_path(struct mailbox *box, uint32_t uid)
{
	return t_strdup_printf("%s/"SDBOX_MAIL_FILE_FORMAT,
			       mailbox_get_path(box), uid);
}

static int sdbox_room(struct mailbox *box, uint32_t uid, uint64_t *bytes_r)
{
	struct stat st;

	if (lstat(sdbox_path(box, uid), &st) < 0)
		return errno == ENOENT ? 0 : -1;
	*bytes_r = stat_room(&st);
	return 0;
}

static int mdbox_room(struct mail *mail, uint64_t *bytes_r)
{
	struct mdbox_mailbox *mbox = MDBOX_MAILBOX(mail->box);
	struct mdbox_storage *storage = mbox->storage;
	struct mdbox_map_mail_index_record rec;
	uint32_t map_uid;
	uint16_t refcount;
	int ret;

	if (mdbox_map_open(storage->map) <= 0 ||
	    mdbox_mail_lookup(mbox, mail->transaction->view, mail->seq,
			      &map_uid) < 0)
		return -1;
	ret = mdbox_map_lookup_full(storage->map, map_uid, &rec, &refcount);
	if (ret <= 0 || refcount != 1)
		return ret < 0 ? -1 : 0;
	if (storage->alt_storage_dir == NULL ||
	    access(t_strdup_printf("%s/"MDBOX_MAIL_FILE_FORMAT,
				   storage->storage_dir, rec.file_id),
		   F_OK) == 0)
		*bytes_r = rec.size;
	return 0;
}

int lazy_expunge_mail_room(struct lazy_expunge_room_dir *dir,
			   struct mail *mail,
			   struct lazy_expunge_mail_room *room_r)
{
	int ret = 0;

	i_zero(room_r);
	T_BEGIN {
		switch (lazy_expunge_box_format(mail->box)) {
		case LAZY_EXPUNGE_FORMAT_MAILDIR:
			if (dir != NULL)
				ret = maildir_room(dir, mail->uid, room_r);
			break;
		case LAZY_EXPUNGE_FORMAT_SDBOX:
			ret = sdbox_room(mail->box, mail->uid, &room_r->bytes);
			break;
		case LAZY_EXPUNGE_FORMAT_MDBOX:
			ret = mdbox_room(mail, &room_r->bytes);
			break;
		case LAZY_EXPUNGE_FORMAT_VIRTUAL:
		case LAZY_EXPUNGE_FORMAT_FAIL:
		case LAZY_EXPUNGE_FORMAT_OTHER:
			break;
		}
	} T_END;
	return ret;
}

bool lazy_expunge_disk_has(struct mailbox *box, uint64_t bytes)
{
	struct statvfs st;
	const char *path;

	if (mailbox_get_path_to(box, MAILBOX_LIST_PATH_TYPE_INDEX,
				&path) <= 0 || statvfs(path, &st) < 0)
		return TRUE;
	return (uint64_t)st.f_bavail * st.f_frsize >= bytes &&
		(st.f_files == 0 || st.f_favail >= SHORT_INODES);
}

void lazy_expunge_mail_room_unlink(struct mailbox *box, uint32_t uid)
{
	struct dbox_storage *dstorage;

	if (lazy_expunge_box_format(box) != LAZY_EXPUNGE_FORMAT_SDBOX)
		return;
	dstorage = DBOX_STORAGE(box->storage);
	if (dstorage->attachment_dir == NULL) T_BEGIN {
		i_unlink_if_exists(sdbox_path(box, uid));
	} T_END;
}
