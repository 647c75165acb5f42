#ifndef LAZY_EXPUNGE_FILE_LINE_H
#define LAZY_EXPUNGE_FILE_LINE_H

/* What a file was when it was looked at, as a line: inode, size, time of the last
   change (which no program can set back) and path. The numbers are of a fixed
   length, so that a line may be written over. */

#include <sys/stat.h>

/* st: what stat() says, zeroes for a file that is not there. Without the line's
   end. The path has no newline. */
void lazy_expunge_file_line_append(string_t *dest, const struct stat *st,
				   const char *path);
/* The path of a line (its tail), NULL if it is none. */
const char *lazy_expunge_file_line_path(const char *line);

#endif
