/* What mail takes on the disk. */

#include "lib.h"
#include "mail-storage-private.h"
#include "mdbox-storage.h"
#include "mdbox-map.h"
#include "formats/format.h"
#include "formats/disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

/* st_blocks counts these */
#define STAT_BLOCK_SIZE 512

static int disk_add_entry(DIR *dir, const char *fname, uint64_t *bytes)
{
	struct stat st;

	if (fstatat(dirfd(dir), fname, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		/* renamed or expunged meanwhile */
		return errno == ENOENT ? 0 : -1;
	}
	if (S_ISREG(st.st_mode))
		*bytes += (uint64_t)st.st_blocks * STAT_BLOCK_SIZE;
	return 0;
}

/* The files of a directory whose names begin like this. */
static int disk_add_dir(const char *path, const char *prefix, uint64_t *bytes,
			const char **error_r)
{
	const struct dirent *d;
	DIR *dir;
	int ret = 0;

	dir = opendir(path);
	if (dir == NULL) {
		if (errno == ENOENT)
			return 0;
		*error_r = t_strdup_printf("opendir(%s) failed: %m", path);
		return -1;
	}
	for (errno = 0; ret == 0 && (d = readdir(dir)) != NULL; errno = 0) {
		if (*d->d_name != '.' &&
		    strncmp(d->d_name, prefix, strlen(prefix)) == 0)
			ret = disk_add_entry(dir, d->d_name, bytes);
	}
	if (errno != 0) {
		*error_r = t_strdup_printf("readdir(%s) failed: %m", path);
		ret = -1;
	}
	(void)closedir(dir);
	return ret;
}

static int disk_add_maildir(struct mailbox *box, uint64_t *bytes,
			    const char **error_r)
{
	static const char *const names[] = { "cur", "new" };
	const char *path;

	if (mailbox_get_path_to(box, MAILBOX_LIST_PATH_TYPE_MAILBOX,
				&path) <= 0)
		return 0;
	for (unsigned int i = 0; i < N_ELEMENTS(names); i++) {
		if (disk_add_dir(t_strconcat(path, "/", names[i], NULL), "",
				 bytes, error_r) < 0)
			return -1;
	}
	return 0;
}

static int disk_add_sdbox(struct mailbox *box, uint64_t *bytes,
			  const char **error_r)
{
	static const enum mailbox_list_path_type types[] = {
		MAILBOX_LIST_PATH_TYPE_MAILBOX,
		MAILBOX_LIST_PATH_TYPE_ALT_MAILBOX,
	};
	const char *path;

	for (unsigned int i = 0; i < N_ELEMENTS(types); i++) {
		if (mailbox_get_path_to(box, types[i], &path) > 0 &&
		    disk_add_dir(path, "u.", bytes, error_r) < 0)
			return -1;
	}
	return 0;
}

static int disk_add_mdbox(struct mailbox *box, uint64_t *bytes,
			  const char **error_r)
{
	struct mdbox_mailbox *mbox = MDBOX_MAILBOX(box);
	struct mdbox_map_mail_index_record rec;
	const struct mail_index_header *hdr = mail_index_get_header(box->view);
	uint32_t map_uid;
	uint16_t refcount;

	if (hdr->messages_count > 0 && mdbox_map_open(mbox->storage->map) <= 0) {
		*error_r = "The map of the mdbox files cannot be opened";
		return -1;
	}
	for (uint32_t seq = 1; seq <= hdr->messages_count; seq++) {
		/* what another session has purged meanwhile takes nothing */
		if (mdbox_mail_lookup(mbox, box->view, seq, &map_uid) == 0 &&
		    mdbox_map_lookup_full(mbox->storage->map, map_uid, &rec,
					  &refcount) > 0)
			*bytes += rec.size;
	}
	return 0;
}

int lazy_expunge_disk_add(struct mailbox *box, uint64_t *bytes,
			  const char **error_r)
{
	switch (lazy_expunge_box_format(box)) {
	case LAZY_EXPUNGE_FORMAT_MAILDIR:
		return disk_add_maildir(box, bytes, error_r);
	case LAZY_EXPUNGE_FORMAT_SDBOX:
		return disk_add_sdbox(box, bytes, error_r);
	case LAZY_EXPUNGE_FORMAT_MDBOX:
		return disk_add_mdbox(box, bytes, error_r);
	case LAZY_EXPUNGE_FORMAT_VIRTUAL:
	case LAZY_EXPUNGE_FORMAT_FAIL:
	case LAZY_EXPUNGE_FORMAT_OTHER:
		break;
	}
	return 0;
}

int lazy_expunge_disk_purgeable(struct mail_storage *storage, uint64_t *bytes_r)
{
	struct mdbox_map_mail_index_record rec;
	struct mdbox_storage *mstorage;
	struct mdbox_map *map;
	uint16_t refcount;
	int ret;

	*bytes_r = 0;
	if (lazy_expunge_storage_format(storage) != LAZY_EXPUNGE_FORMAT_MDBOX)
		return 0;
	mstorage = MDBOX_STORAGE(storage);
	map = mstorage->map;
	ret = mdbox_map_open(map);
	if (ret <= 0)
		return ret;
	if (mdbox_map_refresh(map) < 0)
		return -1;
	for (uint32_t seq = mdbox_map_get_messages_count(map); seq > 0; seq--) {
		if (mdbox_map_lookup_seq_full(map, seq, &rec, &refcount) > 0 &&
		    refcount == 0)
			*bytes_r += rec.size;
	}
	return 0;
}
