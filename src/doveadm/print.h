#ifndef LAZY_EXPUNGE_DOVEADM_PRINT_H
#define LAZY_EXPUNGE_DOVEADM_PRINT_H

/* Values of rows. What is printed as flow, table or pager is for people: sizes
   and times are shown as they read them. What is printed as json or tab, or
   goes to another doveadm that prints it, is exact: bytes and ISO 8601. */

/* Learn which format is in use: at load and unload of the module. */
void lazy_expunge_print_init(void);
void lazy_expunge_print_deinit(void);

/* Before the headers of a command. */
void lazy_expunge_print_begin(void);
/* On the command line: whoever gave us standard output may have made it
   non-blocking. Wait for its reader all the same, until
   lazy_expunge_print_finish(). */
void lazy_expunge_print_wait_for_reader(void);
/* Once there are headers: TRUE if rows go to a table of this process, of which
   not all columns may be seen. */
bool lazy_expunge_print_is_table(void);
/* Headers. Numbers are right-justified, and numbers in json. */
void lazy_expunge_print_header(const char *key);
void lazy_expunge_print_header_number(const char *key);
void lazy_expunge_print_header_time(const char *key);

/* Text. Formats for people show it safe for a terminal, tab on one line, json
   and another doveadm get it as it is. */
void lazy_expunge_print_text(const char *text);
/* Under a header of a number. */
void lazy_expunge_print_number(uint64_t number);
void lazy_expunge_print_size(uint64_t bytes);
/* 0 = there is none: empty, in json null. */
void lazy_expunge_print_time(time_t timestamp);
/* Seconds under a header of a number, 0 = none. */
void lazy_expunge_print_interval(unsigned int secs);
/* Nothing, under a header of a number or a time: empty, in json null. */
void lazy_expunge_print_none(void);

/* Append values to record (tab-separated, escaped, each with its kind) from now
   on, in the place of printing them. */
void lazy_expunge_print_record(string_t *record);
/* Print the values of a record of another process. */
void lazy_expunge_print_replay(const char *record);

/* On the command line: let the reader have the rows that were printed. */
void lazy_expunge_print_flush(void);
/* TRUE if rows cannot be written any more. */
bool lazy_expunge_print_failed(void);
/* On the command line, when nothing is printed any more: write what is left.
   Returns 0, or -1 with an error if not everything could be written. A reader
   that went away has seen enough, which is no error. */
int lazy_expunge_print_finish(const char **error_r);

#endif
