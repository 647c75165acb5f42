#ifndef LAZY_EXPUNGE_HOLD_FILE_H
#define LAZY_EXPUNGE_HOLD_FILE_H

/* A user's holds as text. Pure. A file that is not whole, or not understood in
   any part, is no file: whoever reads it must take everything as held then.

   The first line names the format, each hold has a line of fields that are
   separated by tabs and escaped as Dovecot does it (str_tabescape()), below it
   a line for each storage mailbox that was there when it was set, and the last
   line counts the holds. */

#include "guid.h"

#define LAZY_EXPUNGE_HOLDS_FNAME "dovecot.lazy-expunge.holds"
/* bytes; more is no file of holds */
#define LAZY_EXPUNGE_HOLD_FILE_MAX (16 * 1024 * 1024)
#define LAZY_EXPUNGE_HOLD_NAME_MAX 200

struct lazy_expunge_hold_mailbox {
	guid_128_t guid;
	const char *vname;
};
ARRAY_DEFINE_TYPE(lazy_expunge_hold_mailbox, struct lazy_expunge_hold_mailbox);

struct lazy_expunge_hold {
	const char *name;
	/* texts may be "" */
	const char *reason, *set_by, *released_by;
	time_t set_time;
	/* the hold's end, 0 = none */
	time_t until;
	/* 0 = it was not released. Else until is the end of the grace. */
	time_t released;
	/* NULL-terminated words of the query. The first is NULL if all mail is
	   held. */
	const char *const *query;
	/* storage mailboxes that were there when it was set */
	ARRAY_TYPE(lazy_expunge_hold_mailbox) mailboxes;
};
ARRAY_DEFINE_TYPE(lazy_expunge_hold, struct lazy_expunge_hold);

/* Append the whole file. */
void lazy_expunge_hold_file_append(string_t *dest,
				   const ARRAY_TYPE(lazy_expunge_hold) *holds);
/* Read the whole file into holds, which must be created. Texts are allocated
   from the pool, which is not that of the data stack. Returns 0, or -1 and the error (data stack), which names the
   line. */
int lazy_expunge_hold_file_parse(const char *text, size_t size, pool_t pool,
				 ARRAY_TYPE(lazy_expunge_hold) *holds,
				 const char **error_r);

/* Is anything held by it now, be it in its grace? */
bool lazy_expunge_hold_is_active(const struct lazy_expunge_hold *hold,
				 time_t now);
/* The hold of this name that was not released and is active, NULL if there is
   none. */
struct lazy_expunge_hold *
lazy_expunge_hold_find(const ARRAY_TYPE(lazy_expunge_hold) *holds,
		       const char *name, time_t now);
/* Check a name that an administrator gives. Returns 0, or -1 and the error
   (data stack), which names it. */
int lazy_expunge_hold_check_name(const char *name, const char **error_r);

/* Read a time span: a number and a unit (s, m, h, d, w, or their words; days
   without one). Returns 0, or -1 and the error (data stack) that names the
   text. */
int lazy_expunge_hold_parse_span(const char *text, unsigned int *secs_r,
				 const char **error_r);

#endif
