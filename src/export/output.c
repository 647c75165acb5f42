/* Output: a temporary file beside the one that it becomes. */

/* renameat2() */
#include "lazy-expunge-config.h"
#include "lib.h"
#include "hostpid.h"
#include "hex-binary.h"
#include "sha2.h"
#include "write-full.h"
#include "export/output.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct lazy_expunge_output {
	char *path;
	/* below dir_fd; NULL = standard output */
	char *name, *temp_name;
	int dir_fd, fd;
	struct sha256_ctx sum;
	uint64_t bytes;
};

static int output_open_stdout(struct lazy_expunge_output *output,
			      const char **error_r)
{
	if (isatty(STDOUT_FILENO) == 1) {
		*error_r = "-w -: an archive is not written to a terminal";
		return -1;
	}
	output->fd = dup(STDOUT_FILENO);
	if (output->fd == -1 || dup2(STDERR_FILENO, STDOUT_FILENO) == -1) {
		*error_r = t_strdup_printf("-w -: dup() failed: %m");
		return -1;
	}
	fd_close_on_exec(output->fd, TRUE);
	return 0;
}

static int output_open_file(struct lazy_expunge_output *output,
			    const char **error_r)
{
	const char *slash = strrchr(output->path, '/');
	const char *dir = slash == NULL ? "." :
		(slash == output->path ? "/" :
		 t_strdup_until(output->path, slash));
	struct stat st;

	output->name = i_strdup(slash == NULL ? output->path : slash + 1);
	output->temp_name = i_strdup_printf(".%s.%s.tmp", output->name,
					    my_pid);
	output->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (output->dir_fd == -1) {
		*error_r = t_strdup_printf("-w %s: open(%s) failed: %m",
					   output->path, dir);
		return -1;
	}
	if (fstatat(output->dir_fd, output->name, &st,
		    AT_SYMLINK_NOFOLLOW) == 0) {
		*error_r = t_strdup_printf("-w %s: the file exists already: "
			"remove it, or choose another name", output->path);
		return -1;
	}
	output->fd = openat(output->dir_fd, output->temp_name,
			    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
			    O_CLOEXEC, 0600);
	if (output->fd == -1) {
		*error_r = t_strdup_printf("-w %s: open(%s/%s) failed: %m",
			output->path, dir, output->temp_name);
		i_free(output->temp_name);
		return -1;
	}
	return 0;
}

int lazy_expunge_output_open(const char *path,
			     struct lazy_expunge_output **output_r,
			     const char **error_r)
{
	struct lazy_expunge_output *output =
		i_new(struct lazy_expunge_output, 1);
	int ret;

	output->path = i_strdup(path);
	output->dir_fd = output->fd = -1;
	sha256_init(&output->sum);
	ret = strcmp(path, "-") == 0 ? output_open_stdout(output, error_r) :
		output_open_file(output, error_r);
	if (ret < 0)
		lazy_expunge_output_abort(&output);
	*output_r = output;
	return ret;
}

int lazy_expunge_output_write(struct lazy_expunge_output *output,
			      const void *data, size_t size)
{
	if (write_full(output->fd, data, size) < 0)
		return -1;
	sha256_loop(&output->sum, data, size);
	output->bytes += size;
	return 0;
}

uint64_t lazy_expunge_output_bytes(const struct lazy_expunge_output *output)
{
	return output->bytes;
}

const char *lazy_expunge_output_sum(struct lazy_expunge_output *output)
{
	unsigned char digest[SHA256_RESULTLEN];

	sha256_result(&output->sum, digest);
	return binary_to_hex(digest, sizeof(digest));
}

/* Not over a file that came meanwhile. */
static int output_rename(struct lazy_expunge_output *output)
{
	struct stat st;

	if (renameat2(output->dir_fd, output->temp_name, output->dir_fd,
		      output->name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	/* the file system has no such call */
	if (fstatat(output->dir_fd, output->name, &st,
		    AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return renameat(output->dir_fd, output->temp_name, output->dir_fd,
			output->name);
}

int lazy_expunge_output_finish(struct lazy_expunge_output **_output,
			       const char **error_r)
{
	struct lazy_expunge_output *output = *_output;
	int ret = 0;

	if (output->temp_name != NULL && fsync(output->fd) < 0) {
		*error_r = t_strdup_printf("-w %s: fsync() failed: %m",
					   output->path);
		ret = -1;
	} else if (close(output->fd) < 0) {
		*error_r = t_strdup_printf("-w %s: close() failed: %m",
					   output->path);
		ret = -1;
	} else if (output->temp_name != NULL && output_rename(output) < 0) {
		*error_r = t_strdup_printf("-w %s: rename() failed: %m",
					   output->path);
		ret = -1;
	} else if (output->temp_name != NULL) {
		i_free(output->temp_name);
		if (fsync(output->dir_fd) < 0) {
			*error_r = t_strdup_printf("-w %s: fsync() of its "
				"directory failed: %m", output->path);
			ret = -1;
		}
	}
	/* closed, or not to be */
	if (ret == 0)
		output->fd = -1;
	lazy_expunge_output_abort(_output);
	return ret;
}

void lazy_expunge_output_abort(struct lazy_expunge_output **_output)
{
	struct lazy_expunge_output *output = *_output;

	if (output == NULL)
		return;
	*_output = NULL;
	if (output->temp_name != NULL && output->dir_fd != -1)
		(void)unlinkat(output->dir_fd, output->temp_name, 0);
	if (output->fd != -1)
		(void)close(output->fd);
	if (output->dir_fd != -1)
		(void)close(output->dir_fd);
	i_free(output->temp_name);
	i_free(output->name);
	i_free(output->path);
	i_free(output);
}
