/* Archives are read by libarchive, in none but the formats that are written. */

#include "lib.h"
#include "core/archive-name.h"
#include "export/archive-locale.h"
#include "export/archive-reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>
#include <unistd.h>

#define READER_BLOCK_SIZE 65536
/* Mails are seldom packed to a tenth of their size. What is larger than this,
   and so many times as large as the archive, is a bomb. */
#define READER_BOMB_SIZE (64 * 1024 * 1024)
#define READER_BOMB_FACTOR 500

struct lazy_expunge_archive_reader {
	struct archive *archive;
	char *path, *name;
	uint64_t file_size, bytes;
	unsigned char buffer[READER_BLOCK_SIZE];
};

static int reader_fail(struct lazy_expunge_archive_reader *reader,
		       const char **error_r)
{
	const char *text = archive_error_string(reader->archive);

	*error_r = t_strdup_printf("%s: the archive is damaged: %s",
		reader->path, text == NULL ? "no reason is given" : text);
	return -1;
}

int lazy_expunge_archive_reader_init(
	int fd, const char *path,
	struct lazy_expunge_archive_reader **reader_r, const char **error_r)
{
	struct lazy_expunge_archive_reader *reader;
	struct stat st;

	*reader_r = NULL;
	if (fstat(fd, &st) < 0 || lseek(fd, 0, SEEK_SET) < 0) {
		*error_r = t_strdup_printf("%s: fstat() or lseek() failed: %m",
					   path);
		return -1;
	}
	if (!S_ISREG(st.st_mode)) {
		*error_r = t_strdup_printf("%s: this is no regular file", path);
		return -1;
	}
	reader = i_new(struct lazy_expunge_archive_reader, 1);
	reader->path = i_strdup(path);
	reader->file_size = (uint64_t)st.st_size;
	reader->archive = archive_read_new();
	if (reader->archive == NULL)
		i_fatal_status(FATAL_OUTOFMEM, "archive_read_new() failed");
	(void)archive_read_support_filter_gzip(reader->archive);
	(void)archive_read_support_filter_zstd(reader->archive);
	(void)archive_read_support_format_tar(reader->archive);
	(void)archive_read_support_format_zip_seekable(reader->archive);
	if (archive_read_open_fd(reader->archive, fd,
				 READER_BLOCK_SIZE) != ARCHIVE_OK) {
		(void)reader_fail(reader, error_r);
		lazy_expunge_archive_reader_deinit(&reader);
		return -1;
	}
	*reader_r = reader;
	return 0;
}

/* Returns what is wrong with the entry, NULL if nothing is. */
static const char *entry_problem(struct archive_entry *entry, const char *name)
{
	if (name == NULL)
		return "has no name that can be read";
	if (archive_entry_filetype(entry) != AE_IFREG ||
	    archive_entry_hardlink(entry) != NULL ||
	    archive_entry_symlink(entry) != NULL)
		return "is no file, but a link, a directory or a device";
	if (!lazy_expunge_archive_name_is_safe(name))
		return "has a name that would lead elsewhere";
	if (archive_entry_is_encrypted(entry) != 0)
		return "is encrypted";
	return NULL;
}

static int reader_check(struct lazy_expunge_archive_reader *reader,
			struct archive_entry *entry, const char **error_r)
{
	const char *name = archive_entry_pathname(entry);
	const char *problem = entry_problem(entry, name);

	if (problem == NULL) {
		i_free(reader->name);
		reader->name = i_strdup(name);
		return 1;
	}
	*error_r = t_strdup_printf("%s: this is no archive of export: %s %s",
		reader->path, name == NULL ? "an entry" : name, problem);
	return -1;
}

int lazy_expunge_archive_reader_next(struct lazy_expunge_archive_reader *reader,
				     const char **name_r, const char **error_r)
{
	struct lazy_expunge_archive_locale locale;
	struct archive_entry *entry;
	int ret;

	lazy_expunge_archive_locale_set(&locale);
	ret = archive_read_next_header(reader->archive, &entry);
	if (ret == ARCHIVE_EOF)
		ret = 0;
	else if (ret != ARCHIVE_OK)
		ret = reader_fail(reader, error_r);
	else
		ret = reader_check(reader, entry, error_r);
	lazy_expunge_archive_locale_reset(&locale);
	*name_r = reader->name;
	return ret;
}

int lazy_expunge_archive_reader_data(struct lazy_expunge_archive_reader *reader,
				     const void **data_r, size_t *size_r,
				     const char **error_r)
{
	la_ssize_t ret = archive_read_data(reader->archive, reader->buffer,
					   sizeof(reader->buffer));

	if (ret < 0)
		return reader_fail(reader, error_r);
	reader->bytes += (uint64_t)ret;
	if (reader->bytes > READER_BOMB_SIZE &&
	    reader->bytes / READER_BOMB_FACTOR > reader->file_size) {
		*error_r = t_strdup_printf("%s: this is no archive of export: "
			"more than %d times its size is in it", reader->path,
			READER_BOMB_FACTOR);
		return -1;
	}
	*data_r = reader->buffer;
	*size_r = (size_t)ret;
	return ret > 0 ? 1 : 0;
}

void lazy_expunge_archive_reader_deinit(
	struct lazy_expunge_archive_reader **_reader)
{
	struct lazy_expunge_archive_reader *reader = *_reader;

	if (reader == NULL)
		return;
	*_reader = NULL;
	(void)archive_read_free(reader->archive);
	i_free(reader->name);
	i_free(reader->path);
	i_free(reader);
}
