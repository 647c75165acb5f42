#ifndef LAZY_EXPUNGE_ORIGIN_NAMES_FILE_H
#define LAZY_EXPUNGE_ORIGIN_NAMES_FILE_H

/* The file of the names of origins: a name a line (str_append_tabescaped()),
   and where nothing needs the name any more, a tab and since when. Lines are
   added without a lock; who writes the file anew takes those along that come
   meanwhile. */

#include <sys/stat.h>

#define LAZY_EXPUNGE_ORIGIN_NAMES_FNAME "dovecot.lazy-expunge.origins"
/* Some hundred thousand names. With this much no more are added: they are
   still found as long as their mailboxes exist. */
#define LAZY_EXPUNGE_ORIGIN_NAMES_MAX_SIZE (8 * 1024 * 1024)

struct mail_user;

struct lazy_expunge_origin_names_file {
	struct mail_user *user;
	/* data stack */
	const char *path;
	int fd;
	struct stat st;
};

/* since = when it was first seen that nothing needs the name, 0 = it is
   needed. The name is on the data stack. */
typedef void
lazy_expunge_origin_names_line_t(const char *vname, time_t since,
				 void *context);

/* TRUE if st is of the file that the path leads to. */
bool lazy_expunge_origin_names_file_is(struct mail_user *user,
				       const struct stat *st);
/* Open the user's file; flags are those of open(2). Returns 1 if ok, 0 if
   there is none, -1 and the error. */
int lazy_expunge_origin_names_file_open(
			struct mail_user *user, int flags,
			struct lazy_expunge_origin_names_file *file_r,
			const char **error_r);
void lazy_expunge_origin_names_file_close(
			struct lazy_expunge_origin_names_file *file);
/* Read whole lines from *offset on, which is moved behind the last one.
   Returns 0 if ok, -1 and the error. */
int lazy_expunge_origin_names_file_read(
			struct lazy_expunge_origin_names_file *file,
			uoff_t *offset,
			lazy_expunge_origin_names_line_t *callback,
			void *context, const char **error_r);
/* See to it that the user's file has the name as one that is needed, and return
   which file that is. Returns 1 if it has, 0 if the file is full, -1 and the
   error. */
int lazy_expunge_origin_names_file_add(struct mail_user *user,
				       const char *vname, struct stat *st_r,
				       const char **error_r);
void lazy_expunge_origin_names_line_append(string_t *str, const char *vname,
					   time_t since);
/* Write the file anew. What was added behind offset since it was read comes
   along. Returns 0 if ok, -1 and the error. */
int lazy_expunge_origin_names_file_replace(
			struct lazy_expunge_origin_names_file *file,
			const string_t *lines, uoff_t offset,
			const char **error_r);

#endif
