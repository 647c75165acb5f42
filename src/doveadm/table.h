#ifndef LAZY_EXPUNGE_DOVEADM_TABLE_H
#define LAZY_EXPUNGE_DOVEADM_TABLE_H

/* Tables for people: columns stay columns, whatever stands in them, and on a
   terminal a row is one line of it. Takes the place of doveadm's formatter of
   this name for our commands (struct doveadm_print_vfuncs). */

struct doveadm_print_header;

enum lazy_expunge_column {
	/* as wide as its widest value */
	LAZY_EXPUNGE_COLUMN_FIXED,
	/* cut, with a mark, where the terminal is too narrow */
	LAZY_EXPUNGE_COLUMN_ELASTIC,
	/* what is not empty stands on a line of its own below the row */
	LAZY_EXPUNGE_COLUMN_NOTE,
	/* not shown unless lazy_expunge_table_show_details() */
	LAZY_EXPUNGE_COLUMN_DETAIL
};

/* What the headers are that come from now on. */
void lazy_expunge_table_column(enum lazy_expunge_column column);
/* Show the columns of details, too, in the next table. */
void lazy_expunge_table_show_details(void);
/* Show these columns alone, and in this order, in the next table: keys,
   NULL-terminated, static. The name of the user is before them. */
void lazy_expunge_table_show_only(const char *const keys[]);

/* As in struct doveadm_print_vfuncs. Values are safe for a terminal. */
void lazy_expunge_table_header(const struct doveadm_print_header *hdr);
void lazy_expunge_table_print(const char *value);
void lazy_expunge_table_print_stream(const unsigned char *value, size_t size);
/* Write the rows that wait for others, which would tell how wide columns are. */
void lazy_expunge_table_flush(void);
void lazy_expunge_table_deinit(void);

#endif
