/* See the header. */

#include "lib.h"
#include "array.h"
#include "seq-range-array.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mailbox-list.h"
#include "dbox-storage.h"
#include "mdbox-storage.h"
#include "mdbox-map-private.h"
#include "formats/mdbox-global-map.h"

static struct mdbox_map *storage_map(struct mail_storage *storage)
{
	struct mdbox_storage *mstorage = MDBOX_STORAGE(storage);

	return mstorage->map;
}

const char *lazy_expunge_mdbox_map_log_path(struct mail_namespace *ns)
{
	const char *dir;

	if (!mailbox_list_get_root_path(ns->list,
			MAILBOX_LIST_PATH_TYPE_INDEX, &dir) || *dir == '\0')
		return NULL;
	return t_strconcat(dir, "/"MDBOX_GLOBAL_DIR_NAME
			   "/"MDBOX_GLOBAL_INDEX_PREFIX".log", NULL);
}

int lazy_expunge_mdbox_map_purgeable(struct mail_storage *storage,
				     unsigned int *files_r)
{
	struct mdbox_map *map = storage_map(storage);
	ARRAY_TYPE(seq_range) file_ids;
	int ret;

	*files_r = 0;
	ret = mdbox_map_open(map);
	if (ret <= 0)
		return ret;
	t_array_init(&file_ids, 16);
	if (mdbox_map_get_zero_ref_files(map, &file_ids) < 0)
		return -1;
	*files_r = seq_range_count(&file_ids);
	return 0;
}

int lazy_expunge_mdbox_map_refresh(struct mail_storage *storage)
{
	struct mdbox_map *map = storage_map(storage);

	if (mdbox_map_open(map) <= 0 ||
	    mail_index_view_have_transactions(map->view))
		return -1;
	return mdbox_map_refresh(map);
}

void lazy_expunge_mdbox_map_sync(struct mail_storage *storage)
{
	struct mdbox_map *map = storage_map(storage);
	struct mdbox_map_atomic_context *atomic;

	if (mdbox_map_open(map) <= 0)
		return;
	atomic = mdbox_map_atomic_begin(map);
	if (mdbox_map_atomic_lock(atomic, "lazy_expunge maintain") == 0)
		mdbox_map_atomic_set_success(atomic);
	(void)mdbox_map_atomic_finish(&atomic);
}
