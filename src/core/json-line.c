/* JSON on one line: written and read. */

#include "lib.h"
#include "array.h"
#include "hex-dec.h"
#include "str.h"
#include "unichar.h"
#include "core/text.h"
#include "core/json-line.h"

#include <ctype.h>

struct json_parser {
	pool_t pool;
	const char *p;
};

void lazy_expunge_json_append(string_t *str, const char *text)
{
	str_append_c(str, '"');
	for (text = lazy_expunge_text_valid(text); *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			str_printfa(str, "\\%c", *text);
		else if ((unsigned char)*text < 0x20 || *text == 0x7f)
			str_printfa(str, "\\u%04x", *text);
		else
			str_append_c(str, *text);
	}
	str_append_c(str, '"');
}

static void parse_space(struct json_parser *parser)
{
	while (*parser->p == ' ' || *parser->p == '\t')
		parser->p++;
}

/* Returns TRUE and goes on if the character is next. */
static bool parse_char(struct json_parser *parser, char chr)
{
	parse_space(parser);
	if (*parser->p != chr)
		return FALSE;
	parser->p++;
	parse_space(parser);
	return TRUE;
}

static int parse_hex(struct json_parser *parser, unichar_t *chr_r)
{
	for (unsigned int i = 0; i < 4; i++) {
		if (!i_isxdigit(parser->p[i]))
			return -1;
	}
	*chr_r = (unichar_t)hex2dec((const unsigned char *)parser->p, 4);
	parser->p += 4;
	return 0;
}

static int parse_unicode(struct json_parser *parser, string_t *str)
{
	unichar_t chr, low;

	if (parse_hex(parser, &chr) < 0)
		return -1;
	if (chr >= 0xd800 && chr < 0xdc00) {
		if (parser->p[0] != '\\' || parser->p[1] != 'u')
			return -1;
		parser->p += 2;
		if (parse_hex(parser, &low) < 0 || low < 0xdc00 || low > 0xdfff)
			return -1;
		chr = 0x10000 + ((chr - 0xd800) << 10) + (low - 0xdc00);
	}
	if (chr == 0 || !uni_is_valid_ucs4(chr))
		return -1;
	uni_ucs4_to_utf8_c(chr, str);
	return 0;
}

static int parse_escape(struct json_parser *parser, string_t *str)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found;

	if (*parser->p == 'u') {
		parser->p++;
		return parse_unicode(parser, str);
	}
	found = *parser->p == '\0' ? NULL : strchr(from, *parser->p);
	if (found == NULL)
		return -1;
	str_append_c(str, to[found - from]);
	parser->p++;
	return 0;
}

static int parse_string(struct json_parser *parser, const char **text_r)
{
	string_t *str;

	parse_space(parser);
	if (*parser->p != '"')
		return -1;
	parser->p++;
	str = t_str_new(128);
	while (*parser->p != '"') {
		if ((unsigned char)*parser->p < 0x20)
			return -1;
		if (*parser->p != '\\') {
			str_append_c(str, *parser->p++);
			continue;
		}
		parser->p++;
		if (parse_escape(parser, str) < 0)
			return -1;
	}
	parser->p++;
	if (!uni_utf8_str_is_valid(str_c(str)))
		return -1;
	*text_r = p_strdup(parser->pool, str_c(str));
	return 0;
}

static int parse_list(struct json_parser *parser,
		      const char *const **list_r)
{
	ARRAY_TYPE(const_string) list;
	const char *text;

	p_array_init(&list, parser->pool, 4);
	if (!parse_char(parser, ']')) {
		do {
			if (parse_string(parser, &text) < 0)
				return -1;
			array_push_back(&list, &text);
		} while (parse_char(parser, ','));
		if (!parse_char(parser, ']'))
			return -1;
	}
	array_append_zero(&list);
	*list_r = array_front(&list);
	return 0;
}

static int parse_value(struct json_parser *parser,
		       struct lazy_expunge_json_value *value)
{
	size_t digits;

	parse_space(parser);
	if (*parser->p == '"')
		return parse_string(parser, &value->text);
	if (parse_char(parser, '['))
		return parse_list(parser, &value->list);
	if (strncmp(parser->p, "null", 4) == 0) {
		parser->p += 4;
		return 0;
	}
	digits = strspn(parser->p, "0123456789");
	if (digits == 0)
		return -1;
	value->text = p_strndup(parser->pool, parser->p, digits);
	parser->p += digits;
	return 0;
}

int lazy_expunge_json_parse(pool_t pool, const char *line,
			    ARRAY_TYPE(lazy_expunge_json_value) *values)
{
	struct json_parser parser = { .pool = pool, .p = line };
	struct lazy_expunge_json_value value;

	if (!parse_char(&parser, '{'))
		return -1;
	do {
		i_zero(&value);
		if (parse_string(&parser, &value.key) < 0 ||
		    !parse_char(&parser, ':') ||
		    parse_value(&parser, &value) < 0 ||
		    lazy_expunge_json_find(values, value.key) != NULL)
			return -1;
		array_push_back(values, &value);
	} while (parse_char(&parser, ','));
	return parse_char(&parser, '}') && *parser.p == '\0' ? 0 : -1;
}

const struct lazy_expunge_json_value *
lazy_expunge_json_find(const ARRAY_TYPE(lazy_expunge_json_value) *values,
		       const char *key)
{
	const struct lazy_expunge_json_value *value;

	array_foreach(values, value) {
		if (strcmp(value->key, key) == 0)
			return value;
	}
	return NULL;
}
