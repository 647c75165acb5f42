/* Properties of a mailbox: read, written down, and set again. */

#include "lib.h"
#include "array.h"
#include "istream.h"
#include "str.h"
#include "strescape.h"
#include "mail-storage-private.h"
#include "mailbox-attribute.h"
#include "compat/dovecot.h"
#include "account/acl.h"
#include "account/deletions.h"
#include "account/properties.h"

#define LINE_KIND "P"
#define ACL_FIELD "l"
/* metadata that come from the configuration, by the name */
#define ATTRIBUTE_SPECIAL_USE "specialuse"
/* More than that is not what a person has set, and is left out. */
#define PROPERTIES_MAX_SIZE (16 * 1024)
/* what ends a key, and what stands for it in one */
#define KEY_END '='
#define KEY_ESCAPE '%'
#define KEY_ESCAPED_END "%3D"
#define KEY_ESCAPED_ESCAPE "%25"

static const struct {
	enum mail_attribute_type type;
	char letter;
} attribute_types[] = {
	{ MAIL_ATTRIBUTE_TYPE_PRIVATE, 'p' },
	{ MAIL_ATTRIBUTE_TYPE_SHARED, 's' },
};

static void append_field(string_t *dest, const char *field)
{
	if (str_len(dest) + strlen(field) > PROPERTIES_MAX_SIZE)
		return;
	str_append_c(dest, '\t');
	str_append_tabescaped(dest, field);
}

static const char *key_escape(const char *key)
{
	string_t *str = t_str_new(64);

	for (; *key != '\0'; key++) {
		if (*key == KEY_END)
			str_append(str, KEY_ESCAPED_END);
		else if (*key == KEY_ESCAPE)
			str_append(str, KEY_ESCAPED_ESCAPE);
		else
			str_append_c(str, *key);
	}
	return str_c(str);
}

/* Anything else behind a "%" is as it was written before there were escapes. */
static const char *key_unescape(const char *key)
{
	string_t *str = t_str_new(64);

	while (*key != '\0') {
		if (str_begins_with(key, KEY_ESCAPED_END)) {
			str_append_c(str, KEY_END);
			key += strlen(KEY_ESCAPED_END);
		} else if (str_begins_with(key, KEY_ESCAPED_ESCAPE)) {
			str_append_c(str, KEY_ESCAPE);
			key += strlen(KEY_ESCAPED_ESCAPE);
		} else {
			str_append_c(str, *key++);
		}
	}
	return str_c(str);
}

static void read_attributes(struct mailbox *box, unsigned int n, string_t *dest)
{
	struct mailbox_attribute_iter *iter;
	struct mail_attribute_value value;
	ARRAY_TYPE(const_string) keys;
	const char *key;

	t_array_init(&keys, 4);
	iter = mailbox_attribute_iter_init(box, attribute_types[n].type, "");
	while ((key = mailbox_attribute_iter_next(iter)) != NULL) {
		if (strcmp(key, ATTRIBUTE_SPECIAL_USE) == 0)
			continue;
		key = t_strdup(key);
		array_push_back(&keys, &key);
	}
	/* it fails where metadata are not switched on */
	(void)mailbox_attribute_iter_deinit(&iter);
	array_foreach_elem(&keys, key) {
		if (mailbox_attribute_get(box, attribute_types[n].type, key,
					  &value) > 0 && value.value != NULL) {
			append_field(dest, t_strdup_printf("%c:%s=%s",
				attribute_types[n].letter, key_escape(key),
				value.value));
		}
	}
}

void lazy_expunge_properties_read(struct mailbox *box, string_t *dest)
{
	ARRAY_TYPE(const_string) entries;
	const char *entry;

	for (unsigned int i = 0; i < N_ELEMENTS(attribute_types); i++) T_BEGIN {
		read_attributes(box, i, dest);
	} T_END;
	t_array_init(&entries, 4);
	if (lazy_expunge_acl_read(box, &entries) <= 0)
		return;
	append_field(dest, ACL_FIELD);
	array_foreach_elem(&entries, entry)
		append_field(dest, t_strconcat(ACL_FIELD":", entry, NULL));
}

void lazy_expunge_properties_append(string_t *dest, uint32_t deletion,
				    const char *mailbox, const char *fields)
{
	str_printfa(dest, LINE_KIND"\t%08x\t", deletion);
	str_append_tabescaped(dest, mailbox);
	str_append(dest, fields);
	str_append_c(dest, '\n');
}

const char *const *
lazy_expunge_properties_find(struct mail_user *user, pool_t pool,
			     uint32_t deletion, const char *mailbox)
{
	const char *const *found = NULL, *const *fields;
	struct istream *input;
	const char *path, *line;

	input = lazy_expunge_deletions_open(user, &path);
	if (input == NULL)
		return NULL;
	while ((line = lazy_expunge_deletions_next_line(input)) != NULL) T_BEGIN {
		fields = strncmp(line, LINE_KIND"\t", strlen(LINE_KIND"\t")) != 0 ?
			NULL : t_strsplit_tabescaped(line);
		if (fields != NULL && str_array_length(fields) >= 3 &&
		    strcmp(fields[2], mailbox) == 0 &&
		    (deletion == 0 || deletion ==
		     lazy_expunge_deletion_id_parse(fields[1]))) {
			found = (const char *const *)
				p_strarray_dup(pool, fields + 3);
		}
	} T_END;
	/* what cannot be read is said where the records are read */
	i_stream_destroy(&input);
	return found;
}

static int set_attribute(struct mailbox_transaction_context *t,
			 const char *field)
{
	const char *value = strchr(field, KEY_END);
	struct mail_attribute_value attribute;

	/* an empty key would damage the index */
	if (value == NULL || field[1] != ':' || value == field + 2)
		return 0;
	i_zero(&attribute);
	attribute.value = value + 1;
	for (unsigned int i = 0; i < N_ELEMENTS(attribute_types); i++) {
		if (*field != attribute_types[i].letter)
			continue;
		return mailbox_attribute_set(t, attribute_types[i].type,
				key_unescape(t_strdup_until(field + 2, value)),
				&attribute);
	}
	return 0;
}

int lazy_expunge_properties_set(struct mailbox *box,
				const char *const *fields)
{
	struct mailbox_transaction_context *t;
	ARRAY_TYPE(const_string) entries;
	const char *entry;
	bool has_acl = FALSE;
	int ret = 0;

	t_array_init(&entries, 4);
	t = mailbox_transaction_begin(box, MAILBOX_TRANSACTION_FLAG_EXTERNAL,
				      "lazy_expunge properties");
	for (; *fields != NULL; fields++) {
		if (strncmp(*fields, ACL_FIELD":", strlen(ACL_FIELD":")) == 0) {
			entry = *fields + strlen(ACL_FIELD":");
			array_push_back(&entries, &entry);
		} else if (strcmp(*fields, ACL_FIELD) == 0) {
			has_acl = TRUE;
		} else if (set_attribute(t, *fields) < 0) {
			ret = -1;
		}
	}
	if (mailbox_transaction_commit(&t) < 0)
		ret = -1;
	if (has_acl && lazy_expunge_acl_write(box, &entries) < 0)
		ret = -1;
	return ret;
}
