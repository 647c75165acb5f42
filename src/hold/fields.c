/* Header fields of mails, as Dovecot's search sees them: index-search.c and
   message-search.c have the rules for what is not plain. */

#include "lib.h"
#include "array.h"
#include "istream.h"
#include "message-address.h"
#include "str.h"
#include "mail-cache.h"
#include "mail-search.h"
#include "mail-storage-private.h"
#include "hold/fields.h"

struct field {
	const char *name;
	/* how its value is compared */
	enum mail_search_arg_type type;
	/* queries want it compared in more than one way, of which the search
	   takes one for all */
	bool mixed;
	/* of this mail, in lower case, separated by line ends; NULL if there is
	   none */
	string_t *values;
};

struct lazy_expunge_fields {
	pool_t pool;
	ARRAY(struct field) fields;
	struct mailbox_transaction_context *t;
	struct mailbox_header_lookup_ctx *headers;
	struct mail *mail;
	/* the fields of this mail were read, and are plain */
	bool read, plain;
};

static bool arg_is_field(const struct mail_search_arg *arg)
{
	return arg->type == SEARCH_HEADER ||
		arg->type == SEARCH_HEADER_ADDRESS ||
		arg->type == SEARCH_HEADER_COMPRESS_LWSP;
}

static bool arg_is_list(const struct mail_search_arg *arg)
{
	return arg->type == SEARCH_OR || arg->type == SEARCH_SUB;
}

static bool is_plain(const unsigned char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (text[i] < ' ' || text[i] > '~' ||
		    (text[i] == '?' && i > 0 && text[i - 1] == '='))
			return FALSE;
	}
	return TRUE;
}

/* What begins or ends with a space may depend on what is cut off. An empty text
   asks whether the field is there. */
static bool arg_is_plain(const struct mail_search_arg *arg)
{
	const char *text = arg->value.str;
	const size_t len = strlen(text);

	return !arg->fuzzy && is_plain((const unsigned char *)text, len) &&
		(len == 0 || (text[0] != ' ' && text[len - 1] != ' '));
}

bool lazy_expunge_fields_are_asked(const struct mail_search_arg *args)
{
	for (const struct mail_search_arg *arg = args; arg != NULL;
	     arg = arg->next) {
		if (arg_is_list(arg) ?
		    lazy_expunge_fields_are_asked(arg->value.subargs) :
		    arg_is_field(arg) && arg_is_plain(arg))
			return TRUE;
	}
	return FALSE;
}

static struct field *
fields_find(struct lazy_expunge_fields *fields, const char *name, size_t len)
{
	struct field *field;

	array_foreach_modifiable(&fields->fields, field) {
		if (strncasecmp(field->name, name, len) == 0 &&
		    field->name[len] == '\0')
			return field;
	}
	return NULL;
}

static void fields_add(struct lazy_expunge_fields *fields,
		       const struct mail_search_arg *args)
{
	const struct mail_search_arg *arg;
	struct field *field;

	for (arg = args; arg != NULL; arg = arg->next) {
		if (arg_is_list(arg))
			fields_add(fields, arg->value.subargs);
		if (!arg_is_field(arg))
			continue;
		field = fields_find(fields, arg->hdr_field_name,
				    strlen(arg->hdr_field_name));
		if (field == NULL) {
			field = array_append_space(&fields->fields);
			field->name = p_strdup(fields->pool,
					       arg->hdr_field_name);
			field->type = arg->type;
			field->values = str_new(fields->pool, 128);
		} else if (field->type != arg->type)
			field->mixed = TRUE;
	}
}

struct lazy_expunge_fields *
lazy_expunge_fields_init(struct mailbox *box,
			 const struct mail_search_arg *const *queries,
			 unsigned int queries_count)
{
	struct lazy_expunge_fields *fields;
	const struct field *field;
	const char **names;
	unsigned int i;
	pool_t pool;

	pool = pool_alloconly_create("lazy_expunge fields", 1024);
	fields = p_new(pool, struct lazy_expunge_fields, 1);
	fields->pool = pool;
	p_array_init(&fields->fields, pool, 4);
	for (i = 0; i < queries_count; i++)
		fields_add(fields, queries[i]);
	names = p_new(pool, const char *, array_count(&fields->fields) + 1);
	for (i = 0; i < array_count(&fields->fields); i++) {
		field = array_idx(&fields->fields, i);
		names[i] = field->name;
	}
	fields->headers = mailbox_header_lookup_init(box, names);
	fields->t = mailbox_transaction_begin(box, 0, "lazy_expunge hold");
	fields->mail = mail_alloc(fields->t, 0, fields->headers);
	return fields;
}

int lazy_expunge_fields_deinit(struct lazy_expunge_fields **_fields)
{
	struct lazy_expunge_fields *fields = *_fields;
	int ret;

	*_fields = NULL;
	mail_free(&fields->mail);
	mailbox_header_lookup_unref(&fields->headers);
	ret = mailbox_transaction_commit(&fields->t);
	pool_unref(&fields->pool);
	return ret;
}

