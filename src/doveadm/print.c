/* Printing: finds out for whom rows are printed, and writes values for them. */

#include "lib.h"
#include "ostream.h"
#include "str.h"
#include "strescape.h"
#include "core/text.h"
#include "doveadm-print-private.h"
#include "doveadm/print.h"
#include "doveadm/table.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

/* doveadm does not tell which of its formatters is in use. Each gets to know
   the headers, so that the one that is told of ours is it; and the values, which
   may come from another doveadm. The server has not all of them. */
enum formatter {
	FORMATTER_JSON,
	FORMATTER_FLOW,
	FORMATTER_TABLE,
	FORMATTER_PAGER,
	FORMATTER_TAB,
	FORMATTER_FORMATTED,
	FORMATTER_COUNT
};

/* The columns of json in which an empty value is null. A doveadm server sends
   its client no other: the client's json takes no empty text for a number. */
static struct {
	bool nullable[32];
	unsigned int count, next;
} json;
static bool header_is_nullable = FALSE;
/* one of our commands prints */
static bool printing = FALSE;
/* it prints a table */
static bool printing_table = FALSE;

/* The flags that standard output had, -1 = they were not changed. */
static int stdout_flags = -1;

static enum {
	READER_PROGRAM,
	READER_PERSON
} reader = READER_PROGRAM;

/* What a value in a record is. */
enum print_kind {
	PRINT_TEXT = 't',
	PRINT_NUMBER = 'n',
	PRINT_SIZE = 's',
	PRINT_TIME = 'd',
	PRINT_INTERVAL = 'i',
	PRINT_NONE = '-',
};

/* Where values go in the place of the output, NULL = they are printed. */
static string_t *record = NULL;

/* What the formatters did before. */
static struct doveadm_print_vfuncs super[FORMATTER_COUNT];

static void header_json(const struct doveadm_print_header *hdr)
{
	if (json.count < N_ELEMENTS(json.nullable))
		json.nullable[json.count] = header_is_nullable;
	json.count++;
	super[FORMATTER_JSON].header(hdr);
}

/* For each command of a server, others than ours among them. */
static void init_json(void)
{
	json.count = json.next = 0;
	super[FORMATTER_JSON].init();
}

static void print_json(const char *value)
{
	if (value != NULL && *value == '\0' &&
	    json.next < N_ELEMENTS(json.nullable) && json.nullable[json.next])
		value = NULL;
	if (++json.next >= json.count)
		json.next = 0;
	super[FORMATTER_JSON].print(value);
}

/* On a terminal. */
static void print_safe(enum formatter formatter, const char *value)
{
	if (!printing || value == NULL)
		super[formatter].print(value);
	else T_BEGIN {
		super[formatter].print(lazy_expunge_text_safe(value));
	} T_END;
}

/* To a program that reads lines. */
static void print_line(enum formatter formatter, const char *value)
{
	if (!printing || value == NULL)
		super[formatter].print(value);
	else T_BEGIN {
		super[formatter].print(lazy_expunge_text_line(value));
	} T_END;
}

static void header_flow(const struct doveadm_print_header *hdr)
{
	reader = READER_PERSON;
	super[FORMATTER_FLOW].header(hdr);
}

static void header_table(const struct doveadm_print_header *hdr)
{
	if (!printing) {
		super[FORMATTER_TABLE].header(hdr);
		return;
	}
	reader = READER_PERSON;
	printing_table = TRUE;
	lazy_expunge_table_header(hdr);
}

static void header_pager(const struct doveadm_print_header *hdr)
{
	reader = READER_PERSON;
	super[FORMATTER_PAGER].header(hdr);
}

static void print_flow(const char *value)
{
	print_safe(FORMATTER_FLOW, value);
}

static void print_table(const char *value)
{
	if (!printing)
		super[FORMATTER_TABLE].print(value);
	else T_BEGIN {
		lazy_expunge_table_print(value == NULL ? NULL :
					 lazy_expunge_text_safe(value));
	} T_END;
}

static void print_table_stream(const unsigned char *value, size_t size)
{
	if (!printing)
		super[FORMATTER_TABLE].print_stream(value, size);
	else
		lazy_expunge_table_print_stream(value, size);
}

static void flush_table(void)
{
	lazy_expunge_table_flush();
	super[FORMATTER_TABLE].flush();
}

