#ifndef LAZY_EXPUNGE_ARCHIVE_WRITER_H
#define LAZY_EXPUNGE_ARCHIVE_WRITER_H

/* Writes an archive as it comes, of which nothing is kept in memory. Functions
   return 0, or -1 and the error (data stack). */

#include "export/archive-format.h"

struct lazy_expunge_archive_writer;
struct lazy_expunge_output;

int lazy_expunge_archive_writer_init(
	struct lazy_expunge_output *output,
	enum lazy_expunge_archive_format format,
	struct lazy_expunge_archive_writer **writer_r, const char **error_r);
/* Begin a file of exactly this size. */
int lazy_expunge_archive_writer_begin(
	struct lazy_expunge_archive_writer *writer, const char *name,
	uint64_t size, time_t mtime, const char **error_r);
int lazy_expunge_archive_writer_data(
	struct lazy_expunge_archive_writer *writer, const void *data,
	size_t size, const char **error_r);
/* Write the end of the archive. */
int lazy_expunge_archive_writer_finish(
	struct lazy_expunge_archive_writer *writer, const char **error_r);
/* Takes NULL. Without finish the output is no archive. */
void lazy_expunge_archive_writer_deinit(
	struct lazy_expunge_archive_writer **writer);

#endif
