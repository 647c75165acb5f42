/* Startup: turns the fatal error of a mail plugin that cannot be loaded into a
   row of check. */

#include "lib.h"
#include "istream.h"
#include "doveadm-print.h"
#include "doveadm/print.h"
#include "doveadm/check-rows.h"
#include "doveadm/load-failure.h"

#include <stdlib.h>

#define PLUGIN_NAME "lazy_expunge"

static failure_callback_t *super_fatal = NULL;
static bool watching = FALSE;

/* TRUE if this process was started with ... lazy-expunge check ... */
static bool is_check_command(void)
{
	struct istream *input;
	const unsigned char *data;
	const char *words[2] = { "", "" };
	size_t size;
	bool found = FALSE;

	input = i_stream_create_file("/proc/self/cmdline", 4096);
	while (!found && i_stream_read_bytes(input, &data, &size, 1) > 0) {
		const unsigned char *end = memchr(data, '\0', size);

		if (end == NULL) {
			if (i_stream_read(input) <= 0)
				break;
			continue;
		}
		words[0] = words[1];
		words[1] = t_strdup_until(data, end);
		i_stream_skip(input, end - data + 1);
		found = strcmp(words[0], "lazy-expunge") == 0 &&
			strcmp(words[1], "check") == 0;
	}
	i_stream_destroy(&input);
	return found;
}

static void ATTR_NORETURN ATTR_FORMAT(2, 0)
startup_fatal(const struct failure_context *ctx, const char *format,
	      va_list args)
{
	va_list args2;
	const char *text, *error;

	va_copy(args2, args);
	text = t_strdup_vprintf(format, args2);
	va_end(args2);
	if (watching && strstr(text, PLUGIN_NAME) != NULL && doveadm_print_ostream != NULL) {
		lazy_expunge_print_begin();
		doveadm_print_init(LAZY_EXPUNGE_CHECK_FORMAT);
		lazy_expunge_check_print_headers(FALSE);
		lazy_expunge_check_print_row("module", "FAIL", 0, text,
			"install the plugin that was built for this Dovecot");
		if (lazy_expunge_print_finish(&error) < 0)
			i_error("%s", error);
		exit(LAZY_EXPUNGE_CHECK_EX_FAIL);
	}
	super_fatal(ctx, format, args);
	/* it does not return */
	exit(LAZY_EXPUNGE_CHECK_EX_FAIL);
}

void lazy_expunge_startup_watch(void)
{
	failure_callback_t *error, *info, *debug;

	if (!is_check_command())
		return;
	i_get_failure_handlers(&super_fatal, &error, &info, &debug);
	i_set_fatal_handler(startup_fatal);
	watching = TRUE;
}

void lazy_expunge_startup_done(void)
{
	/* what comes next has its own texts; others go on to where they went */
	watching = FALSE;
}
