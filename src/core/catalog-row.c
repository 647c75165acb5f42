/* See the header. */

#include "lib.h"
#include "str.h"
#include "strnum.h"
#include "core/catalog-row.h"

#define DAY_SECS (24 * 60 * 60)

static const char *const field_names[LAZY_EXPUNGE_CATALOG_FIELDS] = {
	"due", "messages", "bytes", "oldest", "newest", "held", "holds",
	"maintained", "failed", "server"
};

const char *
lazy_expunge_catalog_field_name(enum lazy_expunge_catalog_field field)
{
	return field_names[field];
}

static uint64_t row_number(const struct lazy_expunge_catalog_row *row,
			   enum lazy_expunge_catalog_field field)
{
	switch (field) {
	case LAZY_EXPUNGE_CATALOG_DUE:
		return row->due;
	case LAZY_EXPUNGE_CATALOG_MESSAGES:
		return row->messages;
	case LAZY_EXPUNGE_CATALOG_BYTES:
		return row->bytes;
	case LAZY_EXPUNGE_CATALOG_OLDEST:
		return row->oldest;
	case LAZY_EXPUNGE_CATALOG_NEWEST:
		return row->newest;
	case LAZY_EXPUNGE_CATALOG_HELD:
		return row->held;
	case LAZY_EXPUNGE_CATALOG_HOLDS:
		return row->holds;
	case LAZY_EXPUNGE_CATALOG_MAINTAINED:
		return row->maintained;
	case LAZY_EXPUNGE_CATALOG_FAILED:
		return row->failed;
	case LAZY_EXPUNGE_CATALOG_SERVER:
	case LAZY_EXPUNGE_CATALOG_FIELDS:
		break;
	}
	i_unreached();
}

const char *
lazy_expunge_catalog_row_get(const struct lazy_expunge_catalog_row *row,
			     enum lazy_expunge_catalog_field field)
{
	if (field == LAZY_EXPUNGE_CATALOG_SERVER)
		return row->server == NULL ? "" : row->server;
	return t_strdup_printf("%"PRIu64, row_number(row, field));
}

static int row_parse_numbers(const char *const *values,
			     struct lazy_expunge_catalog_row *row_r)
{
	uint64_t num[LAZY_EXPUNGE_CATALOG_SERVER];

	for (unsigned int i = 0; i < N_ELEMENTS(num); i++) {
		if (values[i] == NULL || str_to_uint64(values[i], &num[i]) < 0 ||
		    num[i] > INT64_MAX)
			return -1;
	}
	i_zero(row_r);
	row_r->known = LAZY_EXPUNGE_CATALOG_BIT(LAZY_EXPUNGE_CATALOG_SERVER) - 1;
	row_r->due = num[LAZY_EXPUNGE_CATALOG_DUE];
	row_r->messages = num[LAZY_EXPUNGE_CATALOG_MESSAGES];
	row_r->bytes = num[LAZY_EXPUNGE_CATALOG_BYTES];
	row_r->oldest = num[LAZY_EXPUNGE_CATALOG_OLDEST];
	row_r->newest = num[LAZY_EXPUNGE_CATALOG_NEWEST];
	row_r->held = num[LAZY_EXPUNGE_CATALOG_HELD];
	row_r->holds = num[LAZY_EXPUNGE_CATALOG_HOLDS];
	row_r->maintained = num[LAZY_EXPUNGE_CATALOG_MAINTAINED];
	row_r->failed = num[LAZY_EXPUNGE_CATALOG_FAILED];
	return 0;
}

int lazy_expunge_catalog_row_parse(const char *const *values,
				   struct lazy_expunge_catalog_row *row_r)
{
	if (str_array_length(values) < LAZY_EXPUNGE_CATALOG_FIELDS ||
	    row_parse_numbers(values, row_r) < 0)
		return -1;
	row_r->server = values[LAZY_EXPUNGE_CATALOG_SERVER];
	row_r->known = LAZY_EXPUNGE_CATALOG_ALL;
	return 0;
}

time_t
lazy_expunge_catalog_row_visit(const struct lazy_expunge_catalog_row *row,
			       unsigned int max_age)
{
	time_t latest = row->maintained + (time_t)max_age;

	return I_MIN(row->due, latest);
}

/* A failed look after which something is due a day later to the second is said by
   nobody else, and what is kept does not get lost with a row. */
void lazy_expunge_catalog_row_set_absent(struct lazy_expunge_catalog_row *row_r,
					 time_t now)
{
	i_zero(row_r);
	row_r->known = LAZY_EXPUNGE_CATALOG_BIT(LAZY_EXPUNGE_CATALOG_DUE) |
		LAZY_EXPUNGE_CATALOG_BIT(LAZY_EXPUNGE_CATALOG_MAINTAINED) |
		LAZY_EXPUNGE_CATALOG_BIT(LAZY_EXPUNGE_CATALOG_FAILED);
	row_r->due = now + DAY_SECS;
	row_r->maintained = now;
	row_r->failed = 1;
}

bool lazy_expunge_catalog_row_is_absent(
	const struct lazy_expunge_catalog_row *row)
{
	return row->failed == 1 && row->maintained != 0 &&
		row->due == row->maintained + DAY_SECS;
}

uint64_t
lazy_expunge_catalog_row_week(const struct lazy_expunge_catalog_row *row,
			      time_t now)
{
	time_t span = row->oldest == 0 || row->oldest >= now ? 0 :
		now - row->oldest;

	return (uint64_t)((double)row->bytes * (7 * DAY_SECS) /
			  (double)I_MAX(span, DAY_SECS));
}

const char *
lazy_expunge_catalog_row_line(const struct lazy_expunge_catalog_row *row)
{
	string_t *line = t_str_new(128);

	for (unsigned int i = 0; i < LAZY_EXPUNGE_CATALOG_SERVER; i++) {
		str_printfa(line, "%s%"PRIu64, i == 0 ? "" : " ",
			    row_number(row, (enum lazy_expunge_catalog_field)i));
	}
	return str_c(line);
}

int lazy_expunge_catalog_row_parse_line(const char *line,
					struct lazy_expunge_catalog_row *row_r)
{
	return row_parse_numbers(t_strsplit(line, " "), row_r);
}
