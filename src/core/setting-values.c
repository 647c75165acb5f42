/* Values of the settings: how a text becomes a value, and which texts are
   refused. Used where Dovecot itself does not parse them. */

#include "lib.h"
#include "unichar.h"
#include "core/setting-values.h"

#include <ctype.h>

#include <bsd/stdlib.h>

int lazy_expunge_settings_parse_bool(const char *key, const char *value,
				     bool *value_r, const char **error_r)
{
	static const char *const yes[] = { "yes", "y", "true", "t", "1", "on" };
	static const char *const no[] = { "no", "n", "false", "f", "0", "off" };

	for (unsigned int i = 0; i < N_ELEMENTS(yes); i++) {
		if (strcasecmp(value, yes[i]) == 0) {
			*value_r = TRUE;
			return 0;
		}
		if (strcasecmp(value, no[i]) == 0) {
			*value_r = FALSE;
			return 0;
		}
	}
	*error_r = t_strdup_printf("%s = %s: the value must be yes or no",
				   key, value);
	return -1;
}

int lazy_expunge_settings_parse_size(const char *key, const char *value,
				     uint64_t *bytes_r, const char **error_r)
{
	static const char units[] = "kMGTPE";
	const char *p, *error;
	unsigned int shift = 0;
	long long num;

	*bytes_r = 0;
	if (*value == '\0' || strcasecmp(value, "unlimited") == 0)
		return 0;

	p = value;
	while (*p >= '0' && *p <= '9')
		p++;
	num = strtonum(t_strdup_until(value, p), 0, LLONG_MAX, &error);
	if (error != NULL || p == value)
		goto invalid;
	if (*p == ' ' && p[1] != '\0')
		p++;
	if (*p != '\0' && i_toupper(*p) != 'B') {
		const char *unit = strchr(units, *p);

		if (unit == NULL)
			unit = strchr(units, i_toupper(*p));
		if (unit == NULL && *p == 'K')
			unit = units;
		if (unit == NULL)
			goto invalid;
		shift = (unit - units + 1) * 10;
		p++;
		if (*p == 'i')
			p++;
	}
	if (i_toupper(*p) == 'B')
		p++;
	if (*p != '\0' || (shift > 0 && num > (LLONG_MAX >> shift)))
		goto invalid;
	*bytes_r = (uint64_t)num << shift;
	return 0;
invalid:
	*error_r = t_strdup_printf("%s = %s: the value must be a size such as "
				   "500M or 2G, or 0 for no limit", key, value);
	return -1;
}

int lazy_expunge_settings_parse_number(const char *key, const char *value,
				       unsigned int *num_r,
				       const char **error_r)
{
	const char *error;
	long long num;

	num = strtonum(value, 0, UINT_MAX, &error);
	if (error != NULL || *value < '0' || *value > '9') {
		*error_r = t_strdup_printf("%s = %s: the value must be a "
					   "number", key, value);
		return -1;
	}
	*num_r = num;
	return 0;
}

static int check_range(const char *key, unsigned int value, const char *unit,
		       unsigned int min, unsigned int max, const char **error_r)
{
	if (value >= min && value <= max)
		return 0;
	*error_r = t_strdup_printf("%s = %u%s: the value must be from %u%s to "
				   "%u%s", key, value, unit, min, unit, max,
				   unit);
	return -1;
}

int lazy_expunge_settings_check_look(
	const struct lazy_expunge_look_bounds *look, const char **error_r)
{
	if (check_range("lazy_expunge_look_mails", look->mails, "",
			1, 10000000, error_r) < 0 ||
	    check_range("lazy_expunge_look_time", look->msecs, "ms",
			1, 10000, error_r) < 0 ||
	    check_range("lazy_expunge_look_remember", look->remember, "",
			1000, 100000000, error_r) < 0)
		return -1;
	return 0;
}

int lazy_expunge_settings_parse_on_failure(const char *key, const char *value,
				enum lazy_expunge_on_failure *value_r,
				const char **error_r)
{
	if (strcmp(value, "refuse") == 0)
		*value_r = LAZY_EXPUNGE_ON_FAILURE_REFUSE;
	else if (strcmp(value, "expunge") == 0)
		*value_r = LAZY_EXPUNGE_ON_FAILURE_EXPUNGE;
	else {
		*error_r = t_strdup_printf(
			"%s = %s: the value must be refuse or expunge",
			key, value);
		return -1;
	}
	return 0;
}

/* TRUE if a part between slashes is . or .. */
static bool has_dot_component(const char *value)
{
	const char *const *part;

	for (part = t_strsplit(value, "/"); *part != NULL; part++) {
		if (strcmp(*part, ".") == 0 || strcmp(*part, "..") == 0)
			return TRUE;
	}
	return FALSE;
}

int lazy_expunge_settings_check_storage(const char *key, const char *value,
					const char **error_r)
{
	const char *p;

	if (*value == '\0')
		return 0;
	if (!uni_utf8_str_is_valid(value)) {
		*error_r = t_strdup_printf("%s: the value is not valid UTF-8",
					   key);
		return -1;
	}
	for (p = value; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f) {
			*error_r = t_strdup_printf(
				"%s: the value has a control character", key);
			return -1;
		}
	}
	if (strspn(value, "./") == strlen(value)) {
		*error_r = t_strdup_printf(
			"%s = %s: the value has no name in it", key, value);
		return -1;
	}
	if (has_dot_component(value)) {
		*error_r = t_strdup_printf(
			"%s = %s: the value must be a mailbox name, not a path",
			key, value);
		return -1;
	}
	/* also as a namespace: all mail would be in the storage, and none
	   would be kept */
	if (strncasecmp(value, "INBOX", 5) == 0 &&
	    strspn(value + 5, "./") == strlen(value + 5)) {
		*error_r = t_strdup_printf(
			"%s = %s: INBOX cannot be the storage", key, value);
		return -1;
	}
	return 0;
}

bool lazy_expunge_settings_protect_nothing(
	const struct lazy_expunge_settings *set)
{
	const char *const *name;

	if (*set->storage == '\0' || set->exclude == NULL)
		return FALSE;
	for (name = set->exclude; *name != NULL; name++) {
		if (**name != '\0' && strspn(*name, "*") == strlen(*name))
			return TRUE;
	}
	return FALSE;
}
