/* See the header. */

#include "lib.h"
#include "str.h"
#include "core/file-line.h"

void lazy_expunge_file_line_append(string_t *dest, const struct stat *st,
				   const char *path)
{
	str_printfa(dest, "%016"PRIx64" %016"PRIx64" %010"PRIx64".%09lu %s",
		    (uint64_t)st->st_ino, (uint64_t)st->st_size,
		    (uint64_t)st->st_ctime,
		    (unsigned long)st->st_ctim.tv_nsec, path);
}

const char *lazy_expunge_file_line_path(const char *line)
{
	for (unsigned int i = 0; i < 3; i++) {
		line = strchr(line, ' ');
		if (line == NULL)
			return NULL;
		line++;
	}
	return *line == '\0' ? NULL : line;
}
