/* Hold file: lines of text, and when a hold is in force. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "strescape.h"
#include "strnum.h"
#include "unichar.h"
#include "core/hold-file.h"

#include <ctype.h>

#define HOLD_FILE_HEAD "lazy-expunge-holds\t1"
#define HOLD_WORD "hold"
#define MAILBOX_WORD "mailbox"
#define END_WORD "end"
/* fields of a hold's line before the words of its query */
#define HOLD_FIELDS 8

struct hold_parse {
	pool_t pool;
	ARRAY_TYPE(lazy_expunge_hold) *holds;
	unsigned int line;
	bool ended;
};

static void append_field(string_t *dest, const char *text)
{
	str_append_c(dest, '\t');
	str_append_tabescaped(dest, text);
}

static void append_hold(string_t *dest, const struct lazy_expunge_hold *hold)
{
	const struct lazy_expunge_hold_mailbox *box;

	str_append(dest, HOLD_WORD);
	append_field(dest, hold->name);
	str_printfa(dest, "\t%"PRId64"\t%"PRId64"\t%"PRId64,
		    (int64_t)hold->set_time, (int64_t)hold->until,
		    (int64_t)hold->released);
	append_field(dest, hold->set_by);
	append_field(dest, hold->released_by);
	append_field(dest, hold->reason);
	for (const char *const *word = hold->query; *word != NULL; word++)
		append_field(dest, *word);
	str_append_c(dest, '\n');
	if (!array_is_created(&hold->mailboxes))
		return;
	array_foreach(&hold->mailboxes, box) {
		str_printfa(dest, MAILBOX_WORD"\t%s",
			    guid_128_to_string(box->guid));
		append_field(dest, box->vname);
		str_append_c(dest, '\n');
	}
}

void lazy_expunge_hold_file_append(string_t *dest,
				   const ARRAY_TYPE(lazy_expunge_hold) *holds)
{
	const struct lazy_expunge_hold *hold;

	str_append(dest, HOLD_FILE_HEAD"\n");
	array_foreach(holds, hold)
		append_hold(dest, hold);
	str_printfa(dest, END_WORD"\t%u\n", array_count(holds));
}

static bool parse_hold(struct hold_parse *parse, const char *const *args)
{
	struct lazy_expunge_hold hold;
	unsigned int count = str_array_length(args);
	const char **query;

	i_zero(&hold);
	if (count < HOLD_FIELDS || *args[1] == '\0' ||
	    str_to_time(args[2], &hold.set_time) < 0 ||
	    str_to_time(args[3], &hold.until) < 0 ||
	    str_to_time(args[4], &hold.released) < 0 ||
	    hold.set_time < 0 || hold.until < 0 || hold.released < 0 ||
	    (hold.released > 0 && hold.until == 0))
		return FALSE;
	hold.name = p_strdup(parse->pool, args[1]);
	hold.set_by = p_strdup(parse->pool, args[5]);
	hold.released_by = p_strdup(parse->pool, args[6]);
	hold.reason = p_strdup(parse->pool, args[7]);
	count -= HOLD_FIELDS;
	query = p_new(parse->pool, const char *, count + 1);
	for (unsigned int i = 0; i < count; i++)
		query[i] = p_strdup(parse->pool, args[HOLD_FIELDS + i]);
	hold.query = query;
	p_array_init(&hold.mailboxes, parse->pool, 1);
	array_push_back(parse->holds, &hold);
	return TRUE;
}

static bool parse_mailbox(struct hold_parse *parse, const char *const *args)
{
	struct lazy_expunge_hold_mailbox box;
	struct lazy_expunge_hold *hold;
	unsigned int count = array_count(parse->holds);

	if (count == 0 || str_array_length(args) != 3 ||
	    guid_128_from_string(args[1], box.guid) < 0 || *args[2] == '\0' ||
	    !uni_utf8_str_is_valid(args[2]))
		return FALSE;
	box.vname = p_strdup(parse->pool, args[2]);
	hold = array_idx_modifiable(parse->holds, count - 1);
	array_push_back(&hold->mailboxes, &box);
	return TRUE;
}

static bool parse_end(struct hold_parse *parse, const char *const *args)
{
	unsigned int count;

	parse->ended = TRUE;
	return str_array_length(args) == 2 && str_to_uint(args[1], &count) == 0 &&
		count == array_count(parse->holds);
}

