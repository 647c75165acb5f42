#ifndef LAZY_EXPUNGE_JSON_LINE_H
#define LAZY_EXPUNGE_JSON_LINE_H

/* JSON objects on one line whose values are texts, numbers, null and lists of
   texts (RFC 8259). Dovecot has another JSON library in each version. */

/* Append the text as a JSON string. What is not UTF-8 becomes octal. */
void lazy_expunge_json_append(string_t *str, const char *text);

struct lazy_expunge_json_value {
	const char *key;
	/* a text or a number as it is written; NULL = null or a list */
	const char *text;
	/* a list of texts, NULL-terminated */
	const char *const *list;
};
ARRAY_DEFINE_TYPE(lazy_expunge_json_value, struct lazy_expunge_json_value);

/* Read the object, which has all of the line. Values are allocated from the pool,
   and added. Returns 0, or -1 if it is none, or has a key twice. */
int lazy_expunge_json_parse(pool_t pool, const char *line,
			    ARRAY_TYPE(lazy_expunge_json_value) *values);
/* NULL if there is none. */
const struct lazy_expunge_json_value *
lazy_expunge_json_find(const ARRAY_TYPE(lazy_expunge_json_value) *values,
		       const char *key);

#endif
