/* Names in archives: what is not safe everywhere becomes an underscore. */

#include "lib.h"
#include "buffer.h"
#include "str.h"
#include "unichar.h"
#include "core/archive-name.h"

#include <ctype.h>
#include <time.h>

/* Windows has room for 259 characters in all; some encrypting file systems for
   143 bytes in a name. */
#define NAME_MAX_COMPONENT 64
#define NAME_MAX_DIRECTORY 120
#define NAME_MAX_SUBJECT 80

/* TRUE for what would act on who lists the name, or is no character. */
static bool char_is_unsafe(unichar_t chr)
{
	return chr < 0x20 || (chr >= 0x7f && chr < 0xa0) ||
		(chr < 0x80 && strchr("/\\:*?\"<>|", (int)chr) != NULL) ||
		chr == 0xfeff || chr == 0xfffd ||
		/* reorders and breaks lines */
		(chr >= 0x2028 && chr <= 0x202e) ||
		(chr >= 0x2066 && chr <= 0x2069) || (chr & 0xfffe) == 0xfffe;
}

/* Names that Windows keeps for devices, whatever their ending. */
static bool name_is_reserved(const char *name)
{
	static const char *const names[] = {
		"con", "prn", "aux", "nul", NULL
	};
	/* with a digit after them */
	static const char *const numbered[] = { "com", "lpt", NULL };
	size_t len = strcspn(name, ".");

	while (len > 0 && name[len - 1] == ' ')
		len--;
	if (len == 4 && i_isdigit(name[3])) {
		return str_array_icase_find(numbered,
					    t_strndup(name, 3));
	}
	return str_array_icase_find(names, t_strndup(name, len));
}

/* Neither at its end. */
static void trim_end(string_t *str, size_t from)
{
	while (str_len(str) > from && (str_c(str)[str_len(str) - 1] == ' ' ||
				       str_c(str)[str_len(str) - 1] == '.'))
		str_truncate(str, str_len(str) - 1);
}

/* Append a part of at most max bytes. */
static void append_safe(string_t *str, const char *text, size_t max,
			const char *empty)
{
	const size_t begin = str_len(str);
	unichar_t chr;
	int len;

	while (*text == ' ')
		text++;
	while (*text != '\0') {
		len = uni_utf8_get_char(text, &chr);
		if (len <= 0) {
			chr = 0xfffd;
			len = 1;
		}
		if (str_len(str) - begin + len > max)
			break;
		if (char_is_unsafe(chr))
			str_append_c(str, '_');
		else
			str_append_data(str, text, len);
		text += len;
	}
	trim_end(str, begin);
	if (str_len(str) == begin)
		str_append(str, empty);
	else if (str_c(str)[begin] == '.' || str_c(str)[begin] == '-' ||
		 str_c(str)[begin] == '~' ||
		 name_is_reserved(str_c(str) + begin))
		str_insert(str, begin, "_");
}

static void append_directory(string_t *str, const char *origin, char separator)
{
	const char *const *part;
	const char separators[] = { separator, '\0' };

	for (part = t_strsplit(origin, separators); *part != NULL; part++) {
		if (str_len(str) + NAME_MAX_COMPONENT > NAME_MAX_DIRECTORY)
			break;
		append_safe(str, *part, NAME_MAX_COMPONENT, "_");
		str_append_c(str, '/');
	}
}

const char *lazy_expunge_archive_name(const char *origin, char separator,
				      time_t received, const char *subject)
{
	string_t *str = t_str_new(256);
	char date[32];
	struct tm tm;

	append_directory(str, *origin == '\0' ? "unknown mailbox" : origin,
			 separator);
	if (gmtime_r(&received, &tm) != NULL && tm.tm_year < 8100 &&
	    strftime(date, sizeof(date), "%Y-%m-%d %H.%M.%S ", &tm) > 0)
		str_append(str, date);
	append_safe(str, subject, NAME_MAX_SUBJECT, "no subject");
	return str_c(str);
}

const char *lazy_expunge_archive_name_fold(const char *name)
{
	buffer_t *folded = t_buffer_create(256);

	if (uni_utf8_to_decomposed_titlecase(name, strlen(name), folded) < 0)
		return name;
	return str_c(folded);
}

bool lazy_expunge_archive_name_is_safe(const char *name)
{
	const char *const *part;

	if (*name == '\0' || *name == '/' || strchr(name, '\\') != NULL ||
	    !uni_utf8_str_is_valid(name))
		return FALSE;
	for (const char *p = name; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return FALSE;
	}
	for (part = t_strsplit(name, "/"); *part != NULL; part++) {
		if (**part == '\0' || strcmp(*part, ".") == 0 ||
		    strcmp(*part, "..") == 0)
			return FALSE;
	}
	return TRUE;
}
