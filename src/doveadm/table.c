/* Tables: rows are collected until there are enough to say how wide the columns
   are, and written with those widths from then on. */

#include "lib.h"
#include "array.h"
#include "ostream.h"
#include "str.h"
#include "core/text-width.h"
#include "doveadm-print-private.h"
#include "doveadm/table.h"

#include <sys/ioctl.h>
#include <unistd.h>

#define MAX_WAITING_ROWS 200
#define MIN_TERMINAL_COLUMNS 40
/* no elastic column is cut to less */
#define MIN_ELASTIC_WIDTH 8
/* what is left for numbers of rows that are still to come */
#define MIN_NUMBER_WIDTH 6
#define NOTE_INDENT "    "

struct table_column {
	enum lazy_expunge_column kind;
	enum doveadm_print_header_flags flags;
	const char *key, *title;
	size_t width;
};

struct table {
	pool_t pool;
	ARRAY(struct table_column) columns;
	/* of the rows that wait, and of the one that is not whole yet */
	ARRAY_TYPE(const_string) values;
	pool_t values_pool;
	string_t *stream;
	/* indexes to columns: what is shown, in this order */
	ARRAY(unsigned int) shown;
	bool widths_set;
	/* rows fit a terminal */
	bool cut;
};

static struct table *table = NULL;
static enum lazy_expunge_column next_column = LAZY_EXPUNGE_COLUMN_FIXED;
static bool show_details = FALSE;
static const char *const *show_only = NULL;

void lazy_expunge_table_column(enum lazy_expunge_column column)
{
	next_column = column;
}

void lazy_expunge_table_show_details(void)
{
	show_details = TRUE;
}

void lazy_expunge_table_show_only(const char *const keys[])
{
	show_only = keys;
}

static void table_init(void)
{
	pool_t pool = pool_alloconly_create("lazy_expunge table", 1024);

	table = p_new(pool, struct table, 1);
	table->pool = pool;
	table->values_pool =
		pool_alloconly_create("lazy_expunge table rows", 8192);
	table->stream = str_new(default_pool, 128);
	p_array_init(&table->columns, pool, 16);
	p_array_init(&table->shown, pool, 16);
	i_array_init(&table->values, 64);
}

void lazy_expunge_table_header(const struct doveadm_print_header *hdr)
{
	struct table_column *column;

	if (table == NULL)
		table_init();
	column = array_append_space(&table->columns);
	column->kind = next_column;
	column->flags = hdr->flags;
	column->key = p_strdup(table->pool, hdr->key);
	column->title = p_strdup(table->pool, hdr->title);
}

/* Returns TRUE if the column takes part in lines. */
static bool column_is_shown(const struct table_column *column)
{
	switch (column->kind) {
	case LAZY_EXPUNGE_COLUMN_FIXED:
	case LAZY_EXPUNGE_COLUMN_ELASTIC:
		return TRUE;
	case LAZY_EXPUNGE_COLUMN_DETAIL:
		return show_details;
	case LAZY_EXPUNGE_COLUMN_NOTE:
		break;
	}
	return FALSE;
}

static void shown_add(const char *key)
{
	for (unsigned int i = 0; i < array_count(&table->columns); i++) {
		const struct table_column *column =
			array_idx(&table->columns, i);

		if (key == NULL ? column_is_shown(column) :
		    strcmp(column->key, key) == 0)
			array_push_back(&table->shown, &i);
	}
}

static void shown_set(void)
{
	if (show_only == NULL) {
		shown_add(NULL);
		return;
	}
	/* doveadm's own, where there are several */
	shown_add("username");
	for (const char *const *key = show_only; *key != NULL; key++)
		shown_add(*key);
}

/* Columns of the terminal that rows go to, 0 if they go elsewhere. */
static size_t terminal_columns(void)
{
	struct winsize ws;

	if (isatty(STDOUT_FILENO) == 0 ||
	    ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) < 0 || ws.ws_col == 0)
		return 0;
	return I_MAX(ws.ws_col, MIN_TERMINAL_COLUMNS);
}

static bool column_is_number(const struct table_column *column)
{
	return (column->flags & DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY) != 0;
}

/* Take what is too much from the widest elastic column, one by one. */
static void widths_cut(size_t too_much)
{
	struct table_column *column, *widest;

	while (too_much > 0) {
		widest = NULL;
		array_foreach_modifiable(&table->columns, column) {
			if (column->kind == LAZY_EXPUNGE_COLUMN_ELASTIC &&
			    column->width > MIN_ELASTIC_WIDTH &&
			    (widest == NULL || column->width > widest->width))
				widest = column;
		}
		if (widest == NULL)
			break;
		widest->width--;
		too_much--;
	}
}

/* Rows are still to come: leave them the room that there is, the narrowest
   elastic column first. */
static void widths_fill(size_t left)
{
	struct table_column *column, *narrowest;
	unsigned int i;

	while (left > 0) {
		narrowest = NULL;
		array_foreach_elem(&table->shown, i) {
			column = array_idx_modifiable(&table->columns, i);
			if (column->kind == LAZY_EXPUNGE_COLUMN_ELASTIC &&
			    (narrowest == NULL ||
			     column->width < narrowest->width))
				narrowest = column;
		}
		if (narrowest == NULL)
			break;
		narrowest->width++;
		left--;
	}
}

