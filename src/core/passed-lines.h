#ifndef LAZY_EXPUNGE_PASSED_LINES_H
#define LAZY_EXPUNGE_PASSED_LINES_H

/* Mails that were deleted in a mailbox while another copy lived, so that they
   are in no storage: what it takes to make such a mail again from its copy. They
   are lines of the file of deletions (core/deletion-lines.h). A line has fields
   separated by tabs: "C", number of the deletion, the mailbox, the Trash that
   they went through ("" = none), time, and a field for each mail: 32 hex digits
   of its GUID, ":", letters of its flags, and each keyword after a space. "X",
   a mailbox and time, and then GUIDs, are mails of earlier lines that are in the
   mailbox again. "S" is as "C", of mails that were in a storage until the same
   mail of another mailbox took their place there: what a line before it says of a
   later time is what holds. */

#include "guid.h"
#include "mail-types.h"

struct lazy_expunge_passed {
	/* core/deletion-lines.h, 0 = not known */
	uint32_t deletion;
	time_t time;
	const char *mailbox, *via;
	guid_128_t guid;
	enum mail_flags flags;
	/* NULL-terminated */
	const char *const *keywords;
	/* it is no mail that passed, but one that is back: of these fields it
	   has time, mailbox and GUID */
	bool back;
	/* it was in a storage before */
	bool superseded;
};
ARRAY_DEFINE_TYPE(lazy_expunge_passed, struct lazy_expunge_passed);

/* Lines that are being written. */
struct lazy_expunge_passed_lines {
	string_t *text;
	/* where the last line begins, and how long what comes before its mails
	   is: 0 = there is none */
	size_t start, head_len;
};

/* Append the mail, with the end of its line: to the last line, if it is of the
   same mailbox, deletion and time. */
void lazy_expunge_passed_append(struct lazy_expunge_passed_lines *lines,
				const struct lazy_expunge_passed *passed);
/* TRUE if the line is one of these, or was before it was cut off. */
bool lazy_expunge_passed_is_line(const char *line);
/* Add what the line (without its end) has. Texts are allocated from the pool. A
   field that is none is passed over. */
void lazy_expunge_passed_parse(const char *line, pool_t pool,
			       ARRAY_TYPE(lazy_expunge_passed) *passed);

#endif
