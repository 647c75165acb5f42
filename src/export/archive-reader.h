#ifndef LAZY_EXPUNGE_ARCHIVE_READER_H
#define LAZY_EXPUNGE_ARCHIVE_READER_H

/* Reads an archive of whatever source. It is an error if it has anything but
   files below one place, or is far larger than what it is read from. Errors are
   allocated from the data stack and begin with the name of the archive. */

struct lazy_expunge_archive_reader;

/* fd is read from its beginning, and stays open. path is for errors. Returns 0, or
   -1 and the error. */
int lazy_expunge_archive_reader_init(
	int fd, const char *path,
	struct lazy_expunge_archive_reader **reader_r, const char **error_r);
/* Go to the next file. Returns 1 and its name, which is valid until the next call, 0 if
   there is none, -1 and the error. */
int lazy_expunge_archive_reader_next(struct lazy_expunge_archive_reader *reader,
				     const char **name_r, const char **error_r);
/* Read more of the file. Returns 1 and the data, which are valid until the next
   call, 0 at its end, -1 and the error. */
int lazy_expunge_archive_reader_data(struct lazy_expunge_archive_reader *reader,
				     const void **data_r, size_t *size_r,
				     const char **error_r);
/* Takes NULL. */
void lazy_expunge_archive_reader_deinit(
	struct lazy_expunge_archive_reader **reader);

#endif
