#ifndef LAZY_EXPUNGE_FORMAT_H
#define LAZY_EXPUNGE_FORMAT_H

/* Which mailbox format a mail storage is of: the one place that compares the
   names of Dovecot's formats. */

struct mail_storage;
struct mailbox;

enum lazy_expunge_format {
	/* mail of it may be kept, but nothing is known about its files */
	LAZY_EXPUNGE_FORMAT_OTHER,
	LAZY_EXPUNGE_FORMAT_MAILDIR,
	LAZY_EXPUNGE_FORMAT_SDBOX,
	LAZY_EXPUNGE_FORMAT_MDBOX,
	/* no mail of its own: it shows that of others */
	LAZY_EXPUNGE_FORMAT_VIRTUAL,
	/* no mail at all: Dovecot's stand-in where no namespace has an empty
	   prefix */
	LAZY_EXPUNGE_FORMAT_FAIL
};

/* By struct mail_storage.name. */
enum lazy_expunge_format
lazy_expunge_storage_format(const struct mail_storage *storage);
/* The mailbox need not be open. */
enum lazy_expunge_format lazy_expunge_box_format(const struct mailbox *box);

#endif
