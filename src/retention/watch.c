/* Watched files: which of them tell of what. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mailbox-list-private.h"
#include "core/file-line.h"
#include "formats/format.h"
#include "formats/mdbox-global-map.h"
#include "retention/watch.h"

#include <sys/stat.h>

/* A file that changed less than this before it was looked at may change once
   more with the same time: file systems count in ticks or seconds. */
#define WATCH_SETTLED_SECS 3
/* More are dearer to look at than the mailboxes' index. */
#define WATCH_MAX_FILES 256
#define LIST_LOG_FNAME "dovecot.list.index.log"

struct lazy_expunge_watch {
	pool_t pool;
	ARRAY_TYPE(const_string) paths;
	string_t *text;
	time_t now;
	bool blind;
};

struct lazy_expunge_watch *lazy_expunge_watch_init(time_t now)
{
	struct lazy_expunge_watch *watch;
	pool_t pool;

	pool = pool_alloconly_create("lazy_expunge watch", 1024);
	watch = p_new(pool, struct lazy_expunge_watch, 1);
	watch->pool = pool;
	watch->now = now;
	p_array_init(&watch->paths, pool, 16);
	watch->text = str_new(default_pool, 1024);
	return watch;
}

void lazy_expunge_watch_deinit(struct lazy_expunge_watch **_watch)
{
	struct lazy_expunge_watch *watch = *_watch;

	if (watch == NULL)
		return;
	*_watch = NULL;
	str_free(&watch->text);
	pool_unref(&watch->pool);
}

/* Appends the file's line. Returns 0, or -1 if it cannot be looked at. */
static int watch_append(string_t *text, const char *path, time_t *changed_r)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			return -1;
		i_zero(&st);
	}
	*changed_r = st.st_ctime;
	lazy_expunge_file_line_append(text, &st, path);
	return 0;
}

static void watch_add(struct lazy_expunge_watch *watch, const char *path)
{
	const char *other;
	time_t changed;

	if (watch->blind)
		return;
	array_foreach_elem(&watch->paths, other) {
		if (strcmp(other, path) == 0)
			return;
	}
	if (array_count(&watch->paths) == WATCH_MAX_FILES ||
	    strchr(path, '\n') != NULL ||
	    watch_append(watch->text, path, &changed) < 0 ||
	    changed > watch->now - WATCH_SETTLED_SECS) {
		watch->blind = TRUE;
		return;
	}
	str_append_c(watch->text, '\n');
	path = p_strdup(watch->pool, path);
	array_push_back(&watch->paths, &path);
}

void lazy_expunge_watch_file(struct lazy_expunge_watch *watch, const char *path)
{
	watch_add(watch, path);
}

static void watch_add_list_log(struct lazy_expunge_watch *watch,
			       struct mailbox_list *list)
{
	const char *dir;
	struct stat st;

	if (!mailbox_list_get_root_path(list, MAILBOX_LIST_PATH_TYPE_LIST_INDEX,
					&dir) || *dir == '\0') {
		watch->blind = TRUE;
		return;
	}
	dir = t_strconcat(dir, "/"LIST_LOG_FNAME, NULL);
	/* switched off, or of another name */
	if (stat(dir, &st) < 0)
		watch->blind = TRUE;
	else
		watch_add(watch, dir);
}

/* Returns TRUE if all that happens in mailboxes of this storage shows in their
   own files. */
static bool storage_is_known(const struct mail_storage *storage)
{
	switch (lazy_expunge_storage_format(storage)) {
	case LAZY_EXPUNGE_FORMAT_MAILDIR:
	case LAZY_EXPUNGE_FORMAT_SDBOX:
	case LAZY_EXPUNGE_FORMAT_MDBOX:
		return TRUE;
	case LAZY_EXPUNGE_FORMAT_VIRTUAL:
	case LAZY_EXPUNGE_FORMAT_FAIL:
	case LAZY_EXPUNGE_FORMAT_OTHER:
		break;
	}
	return FALSE;
}

static void watch_add_box(struct lazy_expunge_watch *watch, struct mailbox *box)
{
	const char *path;
	int ret;

	if (!storage_is_known(box->storage)) {
		watch->blind = TRUE;
		return;
	}
	ret = mailbox_get_path_to(box, MAILBOX_LIST_PATH_TYPE_INDEX, &path);
	if (ret < 0 &&
	    mailbox_get_last_mail_error(box) == MAIL_ERROR_NOTFOUND) {
		/* it has no path before it exists */
		watch_add_list_log(watch, box->list);
		return;
	}
	if (ret <= 0) {
		watch->blind = TRUE;
		return;
	}
	watch_add(watch, t_strconcat(path, "/"MAIL_INDEX_PREFIX".log", NULL));
	if (lazy_expunge_box_format(box) != LAZY_EXPUNGE_FORMAT_MAILDIR)
		return;
	/* others may put mail there, and the plugin does */
	if (mailbox_get_path_to(box, MAILBOX_LIST_PATH_TYPE_MAILBOX,
				&path) <= 0) {
		watch->blind = TRUE;
		return;
	}
	watch_add(watch, t_strconcat(path, "/new", NULL));
	watch_add(watch, t_strconcat(path, "/cur", NULL));
}

void lazy_expunge_watch_mailbox(struct lazy_expunge_watch *watch,
				struct mail_namespace *ns, const char *vname)
{
	struct mailbox *box;

	if (watch->blind)
		return;
	if (ns->type == MAIL_NAMESPACE_TYPE_SHARED) {
		watch->blind = TRUE;
		return;
	}
	box = mailbox_alloc(ns->list, vname, MAILBOX_FLAG_IGNORE_ACLS);
	T_BEGIN {
		watch_add_box(watch, box);
	} T_END;
	/* the list's index tells which mailbox has the name */
	if (strcmp(ns->list->name, MAILBOX_LIST_NAME_INDEX) == 0) T_BEGIN {
		watch_add_list_log(watch, ns->list);
	} T_END;
	mailbox_free(&box);
}

void lazy_expunge_watch_list(struct lazy_expunge_watch *watch,
			     struct mail_namespace *ns)
{
	const char *dir;

	if (watch->blind)
		return;
	T_BEGIN {
		watch_add_list_log(watch, ns->list);
		if (mailbox_list_get_root_path(ns->list,
				MAILBOX_LIST_PATH_TYPE_MAILBOX, &dir))
			watch_add(watch, dir);
	} T_END;
}

void lazy_expunge_watch_purge(struct lazy_expunge_watch *watch,
			      struct mail_namespace *ns)
{
	struct mail_storage *storage = mail_namespace_get_default_storage(ns);
	const char *log_path;

	if (watch->blind ||
	    lazy_expunge_storage_format(storage) != LAZY_EXPUNGE_FORMAT_MDBOX)
		return;
	T_BEGIN {
		log_path = lazy_expunge_mdbox_map_log_path(ns);
		if (log_path == NULL)
			watch->blind = TRUE;
		else
			watch_add(watch, log_path);
	} T_END;
}

const char *lazy_expunge_watch_text(struct lazy_expunge_watch *watch)
{
	return watch->blind ? NULL : str_c(watch->text);
}

bool lazy_expunge_watch_line_holds(const char *line)
{
	const char *path = lazy_expunge_file_line_path(line);
	bool holds = FALSE;

	if (path == NULL)
		return FALSE;
	T_BEGIN {
		string_t *text = t_str_new(256);
		time_t changed;

		holds = watch_append(text, path, &changed) == 0 &&
			strcmp(str_c(text), line) == 0;
	} T_END;
	return holds;
}
