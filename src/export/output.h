#ifndef LAZY_EXPUNGE_OUTPUT_H
#define LAZY_EXPUNGE_OUTPUT_H

/* The file that an archive is written to. It has its name only when it is whole
   and on disk. Open and finish it with the rights of who may write there; who
   writes needs none. Errors are allocated from the data stack. */

struct lazy_expunge_output;

/* "-" is standard output, which is taken for the archive alone: what else goes
   there goes to standard error from then on. Returns 0, or -1 and the error. */
int lazy_expunge_output_open(const char *path,
			     struct lazy_expunge_output **output_r,
			     const char **error_r);
/* Returns 0, or -1 and errno. */
int lazy_expunge_output_write(struct lazy_expunge_output *output,
			      const void *data, size_t size);
/* What was written. */
uint64_t lazy_expunge_output_bytes(const struct lazy_expunge_output *output);
/* The SHA-256 of all that was written, hexadecimal. Call once, at the end. Data
   stack. */
const char *lazy_expunge_output_sum(struct lazy_expunge_output *output);
/* Give the file its name. Returns 0, or -1 and the error: there is no file then. */
int lazy_expunge_output_finish(struct lazy_expunge_output **output,
			       const char **error_r);
/* There will be no file. Takes NULL. */
void lazy_expunge_output_abort(struct lazy_expunge_output **output);

#endif
