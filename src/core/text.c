/* Text for terminals and programs: what is safe to print, sizes, times. */

#define LIBBSD_NETBSD_VIS
#include "lib.h"
#include "str.h"
#include "time-util.h"
#include "unichar.h"
#include "utc-offset.h"
#include "core/text.h"

#include <time.h>
#include <bsd/stdlib.h>
#include <bsd/libutil.h>
#include <bsd/vis.h>

/* four characters and NUL: "999B", "1.2K", "35M" */
#define HUMAN_SIZE_LEN 5

/* U+0080 to U+009F: some of them begin a control sequence of a terminal. */
static bool is_c1(unichar_t chr)
{
	return chr >= 0x80 && chr < 0xa0;
}

/* What ends a line, or reorders what follows it. Joiners, marks of direction
   and soft hyphens are not among them: words and emoji are written with them. */
static bool is_disturbing(unichar_t chr)
{
	return is_c1(chr) ||
		(chr >= 0x2028 && chr <= 0x202e) ||
		(chr >= 0x2066 && chr <= 0x206f) ||
		chr == 0xfeff || (chr >= 0xfff9 && chr <= 0xfffb) ||
		(chr >= 0xe0000 && chr <= 0xe001f);
}

static bool is_nothing(unichar_t chr ATTR_UNUSED)
{
	return FALSE;
}

static void append_byte(string_t *dest, const char *p)
{
	const char src[] = { *p, '\0' };
	char buf[5];

	if (*p == '\\')
		str_append_c(dest, *p);
	else if (strnvis(buf, sizeof(buf), src, VIS_CSTYLE | VIS_OCTAL |
			 VIS_TAB | VIS_NL | VIS_NOLOCALE) >= 0)
		str_append(dest, buf);
	else
		str_printfa(dest, "\\%03o", (unsigned char)*p);
}

/* ascii: whether control characters are escaped; escape: which others are. */
static const char *
text_escape(const char *text, bool ascii, bool (*escape)(unichar_t chr))
{
	string_t *str = t_str_new(strlen(text) + 32);
	unichar_t chr;
	int len;

	while (*text != '\0') {
		len = uni_utf8_get_char(text, &chr);
		if (len <= 0) {
			append_byte(str, text++);
			continue;
		}
		if (len == 1 && ascii)
			append_byte(str, text);
		else if (escape(chr))
			str_printfa(str, "\\u%04X", chr);
		else
			str_append_data(str, text, len);
		text += len;
	}
	return str_c(str);
}

/* The name decomposed. What is at hand decomposes titlecase alone, so that what
   was lowercase is marked. */
static const char *text_decomposed(const char *name)
{
	string_t *dest = t_str_new(64);
	unichar_t chr;
	int len;

	for (; *name != '\0'; name += len) {
		len = uni_utf8_get_char(name, &chr);
		if (len <= 0)
			return NULL;
		if (uni_ucs4_to_titlecase(chr) != chr)
			str_append_c(dest, '\001');
		if (uni_utf8_to_decomposed_titlecase(name, len, dest) < 0)
			return NULL;
	}
	return str_c(dest);
}

bool lazy_expunge_text_is_same_name(const char *name1, const char *name2)
{
	const char *str1, *str2;
	bool same;

	if (strcmp(name1, name2) == 0)
		return TRUE;
	T_BEGIN {
		str1 = text_decomposed(name1);
		str2 = text_decomposed(name2);
		same = str1 != NULL && str2 != NULL && strcmp(str1, str2) == 0;
	} T_END;
	return same;
}

const char *lazy_expunge_text_valid(const char *text)
{
	return text_escape(text, FALSE, is_nothing);
}

const char *lazy_expunge_text_line(const char *text)
{
	return text_escape(text, TRUE, is_c1);
}

const char *lazy_expunge_text_safe(const char *text)
{
	return text_escape(text, TRUE, is_disturbing);
}

const char *lazy_expunge_text_size(uint64_t bytes)
{
	char buf[HUMAN_SIZE_LEN + 2];

	if (humanize_number(buf, HUMAN_SIZE_LEN, I_MIN(bytes, INT64_MAX), "",
			    HN_AUTOSCALE, HN_DECIMAL | HN_NOSPACE | HN_B) < 0)
		return t_strdup_printf("%"PRIu64, bytes);
	return t_strdup(buf);
}

static bool time_split(time_t timestamp, struct tm *tm_r)
{
	if (timestamp <= 0)
		return FALSE;
	return localtime_r(&timestamp, tm_r) != NULL;
}

const char *lazy_expunge_text_time(time_t timestamp)
{
	struct tm tm;

	if (!time_split(timestamp, &tm))
		return "";
	return t_strftime("%Y-%m-%d %H:%M:%S", &tm);
}

const char *lazy_expunge_text_iso8601(time_t timestamp)
{
	struct tm tm;
	int minutes;

	if (!time_split(timestamp, &tm))
		return "";
	minutes = utc_offset(&tm, timestamp);
	return t_strdup_printf("%s%c%02d:%02d",
			       t_strftime("%Y-%m-%dT%H:%M:%S", &tm),
			       minutes < 0 ? '-' : '+',
			       abs(minutes) / 60, abs(minutes) % 60);
}

const char *lazy_expunge_text_interval(unsigned int secs)
{
	static const struct {
		unsigned int secs;
		const char *name;
	} units[] = {
		{ 7 * 24 * 3600, "week" },
		{ 24 * 3600, "day" },
		{ 3600, "hour" },
		{ 60, "min" },
		{ 1, "sec" }
	};

	for (unsigned int i = 0; i < N_ELEMENTS(units); i++) {
		unsigned int num = secs / units[i].secs;

		if (secs % units[i].secs == 0 && num > 0) {
			return t_strdup_printf("%u %s%s", num, units[i].name,
					       num == 1 ? "" : "s");
		}
	}
	return "0 secs";
}
