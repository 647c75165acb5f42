/* A worker: takes users from standard input, gives their rows back there. */

#include "lib.h"
#include "istream.h"
#include "str.h"
#include "strescape.h"
#include "write-full.h"
#include "doveadm/print.h"
#include "doveadm/worker.h"

#include <unistd.h>

#define NAME_MAX_SIZE 4096

static struct istream *worker_input = NULL;
static string_t *worker_values = NULL;

void lazy_expunge_worker_begin(void)
{
	worker_input = i_stream_create_fd(STDIN_FILENO, NAME_MAX_SIZE);
	worker_values = str_new(default_pool, 256);
	lazy_expunge_print_record(worker_values);
}

int lazy_expunge_worker_next(const char **username_r)
{
	char *line;

	/* at once, so that it is known whom a process that dies was at work for */
	str_append_c(worker_values, '\n');
	if (write_full(STDIN_FILENO, str_data(worker_values),
		       str_len(worker_values)) < 0) {
		i_error("write(socket of the first process) failed: %m");
		return -1;
	}
	str_truncate(worker_values, 0);
	line = i_stream_read_next_line(worker_input);
	if (line != NULL) {
		*username_r = str_tabunescape(line);
		return 1;
	}
	if (worker_input->stream_errno == 0)
		return 0;
	i_error("read(socket of the first process) failed: %s",
		i_stream_get_error(worker_input));
	return -1;
}
