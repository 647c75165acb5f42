#ifndef LAZY_EXPUNGE_APPEND_H
#define LAZY_EXPUNGE_APPEND_H

/* A file of lines among the user's, to which is appended and which does not grow
   for ever. */

struct mail_user;

/* Append the text, which ends with the end of a line, with one write and without
   a lock: who appends at the same time does not harm it. When the file has grown
   beyond max_size bytes, half of it goes, under the lock: the oldest lines of
   core/passed-lines.h, and if these are not enough the older part of all. Returns 1
   if ok, 0 and the error if the directory is gone, -1 and the error. */
int lazy_expunge_append(struct mail_user *user, const char *fname,
			const char *lock_fname, size_t max_size,
			string_t *text, const char **error_r);

#endif
