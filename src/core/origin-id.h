#ifndef LAZY_EXPUNGE_ORIGIN_ID_H
#define LAZY_EXPUNGE_ORIGIN_ID_H

/* A mailbox name as a number of fixed size, which a mail can carry however long
   the name is and however many there are. It is made from the name alone, so
   that whoever knows the names knows the numbers. */

struct mail_keywords;

/* How a mail carries its origin. */
struct lazy_expunge_origin_carrier {
	/* NULL = none */
	const char *keyword;
	/* 0 = none. Its name is known (account/origin-names.h). */
	uint64_t id;
	/* that of the Trash between, NULL = none */
	const char *via;
	/* for a mail that has the keyword and no other; NULL where the mailbox is
	   not open, or there is none */
	struct mail_keywords *alone;
};

/* The number of the name, never 0. */
uint64_t lazy_expunge_origin_id(const char *vname);

/* Maildir: the number as what follows the flags in a file name, ",o" and 16 hex
   digits. Dovecot leaves what follows a second comma as it is
   (maildir_filename_flags_set()). Data stack. */
const char *lazy_expunge_origin_id_to_info(uint64_t id);
/* The number in a Maildir file name (with or without directory), 0 if it has
   none. */
uint64_t lazy_expunge_origin_id_from_fname(const char *fname);

#endif
