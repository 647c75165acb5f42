#ifndef LAZY_EXPUNGE_SPOOL_H
#define LAZY_EXPUNGE_SPOOL_H

/* A file without a name, for what an archive gets at its end. */

struct lazy_expunge_spool;
struct lazy_expunge_archive_writer;
struct mail_user;

/* In the user's mail_temp_dir. Returns 0, or -1 and the error (data stack). */
int lazy_expunge_spool_init(struct mail_user *user,
			    struct lazy_expunge_spool **spool_r,
			    const char **error_r);
void lazy_expunge_spool_add(struct lazy_expunge_spool *spool, const char *text);
/* Write it to the archive as a file of this name. Returns its SHA-256, hexadecimal
   (data stack), or NULL and the error. */
const char *
lazy_expunge_spool_write(struct lazy_expunge_spool *spool,
			 struct lazy_expunge_archive_writer *writer,
			 const char *name, const char *head, const char *end,
			 const char **error_r);
/* Takes NULL. */
void lazy_expunge_spool_deinit(struct lazy_expunge_spool **spool);

#endif