static void widths_set(bool all_known)
{
	const size_t terminal = terminal_columns();
	struct table_column *column;
	const char *const *values;
	unsigned int i, v, count, columns = array_count(&table->columns);
	size_t sum = 0;

	shown_set();
	values = array_get(&table->values, &count);
	array_foreach_elem(&table->shown, i) {
		column = array_idx_modifiable(&table->columns, i);
		column->width = lazy_expunge_text_width(column->title);
		for (v = i; v < count; v += columns) {
			column->width = I_MAX(column->width,
				lazy_expunge_text_width(values[v]));
		}
		if (!all_known && column_is_number(column))
			column->width = I_MAX(column->width, MIN_NUMBER_WIDTH);
		sum += column->width + 1;
	}
	/* the last column has no space behind it */
	if (terminal > 0 && sum > terminal + 1)
		widths_cut(sum - terminal - 1);
	else if (terminal > 0 && !all_known)
		widths_fill(terminal + 1 - sum);
	table->cut = terminal > 0;
	table->widths_set = TRUE;
}

static void line_add(string_t *line, const struct table_column *column,
		     const char *value)
{
	size_t width = lazy_expunge_text_width(value), spaces;

	if (table->cut && width > column->width &&
	    column->kind == LAZY_EXPUNGE_COLUMN_ELASTIC) {
		value = lazy_expunge_text_fit(value, column->width);
		width = lazy_expunge_text_width(value);
	}
	spaces = width < column->width ? column->width - width : 0;
	if (column_is_number(column)) {
		while (spaces-- > 0)
			str_append_c(line, ' ');
		str_printfa(line, "%s ", value);
	} else {
		str_printfa(line, "%s ", value);
		while (spaces-- > 0)
			str_append_c(line, ' ');
	}
}

static void line_end(string_t *line)
{
	size_t len = str_len(line);

	while (len > 0 && str_c(line)[len - 1] == ' ')
		len--;
	str_truncate(line, len);
	str_append_c(line, '\n');
}

static void titles_write(void)
{
	const struct table_column *columns = array_front(&table->columns);
	string_t *line = t_str_new(128);
	unsigned int i;

	if (doveadm_print_hide_titles)
		return;
	array_foreach_elem(&table->shown, i)
		line_add(line, &columns[i], columns[i].title);
	line_end(line);
	o_stream_nsend(doveadm_print_ostream, str_data(line), str_len(line));
}

static void row_write(const char *const *values, unsigned int count)
{
	const struct table_column *columns = array_front(&table->columns);
	string_t *line = t_str_new(256);

	unsigned int i;

	/* the last row may not be whole */
	array_foreach_elem(&table->shown, i) {
		if (i < count)
			line_add(line, &columns[i], values[i]);
	}
	line_end(line);
	for (i = 0; i < count; i++) {
		if (columns[i].kind == LAZY_EXPUNGE_COLUMN_NOTE &&
		    *values[i] != '\0')
			str_printfa(line, NOTE_INDENT"%s\n", values[i]);
	}
	o_stream_nsend(doveadm_print_ostream, str_data(line), str_len(line));
}

/* all_known: no row comes after these. */
static void rows_write(bool all_known)
{
	const char *const *values;
	unsigned int count, columns;

	if (!table->widths_set) {
		widths_set(all_known);
		T_BEGIN {
			titles_write();
		} T_END;
	}
	columns = array_count(&table->columns);
	values = array_get(&table->values, &count);
	for (unsigned int i = 0; i < count; i += columns) T_BEGIN {
		row_write(values + i, I_MIN(columns, count - i));
	} T_END;
	array_clear(&table->values);
	p_clear(table->values_pool);
}

void lazy_expunge_table_flush(void)
{
	/* none, or one that is not whole yet */
	if (table != NULL && array_count(&table->values) > 0 &&
	    array_count(&table->values) % array_count(&table->columns) == 0)
		rows_write(FALSE);
}

void lazy_expunge_table_print(const char *value)
{
	const unsigned int columns = array_count(&table->columns);
	unsigned int count;

	value = p_strdup(table->values_pool, value == NULL ? "" : value);
	array_push_back(&table->values, &value);
	count = array_count(&table->values);
	if (count % columns == 0 &&
	    (table->widths_set || count / columns >= MAX_WAITING_ROWS))
		lazy_expunge_table_flush();
}

void lazy_expunge_table_print_stream(const unsigned char *value, size_t size)
{
	if (size > 0) {
		str_append_data(table->stream, value, size);
		return;
	}
	lazy_expunge_table_print(str_c(table->stream));
	str_truncate(table->stream, 0);
}

void lazy_expunge_table_deinit(void)
{
	if (table == NULL)
		return;
	if (array_count(&table->values) > 0)
		rows_write(TRUE);
	str_free(&table->stream);
	array_free(&table->values);
	pool_unref(&table->values_pool);
	pool_unref(&table->pool);
	table = NULL;
	next_column = LAZY_EXPUNGE_COLUMN_FIXED;
	show_details = FALSE;
	show_only = NULL;
}
