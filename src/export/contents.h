#ifndef LAZY_EXPUNGE_CONTENTS_H
#define LAZY_EXPUNGE_CONTENTS_H

/* What an archive has, and what it says that it has. */

#include "core/manifest.h"

/* Something of an archive is not as it was written. */
struct lazy_expunge_contents_problem {
	/* missing, added or changed */
	const char *file, *state, *text;
};

struct lazy_expunge_contents_file {
	const char *name;
	/* it is in the archive */
	bool found;
	uint64_t size;
	/* of what is there, and by SHA256SUMS (NULL = not there); hexadecimal */
	const char *sha256, *sum;
	/* by the manifest, NULL = not there */
	const struct lazy_expunge_manifest_mail *mail;
};
ARRAY_DEFINE_TYPE(lazy_expunge_contents_file,
		  struct lazy_expunge_contents_file *);

struct lazy_expunge_contents {
	pool_t pool;
	ARRAY_TYPE(lazy_expunge_contents_file) files;
	HASH_TABLE(const char *, struct lazy_expunge_contents_file *) by_name;
	ARRAY(struct lazy_expunge_contents_problem) problems;
	/* all 0 if it was not read */
	struct lazy_expunge_manifest_head head;
	/* of the mails that the manifest has */
	uint64_t messages, bytes;
};

/* Read all of it. Returns NULL and the error (data stack) if it cannot be read, or
   is not safe to unpack. */
struct lazy_expunge_contents *
lazy_expunge_contents_read(int fd, const char *path, const char **error_r);
/* Takes NULL. */
void lazy_expunge_contents_deinit(struct lazy_expunge_contents **contents);

#endif
