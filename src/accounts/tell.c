/* Others' ACLs: files are replaced as the acl plugin does it, under its lock. */

#include "lib.h"
#include "array.h"
#include "file-dotlock.h"
#include "istream.h"
#include "str.h"
#include "write-full.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mailbox-list-iter.h"
#include "compat/compat-dict.h"
#include "accounts/tell.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define ACL_FNAME "dovecot-acl"
#define ACL_MAX_SIZE (1024 * 1024)
#define SHARED_PATH "shared/shared-boxes/user/"

static const struct dotlock_settings acl_dotlock_set = {
	.timeout = 30,
	.stale_timeout = 120,
};

/* The rest of the line if it begins with user=name, as the acl plugin writes
   it. */
static const char *line_after_name(const char *line, const char *name)
{
	const size_t len = strlen(name);

	if (*line == '-')
		line++;
	if (strncmp(line, "user=", 5) != 0 || strncmp(line + 5, name, len) != 0)
		return NULL;
	line += 5 + len;
	return *line == ' ' || *line == '\0' || *line == '\t' ? line : NULL;
}

const char *lazy_expunge_tell_acl_text(const char *text, const char *old_name,
				       const char *new_name)
{
	const char *const *lines = t_strsplit(text, "\n");
	string_t *str = t_str_new(strlen(text) + 64);
	const char *rest;
	bool found = FALSE;

	for (; *lines != NULL; lines++) {
		rest = line_after_name(*lines, old_name);
		if (rest == NULL)
			str_append(str, *lines);
		else {
			str_printfa(str, "%suser=%s%s",
				    **lines == '-' ? "-" : "", new_name, rest);
			found = TRUE;
		}
		if (lines[1] != NULL)
			str_append_c(str, '\n');
	}
	return found ? str_c(str) : NULL;
}

/* Returns the text of the file, NULL if there is none. */
static const char *acl_read(const char *path)
{
	struct istream *input = i_stream_create_file(path, ACL_MAX_SIZE);
	const unsigned char *data;
	const char *text = NULL;
	size_t size;

	while (i_stream_read(input) > 0) ;
	data = i_stream_get_data(input, &size);
	if (input->stream_errno == 0)
		text = t_strndup(data, size);
	i_stream_unref(&input);
	return text;
}

static int acl_replace(struct lazy_expunge_tell *tell, const char *path,
		       const struct stat *st, const char **error_r)
{
	struct dotlock *dotlock;
	const char *text;
	int fd;

	fd = file_dotlock_open_mode(&acl_dotlock_set, path, 0,
				    st->st_mode & 0777, (uid_t)-1, st->st_gid,
				    &dotlock);
	if (fd == -1) {
		*error_r = t_strdup_printf("file_dotlock_open(%s) failed: %m",
					   path);
		return -1;
	}
	/* as it is under the lock */
	text = acl_read(path);
	text = text == NULL ? NULL :
		lazy_expunge_tell_acl_text(text, tell->old_name,
					   tell->new_name);
	if (text == NULL) {
		file_dotlock_delete(&dotlock);
		return 0;
	}
	if (write_full(fd, text, strlen(text)) < 0 || fdatasync(fd) < 0) {
		*error_r = t_strdup_printf("write(%s) failed: %m", path);
		file_dotlock_delete(&dotlock);
		return -1;
	}
	if (file_dotlock_replace(&dotlock, 0) < 0) {
		*error_r = t_strdup_printf("file_dotlock_replace(%s) failed: "
					   "%m", path);
		return -1;
	}
	return 0;
}

static void acl_tell_file(struct lazy_expunge_tell *tell, const char *path)
{
	const char *text, *error = "";
	enum lazy_expunge_told told = LAZY_EXPUNGE_TOLD_CHANGED;
	struct stat st;

	if (stat(path, &st) < 0)
		return;
	text = acl_read(path);
	if (text == NULL) {
		tell->report(tell->context, "acl", path,
			     LAZY_EXPUNGE_TOLD_FAILED, "it cannot be read");
		return;
	}
	if (lazy_expunge_tell_acl_text(text, tell->old_name,
				       tell->new_name) == NULL)
		return;
	if (tell->plan)
		told = LAZY_EXPUNGE_TOLD_PLANNED;
	else if (acl_replace(tell, path, &st, &error) < 0)
		told = LAZY_EXPUNGE_TOLD_FAILED;
	tell->report(tell->context, "acl", path, told, error);
}

static void acl_tell_mailbox(struct lazy_expunge_tell *tell,
			     struct mail_namespace *ns, const char *vname)
{
	static const enum mailbox_list_path_type types[] = {
		MAILBOX_LIST_PATH_TYPE_MAILBOX,
		MAILBOX_LIST_PATH_TYPE_DIR,
		MAILBOX_LIST_PATH_TYPE_CONTROL,
	};
	const char *path, *seen[N_ELEMENTS(types)];
	struct mailbox *box;
	unsigned int count = 0, j;

