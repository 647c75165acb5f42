#ifndef LAZY_EXPUNGE_APPEND_H
#define LAZY_EXPUNGE_APPEND_H

/* A file of lines among the user's, to which is appended and which does not grow
   for ever. Of what goes then lines of core/passed-lines.h go first. */

struct mail_user;

/* Append the text, which ends with the end of a line, with one write and without
   a lock: who appends at the same time does not harm it. When the file has grown
   beyond max_size bytes, its older half goes, under the lock.
   Who writes the file anew takes along what came to the old one before it was
   replaced; who finds then that what he appended to was replaced meanwhile looks
   under the lock whether it came along. Returns 1 if ok, 0 and the error if the
   directory is gone, -1 and the error. */
int lazy_expunge_append(struct mail_user *user, const char *fname,
			const char *lock_fname, size_t max_size,
			string_t *text, const char **error_r);
/* The file was replaced by who has its lock: append what came to the old one
   since. Returns 0 if ok, -1 and the error. */
int lazy_expunge_append_rest(struct mail_user *user, const char *path,
			     string_t *text, const char **error_r);

#endif
