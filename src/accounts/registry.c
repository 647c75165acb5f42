/* Registry of deleted accounts. */

#include "lib.h"
#include "array.h"
#include "fdatasync-path.h"
#include "file-create-locked.h"
#include "istream.h"
#include "str.h"
#include "strescape.h"
#include "write-full.h"
#include "compat/dovecot.h"
#include "accounts/moves.h"
#include "accounts/registry.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST_FNAME "lazy-expunge-accounts"
#define RECORD_FNAME "account"
#define READ_SIZE 8192
#define LOCK_PREFIX ".lock."
/* A command that is at work makes or moves something more often. */
#define TIDY_SECS (60 * 60)

static int failed(const char *call, const char *path, const char **error_r)
{
	*error_r = t_strdup_printf("%s(%s) failed: %m", call, path);
	return -1;
}

void lazy_expunge_registry_add_dir(struct lazy_expunge_registry *registry,
				   const char *dir)
{
	const char *old;

	array_foreach_elem(&registry->dirs, old) {
		if (strcmp(old, dir) == 0)
			return;
	}
	dir = p_strdup(registry->pool, dir);
	array_push_back(&registry->dirs, &dir);
}

int lazy_expunge_registry_init(struct lazy_expunge_registry *registry_r,
			       const char *state_dir, const char **error_r)
{
	const char *path = t_strconcat(state_dir, "/"LIST_FNAME, NULL);
	struct istream *input;
	const char *line;
	int ret = 0;

	i_zero(registry_r);
	registry_r->pool = pool_alloconly_create("lazy_expunge accounts", 8192);
	p_array_init(&registry_r->dirs, registry_r->pool, 8);
	p_array_init(&registry_r->accounts, registry_r->pool, 64);
	p_array_init(&registry_r->errors, registry_r->pool, 4);
	input = i_stream_create_file(path, LAZY_EXPUNGE_ACCOUNT_RECORD_MAX);
	/* a line that was cut off has no end */
	i_stream_set_return_partial_line(input, FALSE);
	while ((line = i_stream_read_next_line(input)) != NULL) T_BEGIN {
		line = str_tabunescape(t_strdup_noconst(line));
		if (*line == '/')
			lazy_expunge_registry_add_dir(registry_r, line);
	} T_END;
	if (input->stream_errno != 0 && input->stream_errno != ENOENT) {
		*error_r = t_strdup_printf("read(%s) failed: %s", path,
					   i_stream_get_error(input));
		ret = -1;
	}
	i_stream_unref(&input);
	return ret;
}

void lazy_expunge_registry_deinit(struct lazy_expunge_registry *registry)
{
	pool_unref(&registry->pool);
}

/* With as few calls as can be: there may be many. */
static int record_read_text(int fd, const char *path, string_t *text,
			    const char **error_r)
{
	void *data;
	ssize_t ret;

	do {
		data = buffer_append_space_unsafe(text, READ_SIZE);
		ret = read(fd, data, READ_SIZE);
		if (ret < 0)
			return failed("read", path, error_r);
		str_truncate(text, str_len(text) - READ_SIZE + ret);
		if (str_len(text) > LAZY_EXPUNGE_ACCOUNT_RECORD_MAX) {
			*error_r = t_strdup_printf("%s: it is too large", path);
			return -1;
		}
	} while (ret == READ_SIZE);
	return 0;
}

/* What a record says is done as root. */
static int record_check_owner(int fd, const char *path, const char **error_r)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return failed("fstat", path, error_r);
	if (st.st_uid == geteuid())
		return 0;
	*error_r = t_strdup_printf("%s belongs to uid %ld, and is not believed",
				   path, (long)st.st_uid);
	return -1;
}

/* dir, below dir_fd, has the record; path is that for messages. Returns 1, 0 if
   there is none, -1 and the error. */
