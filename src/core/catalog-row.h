#ifndef LAZY_EXPUNGE_CATALOG_ROW_H
#define LAZY_EXPUNGE_CATALOG_ROW_H

/* A user's row in the catalog: what is kept, and when there is something to do.
   Pure: no dict and no clock. */

/* due: nothing will ever be, as it is. Sorts after all that will. */
#define LAZY_EXPUNGE_CATALOG_NEVER ((time_t)99999999999)

/* Names of the fields as keys of the dict have them, in the order of values. */
enum lazy_expunge_catalog_field {
	LAZY_EXPUNGE_CATALOG_DUE = 0,
	LAZY_EXPUNGE_CATALOG_MESSAGES,
	LAZY_EXPUNGE_CATALOG_BYTES,
	LAZY_EXPUNGE_CATALOG_OLDEST,
	LAZY_EXPUNGE_CATALOG_NEWEST,
	LAZY_EXPUNGE_CATALOG_HELD,
	LAZY_EXPUNGE_CATALOG_HOLDS,
	LAZY_EXPUNGE_CATALOG_MAINTAINED,
	LAZY_EXPUNGE_CATALOG_FAILED,
	LAZY_EXPUNGE_CATALOG_SERVER,

	LAZY_EXPUNGE_CATALOG_FIELDS
};

struct lazy_expunge_catalog_row {
	/* bit by field: which are known */
	unsigned int known;
	/* when retention has something to do; 0 = nobody has looked yet */
	time_t due;
	uint64_t messages, bytes;
	/* deletion times, 0 = no mail */
	time_t oldest, newest;
	/* mails that a hold keeps */
	uint64_t held;
	/* holds of the user that there are, also without a mail, and over */
	uint64_t holds;
	/* the last maintenance and what failed in it, 0 = there was none */
	time_t maintained;
	uint64_t failed;
	/* which wrote the row last */
	const char *server;
};

#define LAZY_EXPUNGE_CATALOG_BIT(field) (1U << (field))
#define LAZY_EXPUNGE_CATALOG_ALL \
	(LAZY_EXPUNGE_CATALOG_BIT(LAZY_EXPUNGE_CATALOG_FIELDS) - 1)

const char *
lazy_expunge_catalog_field_name(enum lazy_expunge_catalog_field field);
/* The field's value as text. Data stack. */
const char *
lazy_expunge_catalog_row_get(const struct lazy_expunge_catalog_row *row,
			     enum lazy_expunge_catalog_field field);
/* Read the values of all fields, NULL-terminated, in their order. server is that
   text. Returns 0, or -1 if they are not a row. */
int lazy_expunge_catalog_row_parse(const char *const *values,
				   struct lazy_expunge_catalog_row *row_r);

/* When the user is to be visited: when something is due, or max_age after the
   last visit, in case the row is wrong. */
time_t
lazy_expunge_catalog_row_visit(const struct lazy_expunge_catalog_row *row,
			       unsigned int max_age);
/* A visit found nothing of the user, whom userdb knows: the row says so, and that
   there is to be another look in a day. */
void lazy_expunge_catalog_row_set_absent(struct lazy_expunge_catalog_row *row_r,
					 time_t now);
/* Whether the last visit said that, and nobody has written anything since. */
bool lazy_expunge_catalog_row_is_absent(
	const struct lazy_expunge_catalog_row *row);
/* What a week of retention costs: the bytes that are kept, spread over the time
   in which they were deleted, which is taken as a day at least. */
uint64_t
lazy_expunge_catalog_row_week(const struct lazy_expunge_catalog_row *row,
			      time_t now);

/* All but the server of a row as one line without an end, for the stamp of the
   maintenance. Data stack. */
const char *
lazy_expunge_catalog_row_line(const struct lazy_expunge_catalog_row *row);
int lazy_expunge_catalog_row_parse_line(const char *line,
					struct lazy_expunge_catalog_row *row_r);

#endif
