/* See the header. */

/* wcwidth(), newlocale() */
#ifndef _GNU_SOURCE
#  define _GNU_SOURCE
#endif

#include "lib.h"
#include "unichar.h"
#include "core/text-width.h"

#include <locale.h>
#include <wchar.h>

#define CUT_MARK "\xe2\x80\xa6"

/* Columns of a character, whatever the locale of the process says. */
static size_t char_width(unichar_t chr)
{
	static locale_t utf8 = (locale_t)0;
	locale_t old;
	int width;

	if (chr < 0x80)
		return chr < 0x20 || chr == 0x7f ? 0 : 1;
	if (utf8 == (locale_t)0)
		utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	/* a system without this locale: what most characters take */
	if (utf8 == (locale_t)0)
		return 1;
	old = uselocale(utf8);
	width = wcwidth(chr);
	(void)uselocale(old);
	return width < 0 ? 0 : (size_t)width;
}

/* How many bytes of the text fit, and the columns that these take. */
static size_t bytes_that_fit(const char *text, size_t width, size_t *width_r)
{
	size_t used = 0, pos = 0, next;
	unichar_t chr;
	int len;

	while (text[pos] != '\0') {
		len = uni_utf8_get_char(text + pos, &chr);
		if (len <= 0)
			break;
		next = char_width(chr);
		if (used + next > width)
			break;
		used += next;
		pos += len;
	}
	*width_r = used;
	return pos;
}

size_t lazy_expunge_text_width(const char *text)
{
	size_t width;

	(void)bytes_that_fit(text, SIZE_MAX, &width);
	return width;
}

const char *lazy_expunge_text_fit(const char *text, size_t width)
{
	size_t used, pos;

	if (text[bytes_that_fit(text, width, &used)] == '\0')
		return text;
	pos = bytes_that_fit(text, width - 1, &used);
	return t_strconcat(t_strndup(text, pos), CUT_MARK, NULL);
}