static int record_read(int dir_fd, const char *dir, const char *path,
		       pool_t pool, struct lazy_expunge_account *account_r,
		       const char **error_r)
{
	const char *name = t_strconcat(dir, "/"RECORD_FNAME, NULL);
	string_t *text = t_str_new(READ_SIZE);
	const char *error;
	int fd, ret;

	path = t_strconcat(path, "/"RECORD_FNAME, NULL);
	fd = openat(dir_fd, name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1) {
		return errno == ENOENT || errno == ENOTDIR ? 0 :
			failed("open", path, error_r);
	}
	ret = record_check_owner(fd, path, error_r);
	if (ret == 0)
		ret = record_read_text(fd, path, text, error_r);
	i_close_fd(&fd);
	if (ret < 0)
		return -1;
	if (lazy_expunge_account_parse(str_c(text), str_len(text), pool,
				       account_r, &error) < 0) {
		*error_r = t_strdup_printf("%s: %s", path, error);
		return -1;
	}
	return 1;
}

static void registry_add_error(struct lazy_expunge_registry *registry,
			       const char *error)
{
	error = p_strdup(registry->pool, error);
	array_push_back(&registry->errors, &error);
}

/* The record is where it says, and its parts beside it. */
static int record_check_places(const struct lazy_expunge_account *account,
			       const char *path, const char *id,
			       const char **error_r)
{
	const struct lazy_expunge_account_part *parts;
	unsigned int count;
	const char *to;

	parts = array_get(&account->parts, &count);
	for (unsigned int i = 0; i < count; i++) {
		to = t_strdup_printf("%s/%s/%u",
			lazy_expunge_accounts_dir(parts[i].from), id, i);
		if (strcmp(account->id, id) != 0 ||
		    strcmp(parts[i].to, to) != 0) {
			*error_r = t_strdup_printf("%s is not the record of "
				"what lies there",
				t_strconcat(path, "/"RECORD_FNAME, NULL));
			return -1;
		}
	}
	return 0;
}

static void registry_read_one(struct lazy_expunge_registry *registry,
			      int dir_fd, const char *dir, const char *id)
{
	const char *error, *path = t_strconcat(dir, "/", id, NULL);
	struct lazy_expunge_account *account;
	int ret;

	account = p_new(registry->pool, struct lazy_expunge_account, 1);
	ret = record_read(dir_fd, id, path, registry->pool, account, &error);
	if (ret > 0 && record_check_places(account, path, id, &error) < 0)
		ret = -1;
	if (ret > 0)
		array_push_back(&registry->accounts, &account);
	else if (ret < 0)
		registry_add_error(registry, error);
}

/* Returns NULL if there is none, or it is not this process's alone: then the
   error is not NULL. */
static DIR *registry_opendir(const char *path, const char **error_r)
{
	struct stat st;
	DIR *dir = NULL;
	int fd;

	*error_r = NULL;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1) {
		if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
			(void)failed("open", path, error_r);
		return NULL;
	}
	if (fstat(fd, &st) < 0)
		(void)failed("fstat", path, error_r);
	else if (lazy_expunge_moves_check_dir(path, &st, error_r) == 0 &&
		 (dir = fdopendir(fd)) == NULL)
		(void)failed("fdopendir", path, error_r);
	if (dir == NULL)
		i_close_fd(&fd);
	return dir;
}

static void registry_read_dir(struct lazy_expunge_registry *registry,
			      const char *path)
{
	const struct dirent *entry;
	const char *error;
	DIR *dir = registry_opendir(path, &error);

	if (error != NULL)
		registry_add_error(registry, error);
	if (dir == NULL)
		return;
	errno = 0;
	while ((entry = readdir(dir)) != NULL) T_BEGIN {
		if (lazy_expunge_account_is_id(entry->d_name)) {
			registry_read_one(registry, dirfd(dir), path,
					  entry->d_name);
		}
		errno = 0;
	} T_END;
	if (errno != 0) {
		(void)failed("readdir", path, &error);
		registry_add_error(registry, error);
	}
	(void)closedir(dir);
}