static void deinit_table(void)
{
	lazy_expunge_table_deinit();
	super[FORMATTER_TABLE].deinit();
}

static void print_pager(const char *value)
{
	print_safe(FORMATTER_PAGER, value);
}

static void print_tab(const char *value)
{
	print_line(FORMATTER_TAB, value);
}

static void print_formatted(const char *value)
{
	print_line(FORMATTER_FORMATTED, value);
}

/* What is NULL stays as it is. */
static const struct doveadm_print_vfuncs own[FORMATTER_COUNT] = {
	[FORMATTER_JSON] = {
		.name = DOVEADM_PRINT_TYPE_JSON,
		.init = init_json,
		.header = header_json,
		.print = print_json,
	},
	[FORMATTER_FLOW] = {
		.name = DOVEADM_PRINT_TYPE_FLOW,
		.header = header_flow,
		.print = print_flow,
	},
	[FORMATTER_TABLE] = {
		.name = DOVEADM_PRINT_TYPE_TABLE,
		.header = header_table,
		.print = print_table,
		.print_stream = print_table_stream,
		.flush = flush_table,
		.deinit = deinit_table,
	},
	[FORMATTER_PAGER] = {
		.name = DOVEADM_PRINT_TYPE_PAGER,
		.header = header_pager,
		.print = print_pager,
	},
	[FORMATTER_TAB] = {
		.name = DOVEADM_PRINT_TYPE_TAB,
		.print = print_tab,
	},
	[FORMATTER_FORMATTED] = {
		.name = DOVEADM_PRINT_TYPE_FORMATTED,
		.print = print_formatted,
	},
};

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

	for (unsigned int i = 0; i < FORMATTER_COUNT; i++) {
		v = formatter_find(own[i].name);
		if (v == NULL)
			continue;
		super[i] = *v;
		if (own[i].init != NULL)
			v->init = own[i].init;
		if (own[i].header != NULL)
			v->header = own[i].header;
		if (own[i].print_stream != NULL)
			v->print_stream = own[i].print_stream;
		if (own[i].flush != NULL)
			v->flush = own[i].flush;
		if (own[i].deinit != NULL)
			v->deinit = own[i].deinit;
		v->print = own[i].print;
	}
}

void lazy_expunge_print_deinit(void)
{
	struct doveadm_print_vfuncs *v;

	for (unsigned int i = 0; i < FORMATTER_COUNT; i++) {
		v = formatter_find(own[i].name);
		if (v != NULL)
			*v = super[i];
	}
}

void lazy_expunge_print_begin(void)
{
	/* a server does many commands */
	reader = READER_PROGRAM;
	printing = TRUE;
	printing_table = FALSE;
}

bool lazy_expunge_print_is_table(void)
{
	return printing_table;
}

void lazy_expunge_print_wait_for_reader(void)
{
	int flags = fcntl(STDOUT_FILENO, F_GETFL);

	/* The json of 2.4 leaves out what a non-blocking output does not take
	   at once, and nobody hears of it. */
	if (flags != -1 && (flags & O_NONBLOCK) != 0 &&
	    fcntl(STDOUT_FILENO, F_SETFL, flags & ~O_NONBLOCK) == 0)
		stdout_flags = flags;
}

/* The flag is also that of others who have the same file. */
static void print_restore_flags(void)
{
	if (stdout_flags != -1)
		(void)fcntl(STDOUT_FILENO, F_SETFL, stdout_flags);
	stdout_flags = -1;
}

void lazy_expunge_print_header(const char *key)
{
	doveadm_print_header_simple(key);
}

void lazy_expunge_print_header_time(const char *key)
{
	header_is_nullable = TRUE;
	doveadm_print_header_simple(key);
	header_is_nullable = FALSE;
}

void lazy_expunge_print_header_number(const char *key)
{
	header_is_nullable = TRUE;
	doveadm_print_header(key, key, DOVEADM_PRINT_HEADER_FLAG_NUMBER |
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY);
	header_is_nullable = FALSE;
}

void lazy_expunge_print_record(string_t *to)
{
	record = to;
}

/* Returns TRUE if a record is made. */
static bool print_is_recorded(enum print_kind kind, const char *value)
{
	if (record == NULL)
		return FALSE;
	if (str_len(record) > 0)
		str_append_c(record, '\t');
	str_append_c(record, kind);
	str_append_tabescaped(record, value);
	return TRUE;
}

