#ifndef LAZY_EXPUNGE_DELETION_LINES_H
#define LAZY_EXPUNGE_DELETION_LINES_H

/* What was deleted, or restored, together. Each is a number, which the mails of
   a deletion carry, and a record of what else is to be known of it. As text a
   record is a line of fields separated by tabs: "D" or "R", the number, first and
   last time, by, command, address, session, and then any number of counts:
   "m:12:INBOX" for mails of an origin (or of a target), "t:5:0a1b2c3d" for mails
   that were taken out of the storage again and belong to that deletion, "b:Work"
   for a mailbox that was deleted as a whole. Other
   fields are for versions that know them. A later line of a number takes the
   place of those before it; "D+" or "R+" comes to them, so that a line is as
   long as what is new, and none is too long to be read. */

enum lazy_expunge_deletion_kind {
	LAZY_EXPUNGE_DELETION_KIND_DELETION,
	LAZY_EXPUNGE_DELETION_KIND_RESTORE
};

struct lazy_expunge_deletion_mails {
	/* where they came from, or were restored to */
	const char *mailbox;
	unsigned int count;
};
ARRAY_DEFINE_TYPE(lazy_expunge_deletion_mails,
		  struct lazy_expunge_deletion_mails);

struct lazy_expunge_deletion_taken {
	uint32_t id;
	unsigned int count;
};
ARRAY_DEFINE_TYPE(lazy_expunge_deletion_taken,
		  struct lazy_expunge_deletion_taken);

struct lazy_expunge_deletion_record {
	enum lazy_expunge_deletion_kind kind;
	/* it comes to what earlier lines of its number say */
	bool adds;
	/* never 0 */
	uint32_t id;
	time_t first, last;
	/* imap, pop3, lmtp, doveadm, autoexpunge ... and "" where it is not known */
	const char *by, *command, *address, *session;
	ARRAY_TYPE(lazy_expunge_deletion_mails) mails;
	ARRAY_TYPE(lazy_expunge_deletion_taken) taken;
	/* mailboxes that were deleted */
	ARRAY_TYPE(const_string) boxes;
};
ARRAY_DEFINE_TYPE(lazy_expunge_deletion_record,
		  struct lazy_expunge_deletion_record);

/* The number as people see it: eight hex digits. Data stack. */
const char *lazy_expunge_deletion_id_to_text(uint32_t id);
/* Returns 0 if the text is none. */
uint32_t lazy_expunge_deletion_id_parse(const char *text);

/* Maildir: the number as what follows the flags in a file name (see
   core/origin-id.h), ",d" and eight hex digits. Data stack. */
const char *lazy_expunge_deletion_id_to_info(uint32_t id);
/* The number in a Maildir file name (with or without directory), 0 if it has
   none. */
uint32_t lazy_expunge_deletion_id_from_fname(const char *fname);

/* Append the record, in as many lines as it needs, with their ends. */
void lazy_expunge_deletion_append(
			string_t *dest,
			const struct lazy_expunge_deletion_record *record);
/* Returns FALSE if the line (without its end) is none. All is allocated from the
   pool. */
bool lazy_expunge_deletion_parse(const char *line, pool_t pool,
				 struct lazy_expunge_deletion_record *record_r);
/* Add mails to those of the mailbox, whose name is copied to the pool. */
void lazy_expunge_deletion_add_mails(
			ARRAY_TYPE(lazy_expunge_deletion_mails) *mails,
			pool_t pool, const char *mailbox, unsigned int count);
/* Add mails to those that were taken from a deletion. */
void lazy_expunge_deletion_add_taken(
			ARRAY_TYPE(lazy_expunge_deletion_taken) *taken,
			uint32_t id, unsigned int count);
/* Add what a later line of the same number says, whose texts must stay. */
void lazy_expunge_deletion_merge(
			struct lazy_expunge_deletion_record *record, pool_t pool,
			const struct lazy_expunge_deletion_record *more);
/* The record was written down: what it has from now on comes to that. */
void lazy_expunge_deletion_written(struct lazy_expunge_deletion_record *record);
/* How many mails the record has. */
unsigned int lazy_expunge_deletion_count(
			const struct lazy_expunge_deletion_record *record);

#endif