static int account_cmp(struct lazy_expunge_account *const *a1,
		       struct lazy_expunge_account *const *a2)
{
	if ((*a1)->deleted != (*a2)->deleted)
		return (*a1)->deleted > (*a2)->deleted ? -1 : 1;
	return strcmp((*a1)->id, (*a2)->id);
}

void lazy_expunge_registry_read(struct lazy_expunge_registry *registry)
{
	const char *dir;

	array_foreach_elem(&registry->dirs, dir) T_BEGIN {
		registry_read_dir(registry, dir);
	} T_END;
	array_sort(&registry->accounts, account_cmp);
}

/* Returns 1, 0 if another has the lock, -1 and the error. */
static int lock_create(const char *path, struct file_lock **lock_r,
		       const char **error_r)
{
	struct file_create_settings set = {
		.lock_settings = { .lock_method = FILE_LOCK_METHOD_FCNTL },
	};
	bool created;
	int fd;

	fd = file_create_locked(path, &set, lock_r, &created, error_r);
	if (fd == -1) {
		if (errno == EAGAIN)
			return 0;
		*error_r = t_strdup(*error_r);
		return -1;
	}
	file_lock_set_unlink_on_free(*lock_r, TRUE);
	file_lock_set_close_on_free(*lock_r, TRUE);
	return 1;
}

/* FALSE if something of an account may lie in the directory. The other links of
   its gate are where somebody may not go in. */
static bool tidy_is_left(const char *path, time_t now)
{
	static const char *const names[] =
		{ ".", "..", "gate", "gate.new", RECORD_FNAME".new", NULL };
	const char *gate = t_strconcat(path, "/gate", NULL);
	const struct dirent *entry;
	struct stat st;
	bool left = TRUE;
	DIR *dir;

	if (lstat(path, &st) < 0 || st.st_mtime + TIDY_SECS > now ||
	    (lstat(gate, &st) == 0 && st.st_nlink > 1))
		return FALSE;
	dir = opendir(path);
	if (dir == NULL)
		return FALSE;
	errno = 0;
	while (left && (entry = readdir(dir)) != NULL)
		left = str_array_find(names, entry->d_name);
	left = left && errno == 0;
	(void)closedir(dir);
	return left;
}

static void tidy_account(const char *path)
{
	i_unlink_if_exists(t_strconcat(path, "/"RECORD_FNAME".new", NULL));
	i_unlink_if_exists(t_strconcat(path, "/gate.new", NULL));
	i_unlink_if_exists(t_strconcat(path, "/gate", NULL));
	(void)rmdir(path);
}

/* Whoever waits for it, or has just opened it, sees that it is gone. */
static void tidy_lock(const char *path)
{
	struct file_lock *lock;
	const char *error;

	if (lock_create(path, &lock, &error) > 0)
		file_lock_free(&lock);
}

static void tidy_dir(const char *path, time_t now)
{
	const struct dirent *entry;
	const char *name, *error;
	DIR *dir = registry_opendir(path, &error);

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) T_BEGIN {
		name = t_strconcat(path, "/", entry->d_name, NULL);
		if (str_begins_with(entry->d_name, LOCK_PREFIX))
			tidy_lock(name);
		else if (lazy_expunge_account_is_id(entry->d_name) &&
			 tidy_is_left(name, now))
			tidy_account(name);
	} T_END;
	(void)closedir(dir);
}

void lazy_expunge_registry_tidy(struct lazy_expunge_registry *registry,
				time_t now)
{
	const char *dir;

	array_foreach_elem(&registry->dirs, dir) T_BEGIN {
		tidy_dir(dir, now);
	} T_END;
}