bool lazy_expunge_fields_are_cached(struct lazy_expunge_fields *fields,
				    uint32_t seq)
{
	for (unsigned int i = 0; i < fields->headers->count; i++) {
		if (mail_cache_field_exists(fields->t->cache_view, seq,
					    fields->headers->idx[i]) == 0)
			return FALSE;
	}
	return TRUE;
}

void lazy_expunge_fields_go(struct lazy_expunge_fields *fields, uint32_t seq)
{
	mail_set_seq(fields->mail, seq);
	fields->read = FALSE;
}

/* Returns FALSE if the search would compare something else than this text. */
static bool field_add_value(struct field *field, const unsigned char *value,
			    size_t size)
{
	const size_t start = str_len(field->values) + 1;
	struct message_address *addr;
	unsigned char *text;

	if (field->mixed || !is_plain(value, size))
		return FALSE;
	str_append_c(field->values, '\n');
	if (field->type == SEARCH_HEADER_ADDRESS) {
		addr = message_address_parse(pool_datastack_create(), value,
			size, UINT_MAX,
			MESSAGE_ADDRESS_PARSE_FLAG_FILL_MISSING);
		message_address_write(field->values, addr);
	} else
		str_append_data(field->values, value, size);
	text = (unsigned char *)str_c_modifiable(field->values);
	for (size_t i = start; i < str_len(field->values); i++) {
		if (text[i] == ' ' && text[i - 1] == ' ' &&
		    field->type == SEARCH_HEADER_COMPRESS_LWSP)
			return FALSE;
		if (text[i] >= 'A' && text[i] <= 'Z')
			text[i] += 'a' - 'A';
	}
	return is_plain(text + start, str_len(field->values) - start);
}

/* One line, without its end. Returns FALSE if it is not "name: value". */
static bool fields_add_line(struct lazy_expunge_fields *fields,
			    const unsigned char *line, size_t size)
{
	const unsigned char *colon = memchr(line, ':', size);
	struct field *field;

	if (colon == NULL)
		return FALSE;
	field = fields_find(fields, (const char *)line, colon - line);
	return field != NULL &&
		field_add_value(field, colon + 1, line + size - (colon + 1));
}

static bool fields_parse(struct lazy_expunge_fields *fields,
			 const unsigned char *data, size_t size)
{
	const unsigned char *end;
	size_t len, line_len;

	for (; size > 0; data += len, size -= len) {
		end = memchr(data, '\n', size);
		if (end == NULL)
			return FALSE;
		len = end - data + 1;
		line_len = end > data && end[-1] == '\r' ? len - 2 : len - 1;
		if (line_len == 0)
			return TRUE;
		if (!fields_add_line(fields, data, line_len))
			return FALSE;
	}
	return TRUE;
}

/* Returns TRUE if all is plain. */
static bool fields_read(struct lazy_expunge_fields *fields)
{
	const unsigned char *data;
	struct istream *input;
	struct field *field;
	size_t size;
	int ret;

	array_foreach_modifiable(&fields->fields, field)
		str_truncate(field->values, 0);
	if (mail_get_header_stream(fields->mail, fields->headers, &input) < 0)
		return FALSE;
	while ((ret = i_stream_read(input)) > 0) ;
	/* the search has lines that are longer than that in parts */
	if (ret != -1 || input->stream_errno != 0)
		return FALSE;
	data = i_stream_get_data(input, &size);
	return fields_parse(fields, data, size);
}

void lazy_expunge_fields_read(struct lazy_expunge_fields *fields, uint32_t seq)
{
	lazy_expunge_fields_go(fields, seq);
	T_BEGIN {
		(void)fields_read(fields);
	} T_END;
}

static bool values_have(string_t *values, const char *text)
{
	bool ret;

	if (str_len(values) == 0)
		return FALSE;
	T_BEGIN {
		ret = strstr(str_c(values), t_str_lcase(text)) != NULL;
	} T_END;
	return ret;
}

static int fields_match_arg(struct lazy_expunge_fields *fields,
			    const struct mail_search_arg *arg)
{
	const struct field *field;

	if (arg->type == SEARCH_ALL)
		return 1;
	if (!arg_is_field(arg) || !arg_is_plain(arg))
		return -1;
	if (!fields->read) T_BEGIN {
		fields->plain = fields_read(fields);
		fields->read = TRUE;
	} T_END;
	if (!fields->plain)
		return -1;
	field = fields_find(fields, arg->hdr_field_name,
			    strlen(arg->hdr_field_name));
	return values_have(field->values, arg->value.str) ? 1 : 0;
}

/* One of them must match, or all. */
static int fields_match_list(struct lazy_expunge_fields *fields,
			     const struct mail_search_arg *args, bool one)
{
	int ret = one ? 0 : 1, match;

	for (; args != NULL; args = args->next) {
		if (arg_is_list(args)) {
			match = fields_match_list(fields, args->value.subargs,
						  args->type == SEARCH_OR);
		} else
			match = fields_match_arg(fields, args);
		if (match >= 0 && args->match_not)
			match = 1 - match;
		if (match == (one ? 1 : 0))
			return match;
		if (match < 0)
			ret = -1;
	}
	return ret;
}

int lazy_expunge_fields_match(struct lazy_expunge_fields *fields,
			      const struct mail_search_arg *args)
{
	return fields_match_list(fields, args, FALSE);
}
