/* The manifest: written, and read by its lines. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "utc-mktime.h"
#include "core/json-line.h"
#include "core/manifest.h"

#include <stdio.h>
#include <time.h>

/* The version of the format. */
#define MANIFEST_FORMAT "1"

enum manifest_kind {
	MANIFEST_TEXT,
	MANIFEST_NUMBER,
	MANIFEST_TIME,
	MANIFEST_LIST
};

struct manifest_field {
	const char *key;
	enum manifest_kind kind;
	size_t offset;
};

#define MAIL_FIELD(name, kind) \
	{ #name, kind, offsetof(struct lazy_expunge_manifest_mail, name) }
#define HEAD_FIELD(name, kind) \
	{ #name, kind, offsetof(struct lazy_expunge_manifest_head, name) }

/* the UID is a number of its own size */
static const struct manifest_field mail_fields[] = {
	MAIL_FIELD(file, MANIFEST_TEXT),
	MAIL_FIELD(guid, MANIFEST_TEXT),
	MAIL_FIELD(mailbox, MANIFEST_TEXT),
	MAIL_FIELD(origin, MANIFEST_TEXT),
	MAIL_FIELD(via, MANIFEST_TEXT),
	MAIL_FIELD(deletion, MANIFEST_TEXT),
	MAIL_FIELD(deleted, MANIFEST_TIME),
	MAIL_FIELD(received, MANIFEST_TIME),
	MAIL_FIELD(from, MANIFEST_TEXT),
	MAIL_FIELD(to, MANIFEST_TEXT),
	MAIL_FIELD(subject, MANIFEST_TEXT),
	MAIL_FIELD(flags, MANIFEST_LIST),
	MAIL_FIELD(keywords, MANIFEST_LIST),
	MAIL_FIELD(size, MANIFEST_NUMBER),
	MAIL_FIELD(sha256, MANIFEST_TEXT),
};

static const struct manifest_field head_fields[] = {
	HEAD_FIELD(user, MANIFEST_TEXT),
	HEAD_FIELD(query, MANIFEST_TEXT),
	HEAD_FIELD(by, MANIFEST_TEXT),
	HEAD_FIELD(created, MANIFEST_TIME),
	HEAD_FIELD(server, MANIFEST_TEXT),
	HEAD_FIELD(dovecot, MANIFEST_TEXT),
	HEAD_FIELD(version, MANIFEST_TEXT),
	HEAD_FIELD(messages, MANIFEST_NUMBER),
	HEAD_FIELD(bytes, MANIFEST_NUMBER),
};

static const char *time_to_text(time_t timestamp)
{
	struct tm tm;

	if (timestamp <= 0 || gmtime_r(&timestamp, &tm) == NULL)
		return "";
	return t_strdup_printf("%04d-%02d-%02dT%02d:%02d:%02dZ",
			       tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
			       tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static int time_from_text(const char *text, time_t *timestamp_r)
{
	struct tm tm;

	i_zero(&tm);
	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ", &tm.tm_year, &tm.tm_mon,
		   &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	*timestamp_r = utc_mktime(&tm);
	/* no other text for it, and nothing behind */
	return strcmp(time_to_text(*timestamp_r), text) == 0 ? 0 : -1;
}

static void list_write(string_t *str, const char *const *list)
{
	const char *const *name;

	str_append_c(str, '[');
	for (name = list; name != NULL && *name != NULL; name++) {
		if (name != list)
			str_append_c(str, ',');
		lazy_expunge_json_append(str, *name);
	}
	str_append_c(str, ']');
}

static void field_write(string_t *str, const struct manifest_field *field,
			const void *data)
{
	const void *value = CONST_PTR_OFFSET(data, field->offset);
	const char *text;

	str_printfa(str, "\"%s\":", field->key);
	switch (field->kind) {
	case MANIFEST_TEXT:
		lazy_expunge_json_append(str, *(const char *const *)value);
		break;
	case MANIFEST_NUMBER:
		str_printfa(str, "%"PRIu64, *(const uint64_t *)value);
		break;
	case MANIFEST_TIME:
		text = time_to_text(*(const time_t *)value);
		if (*text == '\0')
			str_append(str, "null");
		else
			lazy_expunge_json_append(str, text);
		break;
	case MANIFEST_LIST:
		list_write(str, *(const char *const *const *)value);
		break;
	}
}

void lazy_expunge_manifest_mail_write(
	string_t *str, const struct lazy_expunge_manifest_mail *mail)
{
	str_printfa(str, "{\"uid\":%u", mail->uid);
	for (unsigned int i = 0; i < N_ELEMENTS(mail_fields); i++) {
		str_append_c(str, ',');
		field_write(str, &mail_fields[i], mail);
	}
	str_append_c(str, '}');
}

void lazy_expunge_manifest_head_write(
	string_t *str, const struct lazy_expunge_manifest_head *head)
{
	str_append(str, "{\"manifest\":"MANIFEST_FORMAT);
	for (unsigned int i = 0; i < N_ELEMENTS(head_fields); i++) {
		str_append_c(str, ',');
		field_write(str, &head_fields[i], head);
	}
	str_append(str, ",\n"LAZY_EXPUNGE_MANIFEST_BEGIN);
}

static void csv_append(string_t *str, const char *text)
{
	str_append_c(str, '"');
	if (*text != '\0' && strchr("=+-@\t\r", *text) != NULL)
		str_append_c(str, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			str_append_c(str, '"');
		str_append_c(str, *text);
	}
	str_append_c(str, '"');
}

static const char *csv_value(const struct manifest_field *field,
			     const struct lazy_expunge_manifest_mail *mail)
{
	const void *value = CONST_PTR_OFFSET(mail, field->offset);
	const char *const *list;

	switch (field->kind) {
	case MANIFEST_NUMBER:
		return t_strdup_printf("%"PRIu64, *(const uint64_t *)value);
	case MANIFEST_TIME:
		return time_to_text(*(const time_t *)value);
	case MANIFEST_LIST:
		list = *(const char *const *const *)value;
		return list == NULL ? "" : t_strarray_join(list, " ");
	default:
		return *(const char *const *)value;
	}
}

void lazy_expunge_manifest_mail_write_csv(
	string_t *str, const struct lazy_expunge_manifest_mail *mail)
{
	if (mail == NULL)
		str_append(str, "uid");
	else
		str_printfa(str, "%u", mail->uid);
	for (unsigned int i = 0; i < N_ELEMENTS(mail_fields); i++) {
		str_append_c(str, ',');
		if (mail == NULL)
			str_append(str, mail_fields[i].key);
		else
			csv_append(str, csv_value(&mail_fields[i], mail));
	}
	str_append(str, "\r\n");
}

static int field_read(const ARRAY_TYPE(lazy_expunge_json_value) *values,
		      const struct manifest_field *field, void *data)
{
	const struct lazy_expunge_json_value *value =
		lazy_expunge_json_find(values, field->key);
	void *to = PTR_OFFSET(data, field->offset);

	if (value == NULL ||
	    (field->kind == MANIFEST_LIST) != (value->list != NULL))
		return -1;
	if (field->kind == MANIFEST_TIME && value->text == NULL)
		return 0;
	if (field->kind != MANIFEST_LIST && value->text == NULL)
		return -1;
	switch (field->kind) {
	case MANIFEST_TEXT:
		*(const char **)to = value->text;
		break;
	case MANIFEST_NUMBER:
		return str_to_uint64(value->text, to);
	case MANIFEST_TIME:
		return time_from_text(value->text, to);
	case MANIFEST_LIST:
		*(const char *const **)to = value->list;
		break;
	}
	return 0;
}

/* The line without what joins it to the next one. */
static const char *line_object(const char *line, bool closed)
{
	size_t len = strlen(line);

	if (len > 0 && line[len - 1] == ',')
		line = t_strndup(line, len - 1);
	return closed ? line : t_strconcat(line, "}", NULL);
}

static int fields_read(pool_t pool, const char *object,
		       const struct manifest_field *fields, unsigned int count,
		       const char *number, uint32_t *number_r, void *data)
{
	ARRAY_TYPE(lazy_expunge_json_value) values;
	const struct lazy_expunge_json_value *value;

	t_array_init(&values, 24);
	if (lazy_expunge_json_parse(pool, object, &values) < 0)
		return -1;
	value = lazy_expunge_json_find(&values, number);
	if (value == NULL || value->text == NULL ||
	    str_to_uint32(value->text, number_r) < 0)
		return -1;
	for (unsigned int i = 0; i < count; i++) {
		if (field_read(&values, &fields[i], data) < 0)
			return -1;
	}
	return 0;
}

int lazy_expunge_manifest_mail_read(pool_t pool, const char *line,
				    struct lazy_expunge_manifest_mail *mail_r)
{
	int ret;

	i_zero(mail_r);
	T_BEGIN {
		ret = fields_read(pool, line_object(line, TRUE), mail_fields,
				  N_ELEMENTS(mail_fields), "uid",
				  &mail_r->uid, mail_r);
	} T_END;
	return ret;
}

int lazy_expunge_manifest_head_read(pool_t pool, const char *line,
				    struct lazy_expunge_manifest_head *head_r)
{
	uint32_t format;
	int ret;

	i_zero(head_r);
	T_BEGIN {
		ret = fields_read(pool, line_object(line, FALSE), head_fields,
				  N_ELEMENTS(head_fields), "manifest", &format,
				  head_r);
	} T_END;
	return ret < 0 || format != 1 ? -1 : 0;
}