struct lazy_expunge_account *
lazy_expunge_registry_find(struct lazy_expunge_registry *registry,
			   const char *id)
{
	struct lazy_expunge_account *account;

	array_foreach_elem(&registry->accounts, account) {
		if (strcmp(account->id, id) == 0)
			return account;
	}
	return NULL;
}

int lazy_expunge_registry_remember(const char *state_dir, const char *dir,
				   const char **error_r)
{
	const char *path = t_strconcat(state_dir, "/"LIST_FNAME, NULL);
	struct lazy_expunge_registry registry;
	string_t *line = t_str_new(128);
	const char *old;
	bool found = FALSE;
	int fd, ret;

	ret = lazy_expunge_registry_init(&registry, state_dir, error_r);
	array_foreach_elem(&registry.dirs, old)
		found = found || strcmp(old, dir) == 0;
	lazy_expunge_registry_deinit(&registry);
	if (ret < 0 || found)
		return ret;
	/* what was cut off before ends here */
	str_append_c(line, '\n');
	str_append_tabescaped(line, dir);
	str_append_c(line, '\n');
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd == -1)
		return failed("open", path, error_r);
	if (write_full(fd, str_data(line), str_len(line)) < 0)
		ret = failed("write", path, error_r);
	else if (fdatasync(fd) < 0)
		ret = failed("fdatasync", path, error_r);
	i_close_fd(&fd);
	return ret;
}

static int record_write(const char *dir, const string_t *text,
			const char **error_r)
{
	const char *path = t_strconcat(dir, "/"RECORD_FNAME, NULL);
	const char *temp = t_strconcat(dir, "/"RECORD_FNAME".new", NULL);
	int fd, ret = 0;

	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		  0600);
	if (fd == -1)
		return failed("open", temp, error_r);
	if (write_full(fd, str_data(text), str_len(text)) < 0)
		ret = failed("write", temp, error_r);
	else if (fdatasync(fd) < 0)
		ret = failed("fdatasync", temp, error_r);
	i_close_fd(&fd);
	if (ret == 0 && rename(temp, path) < 0)
		ret = failed("rename", temp, error_r);
	if (ret < 0) {
		i_unlink_if_exists(temp);
		return -1;
	}
	return fdatasync_path(dir) < 0 ?
		failed("fdatasync_path", dir, error_r) : 0;
}

static const char *record_dir(const struct lazy_expunge_account *account)
{
	const struct lazy_expunge_account_part *part =
		array_front(&account->parts);

	return lazy_expunge_path_parent(part->to);
}

int lazy_expunge_registry_write(const struct lazy_expunge_account *account,
				const char **error_r)
{
	string_t *text = t_str_new(1024);

	lazy_expunge_account_append(text, account);
	return record_write(record_dir(account), text, error_r);
}

int lazy_expunge_registry_step(struct lazy_expunge_account *account,
			       enum lazy_expunge_account_step step,
			       const char **error_r)
{
	enum lazy_expunge_account_step old = account->step;

	account->step = step;
	if (lazy_expunge_registry_write(account, error_r) == 0)
		return 0;
	account->step = old;
	return -1;
}

int lazy_expunge_registry_reread(pool_t pool,
				 struct lazy_expunge_account *account,
				 const char **error_r)
{
	const char *dir = record_dir(account);

	return record_read(AT_FDCWD, dir, dir, pool, account, error_r);
}

int lazy_expunge_registry_lock(const char *dir, const char *user,
			       struct file_lock **lock_r, const char **error_r)
{
	string_t *path = t_str_new(128);

	if (lazy_expunge_moves_mkdir(dir, error_r) < 0)
		return -1;
	str_printfa(path, "%s/"LOCK_PREFIX, dir);
	for (; *user != '\0'; user++) {
		if (*user == '/' || *user == '=')
			str_printfa(path, "=%02x", (unsigned char)*user);
		else
			str_append_c(path, *user);
	}
	return lock_create(str_c(path), lock_r, error_r);
}
