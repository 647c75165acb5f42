#ifndef LAZY_EXPUNGE_PLACE_H
#define LAZY_EXPUNGE_PLACE_H

/* Where the small files and locks of a user are: in the home, or for users
   without one where the INBOX's namespace has its control files. */

struct file_lock;
struct mail_user;
struct stat;

/* The path of the file: in a home, which may be a person's, its name begins
   with a dot; beside control files it does not, for that is what the folders of
   a Maildir begin with. NULL if there is no place for it. Data stack. */
const char *lazy_expunge_place_path(struct mail_user *user, const char *fname);
/* The same in this home, whosever it is. */
const char *lazy_expunge_place_path_in(const char *home, const char *fname);
/* 0.1.0 wrote its files into homes without the dot. Move this one, unless there
   is one with the dot. */
void lazy_expunge_place_adopt(struct mail_user *user, const char *fname);
/* The same for all that are in the home, and without its locks. */
void lazy_expunge_place_adopt_all(struct mail_user *user);
/* The name of a lock file that stays when it is not locked: fname, or with
   lock_method = dotlock the other. A lock that exists or not must not have the
   name of one that stays: after a change of lock_method each wait for it would
   be in vain. The user must have namespaces. */
const char *lazy_expunge_place_lock_name(struct mail_user *user,
					 const char *fname,
					 const char *dotlock_fname);
/* Lock the file; free the lock with file_lock_free(), which also deletes it.
   0 seconds = do not wait. Returns 1 if locked, 0 if another process has it, -1
   and the error if it cannot be locked at all. */
int lazy_expunge_place_lock(struct mail_user *user, const char *fname,
			    unsigned int timeout_secs,
			    struct file_lock **lock_r, const char **error_r);
/* Open the file; flags are those of open(2), and 0600 is the mode of a new one.
   A user can put anything into the home. So nothing but a regular file that
   belongs to the process's user is opened, and never waited for. Returns 1 and
   the descriptor, 0 if there is no file, -1 and the error. */
int lazy_expunge_place_open(const char *path, int flags, int *fd_r,
			    const char **error_r);
/* The same, and what fstat() says of it. */
int lazy_expunge_place_open_stat(const char *path, int flags, int *fd_r,
				 struct stat *st_r, const char **error_r);
/* Make the place of a user that was never used. A failure shows when a file is
   made there. */
void lazy_expunge_place_make(struct mail_user *user);
/* Write the file anew as a whole, so that a reader never sees half. path is that
   of lazy_expunge_place_path(). Returns 0 if ok, -1 and the error. */
int lazy_expunge_place_replace(struct mail_user *user, const char *path,
			       const void *data, size_t size,
			       const char **error_r);
/* The same, and on disk when it returns, its name included: for what must
   survive a power cut. */
int lazy_expunge_place_replace_durably(struct mail_user *user, const char *path,
				       const void *data, size_t size,
				       const char **error_r);

/* TRUE if a file of this name in a home is one of this plugin's. */
bool lazy_expunge_place_has_name(const char *fname);

#endif
