#ifndef LAZY_EXPUNGE_ARCHIVE_FORMAT_H
#define LAZY_EXPUNGE_ARCHIVE_FORMAT_H

/* The kinds of archives, known by the ends of their names. */

enum lazy_expunge_archive_format {
	LAZY_EXPUNGE_ARCHIVE_TAR,
	LAZY_EXPUNGE_ARCHIVE_TAR_GZ,
	LAZY_EXPUNGE_ARCHIVE_TAR_ZST,
	LAZY_EXPUNGE_ARCHIVE_ZIP
};

/* Returns 0, or -1 if no archive has such a name. "-" is a tar. */
int lazy_expunge_archive_format_find(const char *name,
				     enum lazy_expunge_archive_format *format_r);

#endif