	box = mailbox_alloc(ns->list, vname, MAILBOX_FLAG_IGNORE_ACLS);
	for (unsigned int i = 0; i < N_ELEMENTS(types); i++) {
		if (mailbox_get_path_to(box, types[i], &path) <= 0)
			continue;
		for (j = 0; j < count && strcmp(seen[j], path) != 0; j++) ;
		if (j < count)
			continue;
		seen[count++] = t_strdup(path);
		acl_tell_file(tell, t_strconcat(path, "/"ACL_FNAME, NULL));
	}
	mailbox_free(&box);
}

void lazy_expunge_tell_acls(struct lazy_expunge_tell *tell,
			    struct mail_user *user)
{
	struct mailbox_list_iterate_context *iter;
	const struct mailbox_info *info;
	struct mail_namespace *ns;

	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		if (ns->type != MAIL_NAMESPACE_TYPE_PRIVATE ||
		    ns->alias_for != NULL)
			continue;
		iter = mailbox_list_iter_init(ns->list, "*",
			MAILBOX_LIST_ITER_RAW_LIST |
			MAILBOX_LIST_ITER_NO_AUTO_BOXES |
			MAILBOX_LIST_ITER_SKIP_ALIASES |
			MAILBOX_LIST_ITER_RETURN_NO_FLAGS);
		while ((info = mailbox_list_iter_next(iter)) != NULL) T_BEGIN {
			acl_tell_mailbox(tell, ns, info->vname);
		} T_END;
		if (mailbox_list_iter_deinit(&iter) < 0) {
			tell->report(tell->context, "acl", user->username,
				     LAZY_EXPUNGE_TOLD_FAILED,
				     "The user's mailboxes cannot be listed");
		}
	}
}

/* The key with the new name, NULL if the old one is not in it. */
static const char *
shared_key(const struct lazy_expunge_tell *tell, const char *key)
{
	const char *const *names;
	const char *first, *second;

	if (strncmp(key, SHARED_PATH, strlen(SHARED_PATH)) != 0)
		return NULL;
	names = t_strsplit(key + strlen(SHARED_PATH), "/");
	if (str_array_length(names) != 2)
		return NULL;
	first = strcmp(names[0], tell->old_name) == 0 ?
		tell->new_name : names[0];
	second = strcmp(names[1], tell->old_name) == 0 ?
		tell->new_name : names[1];
	if (first == names[0] && second == names[1])
		return NULL;
	return t_strconcat(SHARED_PATH, first, "/", second, NULL);
}

static int shared_read(struct lazy_expunge_tell *tell, struct dict *dict,
		       const struct dict_op_settings *set, pool_t pool,
		       ARRAY_TYPE(const_string) *keys, const char **error_r)
{
	struct dict_iterate_context *iter;
	const char *key, *value;

	iter = dict_iterate_init(dict, set, SHARED_PATH,
				 DICT_ITERATE_FLAG_RECURSE |
				 DICT_ITERATE_FLAG_NO_VALUE);
	while (dict_iterate(iter, &key, &value)) T_BEGIN {
		if (shared_key(tell, key) != NULL) {
			key = p_strdup(pool, key);
			array_push_back(keys, &key);
		}
	} T_END;
	return dict_iterate_deinit(&iter, error_r);
}

static void shared_change(struct lazy_expunge_tell *tell, struct dict *dict,
			  const struct dict_op_settings *set, const char *key)
{
	struct dict_transaction_context *trans;
	const char *error = "";
	int ret;

	if (tell->plan) {
		tell->report(tell->context, "shared list", key,
			     LAZY_EXPUNGE_TOLD_PLANNED, "");
		return;
	}
	trans = dict_transaction_begin(dict, set);
	dict_set(trans, shared_key(tell, key), "1");
	dict_unset(trans, key);
	ret = dict_transaction_commit(&trans, &error);
	tell->report(tell->context, "shared list", key, ret < 0 ?
		     LAZY_EXPUNGE_TOLD_FAILED : LAZY_EXPUNGE_TOLD_CHANGED,
		     error);
}

void lazy_expunge_tell_dict(struct lazy_expunge_tell *tell,
			    struct mail_user *user)
{
	struct dict_op_settings set = { .username = user->username };
	ARRAY_TYPE(const_string) keys;
	struct dict *dict;
	const char *key, *error;
	pool_t pool;
	int ret;

	ret = lazy_expunge_compat_acl_dict_init(user, &dict, &error);
	if (ret > 0) {
		pool = pool_alloconly_create("lazy_expunge shared", 1024);
		p_array_init(&keys, pool, 8);
		ret = shared_read(tell, dict, &set, pool, &keys, &error);
		if (ret == 0) {
			array_foreach_elem(&keys, key) T_BEGIN {
				shared_change(tell, dict, &set, key);
			} T_END;
		}
		dict_deinit(&dict);
		pool_unref(&pool);
	}
	if (ret < 0) {
		tell->report(tell->context, "shared list", SHARED_PATH,
			     LAZY_EXPUNGE_TOLD_FAILED, error);
	}
}
