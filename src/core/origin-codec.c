/* Origin codec: mailbox name to keyword and back, and mailbox name to the
   name in a namespace storage and back. */

#include "lib.h"
#include "str.h"
#include "core/origin-codec.h"

#include <ctype.h>

/* RFC 3501 section 9: atom-specials = "(" / ")" / "{" / SP / CTL /
   list-wildcards / quoted-specials / resp-specials */
#define ATOM_SPECIALS "(){ %*\"\\]"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Returns the byte that =XX at p stands for, or -1. */
static int hex_sequence(const char *p)
{
	int hi, lo;

	if (p[0] != '=' || (hi = hex_digit(p[1])) < 0 ||
	    (lo = hex_digit(p[2])) < 0)
		return -1;
	return hi << 4 | lo;
}

/* TRUE if an atom cannot hold the byte, or it begins a sequence. */
static bool needs_sequence(unsigned char c)
{
	return c <= 0x20 || c >= 0x7f || c == '=' ||
		strchr(ATOM_SPECIALS, c) != NULL;
}

static const char *origin_encode(const char *vname, bool letters)
{
	string_t *str = t_str_new(strlen(vname) + 64);

	str_append(str, LAZY_EXPUNGE_ORIGIN_PREFIX);
	for (; *vname != '\0'; vname++) {
		unsigned char c = *vname;

		if (needs_sequence(c) || (letters && i_isalpha(c)))
			str_printfa(str, "=%02X", c);
		else
			str_append_c(str, c);
	}
	return str_c(str);
}

const char *lazy_expunge_origin_encode(const char *vname)
{
	return origin_encode(vname, FALSE);
}

const char *lazy_expunge_origin_encode_exact(const char *vname)
{
	return origin_encode(vname, TRUE);
}

bool lazy_expunge_origin_is_keyword(const char *keyword)
{
	/* IMAP keywords have no case, and a client or another server may
	   have changed it */
	return strncasecmp(keyword, LAZY_EXPUNGE_ORIGIN_PREFIX,
			   strlen(LAZY_EXPUNGE_ORIGIN_PREFIX)) == 0;
}

bool lazy_expunge_origin_decode(const char *keyword, const char **vname_r)
{
	const char *p;
	string_t *str;
	int byte;

	if (!lazy_expunge_origin_is_keyword(keyword))
		return FALSE;
	p = keyword + strlen(LAZY_EXPUNGE_ORIGIN_PREFIX);
	if (*p == '\0')
		return FALSE;
	str = t_str_new(64);
	for (; *p != '\0'; p++) {
		if (!needs_sequence(*p)) {
			str_append_c(str, *p);
			continue;
		}
		/* not '=' at all, a bad sequence, or NUL */
		if ((byte = hex_sequence(p)) <= 0)
			return FALSE;
		str_append_c(str, byte);
		p += 2;
	}
	*vname_r = str_c(str);
	return TRUE;
}

const char *lazy_expunge_origin_find(const char *const *keywords)
{
	const char *vname;

	if (keywords == NULL)
		return NULL;
	for (; *keywords != NULL; keywords++) {
		if (lazy_expunge_origin_decode(*keywords, &vname))
			return vname;
	}
	return NULL;
}

/* Returns the byte if p is a sequence that from_name() reads, or -1. */
static int name_sequence(const char *p, char storage_sep)
{
	int byte = hex_sequence(p);

	return byte == '=' || byte == (unsigned char)storage_sep ? byte : -1;
}

const char *lazy_expunge_origin_to_name(const char *name, char sep,
					char storage_sep)
{
	string_t *str;

	if (sep == storage_sep)
		return t_strdup(name);
	str = t_str_new(64);
	for (; *name != '\0'; name++) {
		if (*name == sep)
			str_append_c(str, storage_sep);
		else if (*name == storage_sep ||
			 name_sequence(name, storage_sep) >= 0)
			str_printfa(str, "=%02X", (unsigned char)*name);
		else
			str_append_c(str, *name);
	}
	return str_c(str);
}

const char *lazy_expunge_origin_from_name(const char *name, char sep,
					  char storage_sep)
{
	string_t *str;
	int byte;

	if (sep == storage_sep)
		return t_strdup(name);
	str = t_str_new(64);
	for (; *name != '\0'; name++) {
		if (*name == storage_sep)
			str_append_c(str, sep);
		else if ((byte = name_sequence(name, storage_sep)) >= 0) {
			str_append_c(str, byte);
			name += 2;
		} else
			str_append_c(str, *name);
	}
	return str_c(str);
}
