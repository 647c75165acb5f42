/* Removing trees, by descriptors: a name that is replaced meanwhile leads to
   nothing else. */

#include "lib.h"
#include "accounts/remove.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct remove {
	uint64_t *paths, *files, *bytes;
	bool only_count;
	dev_t dev;
};

static int remove_failed(const char *call, const char *path,
			 const char **error_r)
{
	*error_r = t_strdup_printf("%s(%s) failed: %m", call, path);
	return -1;
}

static int remove_entry(struct remove *remove, int dir_fd, const char *name,
			const char *path, const char **error_r);

static int remove_children(struct remove *remove, DIR *dir, const char *path,
			   const char **error_r)
{
	const struct dirent *entry;
	const char *error;
	char *failure = NULL;
	int ret = 0;

	while (ret == 0 && (errno = 0, entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		T_BEGIN {
			ret = remove_entry(remove, dirfd(dir), entry->d_name,
					   t_strconcat(path, "/",
						       entry->d_name, NULL),
					   &error);
			if (ret < 0)
				failure = i_strdup(error);
		} T_END;
	}
	if (ret < 0) {
		*error_r = t_strdup(failure);
		i_free(failure);
	} else if (errno != 0) {
		ret = remove_failed("readdir", path, error_r);
	}
	return ret;
}

static int remove_dir(struct remove *remove, int dir_fd, const char *name,
		      const char *path, const char **error_r)
{
	DIR *dir;
	int fd, ret;

	fd = openat(dir_fd, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return remove_failed("open", path, error_r);
	dir = fdopendir(fd);
	if (dir == NULL) {
		ret = remove_failed("opendir", path, error_r);
		i_close_fd(&fd);
		return ret;
	}
	ret = remove_children(remove, dir, path, error_r);
	(void)closedir(dir);
	if (ret == 0 && !remove->only_count &&
	    unlinkat(dir_fd, name, AT_REMOVEDIR) < 0)
		ret = remove_failed("rmdir", path, error_r);
	return ret;
}

static int remove_entry(struct remove *remove, int dir_fd, const char *name,
			const char *path, const char **error_r)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return remove_failed("lstat", path, error_r);
	if (st.st_dev != remove->dev) {
		*error_r = t_strdup_printf("%s is another file system: unmount "
					   "it first", path);
		return -1;
	}
	if (S_ISDIR(st.st_mode)) {
		if (remove_dir(remove, dir_fd, name, path, error_r) < 0)
			return -1;
	} else if (!remove->only_count && unlinkat(dir_fd, name, 0) < 0) {
		return remove_failed("unlink", path, error_r);
	}
	*remove->paths += 1;
	if (S_ISREG(st.st_mode)) {
		*remove->files += 1;
		*remove->bytes += st.st_size;
	}
	return 0;
}

static int remove_begin(const char *path, struct remove *remove,
			const char **error_r)
{
	struct stat st;

	if (lstat(path, &st) < 0) {
		return errno == ENOENT ? 0 :
			remove_failed("lstat", path, error_r);
	}
	remove->dev = st.st_dev;
	return remove_entry(remove, AT_FDCWD, path, path, error_r);
}

int lazy_expunge_remove_tree(const char *path, uint64_t *paths, uint64_t *files,
			     uint64_t *bytes, const char **error_r)
{
	struct remove remove = {
		.paths = paths, .files = files, .bytes = bytes,
	};

	return remove_begin(path, &remove, error_r);
}

int lazy_expunge_count_tree(const char *path, uint64_t *paths, uint64_t *files,
			    uint64_t *bytes, const char **error_r)
{
	struct remove remove = {
		.paths = paths, .files = files, .bytes = bytes,
		.only_count = TRUE,
	};

	return remove_begin(path, &remove, error_r);
}
