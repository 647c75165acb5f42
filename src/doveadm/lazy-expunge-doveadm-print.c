/* Printing: finds out for whom rows are printed, and writes values for them. */

#include "lib.h"
#include "ostream.h"
#include "lazy-expunge-text.h"
#include "doveadm-print-private.h"
#include "lazy-expunge-doveadm-print.h"

/* doveadm does not tell which of its formatters is in use. Each gets to know
   the headers, so that the one that is told of ours is it. The server has not
   all of them. */
struct print_formatter {
	const char *name;
	void (*header)(const struct doveadm_print_header *hdr);
	void (*super)(const struct doveadm_print_header *hdr);
};

static enum {
	READER_PROGRAM,
	READER_JSON,
	READER_PERSON
} reader = READER_PROGRAM;

static void header_json(const struct doveadm_print_header *hdr);
static void header_flow(const struct doveadm_print_header *hdr);
static void header_table(const struct doveadm_print_header *hdr);
static void header_pager(const struct doveadm_print_header *hdr);

static struct print_formatter formatters[] = {
	{ DOVEADM_PRINT_TYPE_JSON, header_json, NULL },
	{ DOVEADM_PRINT_TYPE_FLOW, header_flow, NULL },
	{ DOVEADM_PRINT_TYPE_TABLE, header_table, NULL },
	{ DOVEADM_PRINT_TYPE_PAGER, header_pager, NULL },
};

static void header_json(const struct doveadm_print_header *hdr)
{
	reader = READER_JSON;
	formatters[0].super(hdr);
}

static void header_flow(const struct doveadm_print_header *hdr)
{
	reader = READER_PERSON;
	formatters[1].super(hdr);
}

static void header_table(const struct doveadm_print_header *hdr)
{
	reader = READER_PERSON;
	formatters[2].super(hdr);
}

static void header_pager(const struct doveadm_print_header *hdr)
{
	reader = READER_PERSON;
	formatters[3].super(hdr);
}

/* The formatter of doveadm, NULL if this program has it not. */
static struct doveadm_print_vfuncs *formatter_find(const char *name)
{
	for (unsigned int i = 0; doveadm_print_vfuncs_all[i] != NULL; i++) {
		if (strcmp(doveadm_print_vfuncs_all[i]->name, name) == 0) {
			/* none of them is a constant */
			return (struct doveadm_print_vfuncs *)
				doveadm_print_vfuncs_all[i];
		}
	}
	return NULL;
}

void lazy_expunge_print_init(void)
{
	struct doveadm_print_vfuncs *v;

	for (unsigned int i = 0; i < N_ELEMENTS(formatters); i++) {
		v = formatter_find(formatters[i].name);
		if (v != NULL) {
			formatters[i].super = v->header;
			v->header = formatters[i].header;
		}
	}
}

void lazy_expunge_print_deinit(void)
{
	struct doveadm_print_vfuncs *v;

	for (unsigned int i = 0; i < N_ELEMENTS(formatters); i++) {
		v = formatter_find(formatters[i].name);
		if (v != NULL)
			v->header = formatters[i].super;
	}
}

void lazy_expunge_print_header(const char *key)
{
	/* a server does many commands */
	reader = READER_PROGRAM;
	doveadm_print_header_simple(key);
}

void lazy_expunge_print_header_number(const char *key)
{
	reader = READER_PROGRAM;
	doveadm_print_header(key, key, DOVEADM_PRINT_HEADER_FLAG_NUMBER |
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY);
}

void lazy_expunge_print_text(const char *text)
{
	T_BEGIN {
		doveadm_print(lazy_expunge_text_safe(text));
	} T_END;
}

void lazy_expunge_print_number(uint64_t number)
{
	doveadm_print_num(number);
}

void lazy_expunge_print_size(uint64_t bytes)
{
	if (reader != READER_PERSON)
		doveadm_print_num(bytes);
	else T_BEGIN {
		doveadm_print(lazy_expunge_text_size(bytes));
	} T_END;
}

void lazy_expunge_print_time(time_t timestamp)
{
	if (timestamp <= 0)
		lazy_expunge_print_none();
	else T_BEGIN {
		doveadm_print(reader == READER_PERSON ?
			      lazy_expunge_text_time(timestamp) :
			      lazy_expunge_text_iso8601(timestamp));
	} T_END;
}

void lazy_expunge_print_interval(unsigned int secs)
{
	if (secs == 0)
		lazy_expunge_print_none();
	else if (reader != READER_PERSON)
		doveadm_print_num(secs);
	else T_BEGIN {
		doveadm_print(lazy_expunge_text_interval(secs));
	} T_END;
}

void lazy_expunge_print_none(void)
{
	/* the others do not know NULL */
	doveadm_print(reader == READER_JSON ? NULL : "");
}

void lazy_expunge_print_flush(void)
{
	o_stream_uncork(doveadm_print_ostream);
	o_stream_cork(doveadm_print_ostream);
}
