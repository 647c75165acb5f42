/* See the header. */

#include "lib.h"
#include "array.h"
#include "istream.h"
#include "doveadm/command-line.h"

#define CMDLINE_MAX_SIZE (256 * 1024)

int lazy_expunge_command_line_read(ARRAY_TYPE(const_string) *words)
{
	const unsigned char *data, *end;
	struct istream *input;
	const char *word;
	size_t size;
	bool found = FALSE;

	input = i_stream_create_file("/proc/self/cmdline", CMDLINE_MAX_SIZE);
	while (i_stream_read(input) > 0) ;
	data = i_stream_get_data(input, &size);
	while (!found && (end = memchr(data, '\0', size)) != NULL) {
		word = t_strdup_until(data, end);
		size -= end + 1 - data;
		data = end + 1;
		found = strcmp(word, "lazy-expunge") == 0;
		if (!found)
			array_push_back(words, &word);
	}
	i_stream_destroy(&input);
	return found ? 0 : -1;
}