static void print_replay_value(enum print_kind kind, const char *value)
{
	uint64_t number = 0;

	if (kind != PRINT_TEXT && str_to_uint64(value, &number) < 0)
		kind = PRINT_NONE;
	switch (kind) {
	case PRINT_TEXT:
		lazy_expunge_print_text(value);
		break;
	case PRINT_NUMBER:
		lazy_expunge_print_number(number);
		break;
	case PRINT_SIZE:
		lazy_expunge_print_size(number);
		break;
	case PRINT_TIME:
		lazy_expunge_print_time((time_t)number);
		break;
	case PRINT_INTERVAL:
		lazy_expunge_print_interval((unsigned int)number);
		break;
	default:
		lazy_expunge_print_none();
		break;
	}
}

void lazy_expunge_print_replay(const char *values)
{
	const char *const *value;

	for (value = t_strsplit_tabescaped(values); *value != NULL; value++) {
		if (**value != '\0')
			print_replay_value((enum print_kind)**value,
					   *value + 1);
	}
}

void lazy_expunge_print_text(const char *text)
{
	if (print_is_recorded(PRINT_TEXT, text))
		return;
	T_BEGIN {
		doveadm_print(lazy_expunge_text_valid(text));
	} T_END;
}

void lazy_expunge_print_number(uint64_t number)
{
	if (print_is_recorded(PRINT_NUMBER, dec2str(number)))
		return;
	doveadm_print_num(number);
}

void lazy_expunge_print_size(uint64_t bytes)
{
	if (print_is_recorded(PRINT_SIZE, dec2str(bytes)))
		return;
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
	else if (print_is_recorded(PRINT_TIME, dec2str(timestamp)))
		;
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
	else if (print_is_recorded(PRINT_INTERVAL, dec2str(secs)))
		;
	else if (reader != READER_PERSON)
		doveadm_print_num(secs);
	else T_BEGIN {
		doveadm_print(lazy_expunge_text_interval(secs));
	} T_END;
}

void lazy_expunge_print_none(void)
{
	if (print_is_recorded(PRINT_NONE, ""))
		return;
	doveadm_print("");
}

void lazy_expunge_print_flush(void)
{
	lazy_expunge_table_flush();
	o_stream_uncork(doveadm_print_ostream);
	o_stream_cork(doveadm_print_ostream);
}

/* The formatter for tables writes to stdio's buffer, the others do not. Returns
   0 or errno. */
static int print_flush_stdio(void)
{
	struct pollfd pipe = { .fd = STDOUT_FILENO, .events = POLLOUT };

	if (fflush(stdout) != 0)
		return errno;
	if (ferror(stdout) == 0)
		return 0;
	/* an earlier write failed, and its errno is gone */
	return poll(&pipe, 1, 0) > 0 && (pipe.revents & POLLERR) != 0 ?
		EPIPE : EIO;
}

static int print_flush_ostream(void)
{
	struct pollfd output = { .fd = STDOUT_FILENO, .events = POLLOUT };
	int ret;

	/* others who have the same file may have set the flag again */
	while ((ret = o_stream_flush(doveadm_print_ostream)) == 0)
		(void)poll(&output, 1, -1);
	return ret < 0 ? doveadm_print_ostream->stream_errno : 0;
}

/* Some file systems tell only at a close that there is no room. Closes a copy,
   since standard output is doveadm's. Returns 0 or errno. */
static int print_close(void)
{
	int fd = dup(STDOUT_FILENO);

	return fd == -1 || close(fd) == 0 || errno == EINTR ? 0 : errno;
}

bool lazy_expunge_print_failed(void)
{
	return doveadm_print_ostream->stream_errno != 0 || ferror(stdout) != 0;
}

int lazy_expunge_print_finish(const char **error_r)
{
	int error;

	/* Formats write at their end, too. doveadm would do this later, and
	   take no notice of an error. */
	doveadm_print_deinit();
	error = print_flush_ostream();
	if (error == 0)
		error = print_flush_stdio();
	if (error == 0)
		error = print_close();
	print_restore_flags();
	if (error == 0 || error == EPIPE || error == ECONNRESET)
		return 0;
	*error_r = t_strdup_printf("The output could not be written: %s",
				   strerror(error));
	return -1;
}
