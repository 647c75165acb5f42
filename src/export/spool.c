/* Spools: temporary files that have no name any more. */

#include "lib.h"
#include "hex-binary.h"
#include "istream.h"
#include "ostream.h"
#include "safe-mkstemp.h"
#include "sha2.h"
#include "str.h"
#include "mail-user.h"
#include "export/archive-writer.h"
#include "export/spool.h"

#include <unistd.h>

struct lazy_expunge_spool {
	int fd;
	struct ostream *output;
};

int lazy_expunge_spool_init(struct mail_user *user,
			    struct lazy_expunge_spool **spool_r,
			    const char **error_r)
{
	struct lazy_expunge_spool *spool;
	string_t *path = t_str_new(128);
	int fd;

	*spool_r = NULL;
	mail_user_set_get_temp_prefix(path, user->set);
	fd = safe_mkstemp_hostpid(path, 0600, (uid_t)-1, (gid_t)-1);
	if (fd == -1) {
		*error_r = t_strdup_printf("safe_mkstemp(%s) failed: %m",
					   str_c(path));
		return -1;
	}
	if (unlink(str_c(path)) < 0) {
		*error_r = t_strdup_printf("unlink(%s) failed: %m",
					   str_c(path));
		i_close_fd(&fd);
		return -1;
	}
	spool = i_new(struct lazy_expunge_spool, 1);
	spool->fd = fd;
	spool->output = o_stream_create_fd_file(fd, 0, FALSE);
	o_stream_set_no_error_handling(spool->output, TRUE);
	o_stream_cork(spool->output);
	*spool_r = spool;
	return 0;
}

void lazy_expunge_spool_add(struct lazy_expunge_spool *spool, const char *text)
{
	/* an error is found when it is read */
	o_stream_nsend_str(spool->output, text);
}

static int spool_copy(struct lazy_expunge_archive_writer *writer,
		      struct istream *input, struct sha256_ctx *sum,
		      const char **error_r)
{
	const unsigned char *data;
	size_t size;
	int ret = 0;

	while (ret == 0 && i_stream_read_more(input, &data, &size) > 0) {
		sha256_loop(sum, data, size);
		ret = lazy_expunge_archive_writer_data(writer, data, size,
						       error_r);
		i_stream_skip(input, size);
	}
	if (ret == 0 && input->stream_errno != 0) {
		*error_r = t_strdup_printf("A temporary file cannot be read: "
					   "%s", i_stream_get_error(input));
		ret = -1;
	}
	return ret;
}

static int spool_text(struct lazy_expunge_archive_writer *writer,
		      const char *text, struct sha256_ctx *sum,
		      const char **error_r)
{
	sha256_loop(sum, text, strlen(text));
	return lazy_expunge_archive_writer_data(writer, text, strlen(text),
						error_r);
}

const char *
lazy_expunge_spool_write(struct lazy_expunge_spool *spool,
			 struct lazy_expunge_archive_writer *writer,
			 const char *name, const char *head, const char *end,
			 const char **error_r)
{
	unsigned char digest[SHA256_RESULTLEN];
	struct sha256_ctx sum;
	struct istream *input;
	uint64_t size;
	int ret;

	if (o_stream_finish(spool->output) < 0) {
		*error_r = t_strdup_printf("A temporary file cannot be "
			"written: %s", o_stream_get_error(spool->output));
		return NULL;
	}
	sha256_init(&sum);
	size = spool->output->offset + strlen(head) + strlen(end);
	input = i_stream_create_fd(spool->fd, IO_BLOCK_SIZE);
	i_stream_seek(input, 0);
	ret = lazy_expunge_archive_writer_begin(writer, name, size, time(NULL),
						error_r);
	if (ret == 0)
		ret = spool_text(writer, head, &sum, error_r);
	if (ret == 0)
		ret = spool_copy(writer, input, &sum, error_r);
	if (ret == 0)
		ret = spool_text(writer, end, &sum, error_r);
	i_stream_unref(&input);
	if (ret < 0)
		return NULL;
	sha256_result(&sum, digest);
	return binary_to_hex(digest, sizeof(digest));
}

void lazy_expunge_spool_deinit(struct lazy_expunge_spool **_spool)
{
	struct lazy_expunge_spool *spool = *_spool;

	if (spool == NULL)
		return;
	*_spool = NULL;
	o_stream_abort(spool->output);
	o_stream_unref(&spool->output);
	i_close_fd(&spool->fd);
	i_free(spool);
}