static bool parse_line(struct hold_parse *parse, const char *line)
{
	const char *const *args;

	if (parse->ended)
		return FALSE;
	if (parse->line == 1)
		return strcmp(line, HOLD_FILE_HEAD) == 0;
	args = t_strsplit_tabescaped(line);
	if (args[0] == NULL)
		return FALSE;
	if (strcmp(args[0], HOLD_WORD) == 0)
		return parse_hold(parse, args);
	if (strcmp(args[0], MAILBOX_WORD) == 0)
		return parse_mailbox(parse, args);
	return strcmp(args[0], END_WORD) == 0 && parse_end(parse, args);
}

int lazy_expunge_hold_file_parse(const char *text, size_t size, pool_t pool,
				 ARRAY_TYPE(lazy_expunge_hold) *holds,
				 const char **error_r)
{
	struct hold_parse parse = { .pool = pool, .holds = holds };
	const char *end = text + size, *eol;
	bool ok = TRUE;

	if (memchr(text, '\0', size) != NULL) {
		*error_r = "it has a NUL in it";
		return -1;
	}
	for (; ok && text < end; text = eol + 1) {
		parse.line++;
		eol = memchr(text, '\n', end - text);
		if (eol == NULL) {
			ok = FALSE;
			break;
		}
		T_BEGIN {
			ok = parse_line(&parse, t_strdup_until(text, eol));
		} T_END;
	}
	if (ok && parse.ended)
		return 0;
	*error_r = ok ? "its end is missing" :
		t_strdup_printf("line %u is not understood", parse.line);
	return -1;
}

bool lazy_expunge_hold_is_active(const struct lazy_expunge_hold *hold,
				 time_t now)
{
	return hold->until == 0 || now < hold->until;
}

struct lazy_expunge_hold *
lazy_expunge_hold_find(const ARRAY_TYPE(lazy_expunge_hold) *holds,
		       const char *name, time_t now)
{
	struct lazy_expunge_hold *hold;

	array_foreach_modifiable(holds, hold) {
		if (hold->released == 0 &&
		    lazy_expunge_hold_is_active(hold, now) &&
		    strcmp(hold->name, name) == 0)
			return hold;
	}
	return NULL;
}

int lazy_expunge_hold_check_name(const char *name, const char **error_r)
{
	if (*name == '\0') {
		*error_r = "The name of the hold (-N) is empty";
		return -1;
	}
	if (strlen(name) > LAZY_EXPUNGE_HOLD_NAME_MAX) {
		*error_r = t_strdup_printf("-N %.20s…: the name of a hold has "
			"at most %u bytes", name, LAZY_EXPUNGE_HOLD_NAME_MAX);
		return -1;
	}
	for (const char *p = name; *p != '\0'; p++) {
		if ((unsigned char)*p < 32 || *p == 127) {
			*error_r = t_strdup_printf("-N %s: a control character "
				"cannot be in the name of a hold", name);
			return -1;
		}
	}
	if (!uni_utf8_str_is_valid(name)) {
		*error_r = t_strdup_printf("-N %s: the name of the hold is not "
					   "valid UTF-8", name);
		return -1;
	}
	return 0;
}

static bool span_unit(const char *text, unsigned int *secs_r)
{
	static const struct {
		const char *word;
		unsigned int secs;
	} units[] = {
		{ "seconds", 1 }, { "minutes", 60 }, { "hours", 3600 },
		{ "days", 86400 }, { "weeks", 7 * 86400 },
	};
	size_t len = strlen(text);

	if (len == 0) {
		*secs_r = 86400;
		return TRUE;
	}
	for (unsigned int i = 0; i < N_ELEMENTS(units); i++) {
		/* a beginning of the word, of which no two are the same */
		if (len <= strlen(units[i].word) &&
		    strncasecmp(text, units[i].word, len) == 0) {
			*secs_r = units[i].secs;
			return TRUE;
		}
	}
	return FALSE;
}

int lazy_expunge_hold_parse_span(const char *text, unsigned int *secs_r,
				 const char **error_r)
{
	const char *unit;
	unsigned int number, secs;

	if (str_parse_uint(text, &number, &unit) == 0) {
		while (*unit == ' ')
			unit++;
		if (span_unit(unit, &secs) && number <= UINT_MAX / secs) {
			*secs_r = number * secs;
			return 0;
		}
	}
	*error_r = t_strdup_printf("%s: this is no time span, such as 12h, "
				   "30 days or 1w", text);
	return -1;
}
