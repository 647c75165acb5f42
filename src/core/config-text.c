/* doveconf's text: blocks within blocks, a line each for begin, value and end. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "core/config-text.h"

/* A line without what is around it. Data stack. */
static const char *line_trimmed(const char *line)
{
	size_t len;

	while (*line == ' ' || *line == '\t')
		line++;
	len = strlen(line);
	while (len > 0 && (line[len-1] == ' ' || line[len-1] == '\t'))
		len--;
	return t_strndup(line, len);
}

static bool has_prefix(const char *line, const char *prefix)
{
	return strncmp(line, prefix, strlen(prefix)) == 0;
}

/* The name of the block that begins in the line, NULL if none does. */
static const char *line_block(const char *line)
{
	size_t len = strlen(line);

	return len < 2 || strcmp(line + len - 2, " {") != 0 ? NULL :
		t_strndup(line, len - 2);
}

static bool is_address(const char *block)
{
	return has_prefix(block, "remote ") || has_prefix(block, "local ") ||
		has_prefix(block, "local_name ");
}

static bool is_ours(const char *line)
{
	return has_prefix(line, "lazy_expunge") ||
		has_prefix(line, "mail_plugins") ||
		has_prefix(line, "plugin/lazy_expunge");
}

static bool has_string(const ARRAY_TYPE(const_string) *strings,
		       const char *wanted)
{
	const char *string;

	array_foreach_elem(strings, string) {
		if (strcmp(string, wanted) == 0)
			return TRUE;
	}
	return FALSE;
}

static void add_once(ARRAY_TYPE(const_string) *strings, pool_t pool,
		     const char *string)
{
	string = p_strdup(pool, string);
	if (!has_string(strings, string))
		array_push_back(strings, &string);
}

/* Follows the blocks that a line is in. */
static void stack_step(ARRAY_TYPE(const_string) *stack, const char *line)
{
	const char *block = line_block(line);

	if (block != NULL)
		array_push_back(stack, &block);
	else if (strcmp(line, "}") == 0 && array_count(stack) > 0)
		array_pop_back(stack);
}

void lazy_expunge_config_text_addresses(const char *text, pool_t pool,
					ARRAY_TYPE(const_string) *blocks)
{
	const char *const *lines, *line, *block;
	ARRAY_TYPE(const_string) stack;

	t_array_init(&stack, 8);
	for (lines = t_strsplit(text, "\n"); *lines != NULL; lines++) {
		line = line_trimmed(*lines);
		if (is_ours(line)) {
			array_foreach_elem(&stack, block) {
				if (is_address(block))
					add_once(blocks, pool, block);
			}
		}
		stack_step(&stack, line);
	}
}

/* Dovecot's programs have the names of their services. */
static bool is_own_program(const char *executable, const char *service)
{
	const char *program = t_strcut(executable, ' ');
	const char *base = strrchr(program, '/');

	return strcmp(base == NULL ? program : base + 1, service) == 0;
}

void lazy_expunge_config_text_executables(const char *text,
					  const char *const *services,
					  pool_t pool,
					  ARRAY_TYPE(const_string) *found)
{
	static const char prefix[] = "executable = ";
	const char *const *lines, *line, *service;
	ARRAY_TYPE(const_string) stack;

	t_array_init(&stack, 8);
	for (lines = t_strsplit(text, "\n"); *lines != NULL; lines++) {
		line = line_trimmed(*lines);
		if (array_count(&stack) == 1 && has_prefix(line, prefix) &&
		    has_prefix(array_idx_elem(&stack, 0), "service ")) {
			service = array_idx_elem(&stack, 0) +
				strlen("service ");
			if (str_array_find(services, service) &&
			    (strstr(line, "lazy_expunge") != NULL ||
			     strstr(line, "mail_plugins") != NULL ||
			     !is_own_program(line + strlen(prefix), service))) {
				add_once(found, pool, t_strdup_printf(
					"service %s { %s }", service, line));
			}
		}
		stack_step(&stack, line);
	}
}
