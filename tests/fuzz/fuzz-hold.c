/* The file of holds: any text is refused with an error, or is read, written and
   read again as the same. */

#include "fuzz.h"
#include "array.h"
#include "str.h"
#include "core/hold-file.h"

static void fuzz_file(const char *text)
{
	ARRAY_TYPE(lazy_expunge_hold) holds, again;
	string_t *first, *second;
	const char *error = NULL;
	pool_t pool = pool_alloconly_create("fuzz", 1024);

	p_array_init(&holds, pool, 4);
	p_array_init(&again, pool, 4);
	if (lazy_expunge_hold_file_parse(text, strlen(text), pool, &holds,
					 &error) < 0)
		i_assert(error != NULL);
	else {
		first = t_str_new(256);
		second = t_str_new(256);
		lazy_expunge_hold_file_append(first, &holds);
		i_assert(lazy_expunge_hold_file_parse(str_c(first),
				str_len(first), pool, &again, &error) == 0);
		lazy_expunge_hold_file_append(second, &again);
		i_assert(str_equals(first, second));
	}
	pool_unref(&pool);
}

static void fuzz_words(const char *text)
{
	const char *error = NULL;
	unsigned int secs;

	i_assert(lazy_expunge_hold_parse_span(text, &secs, &error) == 0 ||
		 error != NULL);
	error = NULL;
	i_assert(lazy_expunge_hold_check_name(text, &error) == 0 ?
		 *text != '\0' : error != NULL);
}

void fuzz_one(char *text)
{
	fuzz_file(text);
	/* what fuzzing alone would seldom begin with */
	fuzz_file(t_strconcat("lazy-expunge-holds\t1\nhold\t", text,
			      "\nend\t1\n", NULL));
	fuzz_words(text);
}
