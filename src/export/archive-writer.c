/* Archives are written by libarchive. */

#include "lib.h"
#include "export/archive-locale.h"
#include "export/output.h"
#include "export/archive-writer.h"

#include <archive.h>
#include <archive_entry.h>

/* What is written at once. */
#define WRITER_BLOCK_SIZE 65536

struct lazy_expunge_archive_writer {
	struct archive *archive;
	struct archive_entry *entry;
	struct lazy_expunge_output *output;
	/* of the file that is being written */
	uint64_t left;
};

static la_ssize_t writer_write(struct archive *archive, void *context,
			       const void *data, size_t size)
{
	struct lazy_expunge_archive_writer *writer = context;

	if (lazy_expunge_output_write(writer->output, data, size) < 0) {
		archive_set_error(archive, errno, "write() failed: %s",
				  strerror(errno));
		return -1;
	}
	return (la_ssize_t)size;
}

static int writer_set_format(struct archive *archive,
			     enum lazy_expunge_archive_format format)
{
	int ret = ARCHIVE_OK;

	if (format == LAZY_EXPUNGE_ARCHIVE_ZIP)
		ret = archive_write_set_format_zip(archive);
	else
		ret = archive_write_set_format_pax_restricted(archive);
	if (ret == ARCHIVE_OK && format == LAZY_EXPUNGE_ARCHIVE_TAR_GZ)
		ret = archive_write_add_filter_gzip(archive);
	if (ret == ARCHIVE_OK && format == LAZY_EXPUNGE_ARCHIVE_TAR_ZST)
		ret = archive_write_add_filter_zstd(archive);
	if (ret == ARCHIVE_OK)
		ret = archive_write_set_options(archive, "hdrcharset=UTF-8");
	if (ret == ARCHIVE_OK) {
		ret = archive_write_set_bytes_per_block(archive,
							WRITER_BLOCK_SIZE);
	}
	return ret == ARCHIVE_OK ?
		archive_write_set_bytes_in_last_block(archive, 1) : ret;
}

static int writer_fail(struct lazy_expunge_archive_writer *writer,
		       const char **error_r)
{
	const char *text = archive_error_string(writer->archive);

	*error_r = t_strdup_printf("The archive cannot be written: %s",
				   text == NULL ? "no reason is given" : text);
	return -1;
}

int lazy_expunge_archive_writer_init(
	struct lazy_expunge_output *output,
	enum lazy_expunge_archive_format format,
	struct lazy_expunge_archive_writer **writer_r, const char **error_r)
{
	struct lazy_expunge_archive_writer *writer;
	struct lazy_expunge_archive_locale locale;
	int ret;

	writer = i_new(struct lazy_expunge_archive_writer, 1);
	writer->output = output;
	writer->archive = archive_write_new();
	writer->entry = archive_entry_new();
	if (writer->archive == NULL || writer->entry == NULL)
		i_fatal_status(FATAL_OUTOFMEM, "archive_write_new() failed");
	lazy_expunge_archive_locale_set(&locale);
	ret = writer_set_format(writer->archive, format);
	if (ret == ARCHIVE_OK) {
		ret = archive_write_open2(writer->archive, writer, NULL,
					  writer_write, NULL, NULL);
	}
	lazy_expunge_archive_locale_reset(&locale);
	if (ret != ARCHIVE_OK) {
		(void)writer_fail(writer, error_r);
		lazy_expunge_archive_writer_deinit(&writer);
	}
	*writer_r = writer;
	return writer == NULL ? -1 : 0;
}

int lazy_expunge_archive_writer_begin(
	struct lazy_expunge_archive_writer *writer, const char *name,
	uint64_t size, time_t mtime, const char **error_r)
{
	struct lazy_expunge_archive_locale locale;
	int ret;

	i_assert(writer->left == 0);
	lazy_expunge_archive_locale_set(&locale);
	(void)archive_entry_clear(writer->entry);
	archive_entry_set_pathname(writer->entry, name);
	archive_entry_set_size(writer->entry, (la_int64_t)size);
	archive_entry_set_filetype(writer->entry, AE_IFREG);
	archive_entry_set_perm(writer->entry, 0600);
	archive_entry_set_mtime(writer->entry, mtime, 0);
	ret = archive_write_header(writer->archive, writer->entry);
	lazy_expunge_archive_locale_reset(&locale);
	writer->left = size;
	return ret == ARCHIVE_OK ? 0 : writer_fail(writer, error_r);
}

int lazy_expunge_archive_writer_data(
	struct lazy_expunge_archive_writer *writer, const void *data,
	size_t size, const char **error_r)
{
	la_ssize_t ret;

	i_assert(size <= writer->left);
	writer->left -= size;
	while (size > 0) {
		ret = archive_write_data(writer->archive, data, size);
		if (ret <= 0)
			return writer_fail(writer, error_r);
		data = CONST_PTR_OFFSET(data, ret);
		size -= (size_t)ret;
	}
	return 0;
}

int lazy_expunge_archive_writer_finish(
	struct lazy_expunge_archive_writer *writer, const char **error_r)
{
	i_assert(writer->left == 0);
	return archive_write_close(writer->archive) == ARCHIVE_OK ? 0 :
		writer_fail(writer, error_r);
}

void lazy_expunge_archive_writer_deinit(
	struct lazy_expunge_archive_writer **_writer)
{
	struct lazy_expunge_archive_writer *writer = *_writer;

	if (writer == NULL)
		return;
	*_writer = NULL;
	/* it would write an end, as if all were well */
	(void)archive_write_fail(writer->archive);
	(void)archive_write_free(writer->archive);
	archive_entry_free(writer->entry);
	i_free(writer);
}
