/* The parsers of values: anything is taken with a value in bounds, or refused
   with an error that names the setting. */

#include "fuzz.h"
#include "unichar.h"
#include "core/setting-values.h"

#define KEY "lazy_expunge_key"

static void assert_result(int ret, const char *error)
{
	i_assert(ret == 0 ? error == NULL :
		 ret == -1 && error != NULL && strstr(error, KEY) == error);
}

static void fuzz_bool(const char *text)
{
	const char *error = NULL;
	bool value;

	assert_result(lazy_expunge_settings_parse_bool(KEY, text, &value,
						       &error), error);
	/* no text is both, and every value has more than one */
	i_assert(error != NULL || strlen(text) <= 5);
}

static void fuzz_size(const char *text)
{
	const char *error = NULL, *again_error = NULL;
	uint64_t bytes = 0, again = 0;
	int ret;

	ret = lazy_expunge_settings_parse_size(KEY, text, &bytes, &error);
	assert_result(ret, error);
	if (ret < 0)
		return;
	i_assert(bytes <= LLONG_MAX);
	/* the bytes as text are the same size */
	i_assert(lazy_expunge_settings_parse_size(KEY,
			t_strdup_printf("%"PRIu64, bytes), &again,
			&again_error) == 0 && again == bytes);
}

static void fuzz_on_failure(const char *text)
{
	enum lazy_expunge_on_failure value;
	const char *error = NULL;

	assert_result(lazy_expunge_settings_parse_on_failure(KEY, text, &value,
							     &error), error);
	i_assert((error == NULL) == (strcmp(text, "refuse") == 0 ||
				     strcmp(text, "expunge") == 0));
}

static void fuzz_storage(const char *text)
{
	const char *error = NULL;

	assert_result(lazy_expunge_settings_check_storage(KEY, text, &error),
		      error);
	if (error == NULL) {
		i_assert(uni_utf8_str_is_valid(text));
		i_assert(strpbrk(text, "\r\n\t\x7f") == NULL);
		i_assert(strcasecmp(text, "INBOX") != 0);
	} else {
		i_assert(*text != '\0');
	}
}

void fuzz_one(char *text)
{
	fuzz_bool(text);
	fuzz_size(text);
	fuzz_on_failure(text);
	fuzz_storage(text);
}
