#ifndef LAZY_EXPUNGE_DELETIONS_H
#define LAZY_EXPUNGE_DELETIONS_H

/* What this process deletes for a user, and the file of such records in the home
   of the user whose mail it was. A record is written when a mailbox is closed from
   which mail was deleted, with one write and without a sync. It is a hint: which
   mails belong together they carry themselves. */

#include "account/rewrite.h"
#include "core/deletion-lines.h"

#define LAZY_EXPUNGE_DELETIONS_FNAME "dovecot.lazy-expunge.deletions"

struct istream;
struct lazy_expunge_user;
struct mail_user;

/* So begins the name of a mailbox that check makes and takes away again: nothing of it
   is written down. */
#define LAZY_EXPUNGE_PROBE_MAILBOX "lazy-expunge-probe-"

struct lazy_expunge_deletion_what {
	/* whose mail it is */
	struct mail_user *owner;
	/* by a retention, and not by the session as such */
	bool retention;
	/* all of this mailbox goes, "" = all of several, NULL = some mails */
	const char *mailbox;
	/* of a mailbox: the topmost one above it, or itself. NULL = it is none, or
	   all of several go */
	const char *tree;
};

/* The number for mails that are deleted now, the same for all of one kind in a
   session, and for mailboxes of one tree that are deleted one right after the
   other. */
uint32_t lazy_expunge_deletions_id(struct lazy_expunge_user *luser,
				   const struct lazy_expunge_deletion_what *what);
/* Mails with the number were deleted from the origin. */
void lazy_expunge_deletions_add(struct lazy_expunge_user *luser, uint32_t id,
				const char *origin, unsigned int count,
				time_t now);
/* Lines of other kinds (core/passed-lines.h, account/properties.h) for the
   session's user, of a deletion to which something was added, too. */
void lazy_expunge_deletions_add_lines(struct lazy_expunge_user *luser,
				      const string_t *lines);
/* The mailbox was deleted. */
void lazy_expunge_deletions_add_box(struct lazy_expunge_user *luser,
				    uint32_t id, const char *vname, time_t now);
/* Mails of deletion id were taken out of the storage, not by a restore. */
void lazy_expunge_deletions_taken(struct lazy_expunge_user *luser,
				  struct mail_user *owner, uint32_t id,
				  unsigned int count, time_t now);
/* Write down what was not yet. Failures are logged. */
void lazy_expunge_deletions_write(struct lazy_expunge_user *luser);

/* Append a record of another kind. Returns 1 if ok, 0 and the error if the home is
   gone, -1 and the error. */
int lazy_expunge_deletions_append(
			struct mail_user *user,
			const struct lazy_expunge_deletion_record *record,
			const char **error_r);
/* A record with a new number, by this process, of which nothing else is known. */
void lazy_expunge_deletions_begin(struct lazy_expunge_user *luser, pool_t pool,
				  time_t now,
				  struct lazy_expunge_deletion_record *record_r);
/* Append lines of another kind, which have ends. The same. */
int lazy_expunge_deletions_append_lines(struct mail_user *user,
					string_t *lines, const char **error_r);
/* Open the file to read its lines. NULL if there is none, or with a warning if
   that failed. *path_r: data stack. */
struct istream *lazy_expunge_deletions_open(struct mail_user *user,
					    const char **path_r);
/* The next line, without its end, NULL behind the last one or if reading fails. One
   that is too long is passed over. */
const char *lazy_expunge_deletions_next_line(struct istream *input);
/* Take lines out of the file. Returns 0 if ok, -1 and the error. */
int lazy_expunge_deletions_rewrite(struct mail_user *user,
				   lazy_expunge_rewrite_line_t *callback,
				   void *context, const char **error_r);
/* Read all records of the user, one of each number, in the order in which they
   began. */
void lazy_expunge_deletions_read(struct mail_user *user, pool_t pool,
				 ARRAY_TYPE(lazy_expunge_deletion_record) *records);

#endif
