/* Origin codec: mailbox name to keyword and back, and mailbox name to the
   name in a namespace storage and back. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "strnum.h"
#include "unichar.h"
#include "core/deletion-lines.h"
#include "core/origin-codec.h"

#include <ctype.h>

/* RFC 3501 section 9: atom-specials = "(" / ")" / "{" / SP / CTL /
   list-wildcards / quoted-specials / resp-specials */
#define ATOM_SPECIALS "(){ %*\"\\]"
/* Parts are counted with three digits at most: prefix, "1/2", ":". */
#define PARTS_MAX 999
#define PART_HEAD_LEN (strlen(LAZY_EXPUNGE_ORIGIN_PART_PREFIX) + 3 + 1 + 3 + 1)

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

static const char *
origin_encode(const char *prefix, const char *vname, bool letters)
{
	string_t *str = t_str_new(strlen(vname) + 64);

	str_append(str, prefix);
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
	return origin_encode(LAZY_EXPUNGE_ORIGIN_PREFIX, vname, FALSE);
}

const char *lazy_expunge_origin_encode_exact(const char *vname)
{
	return origin_encode(LAZY_EXPUNGE_ORIGIN_PREFIX, vname, TRUE);
}

const char *lazy_expunge_origin_encode_via(const char *vname)
{
	return origin_encode(LAZY_EXPUNGE_ORIGIN_VIA_PREFIX, vname, FALSE);
}

const char *lazy_expunge_origin_encode_now(const char *vname)
{
	return origin_encode(LAZY_EXPUNGE_ORIGIN_NOW_PREFIX, vname, FALSE);
}

const char *lazy_expunge_origin_encode_now_exact(const char *vname)
{
	return origin_encode(LAZY_EXPUNGE_ORIGIN_NOW_PREFIX, vname, TRUE);
}

/* The name in pieces of at most max_len bytes, in which upper case is written
   as =XX: lower case is all that is left to have a case. */
static void encode_pieces(const char *vname, size_t max_len,
			  ARRAY_TYPE(const_string) *pieces)
{
	string_t *str = t_str_new(max_len + 1);
	const char *piece;

	for (; *vname != '\0'; vname++) {
		unsigned char c = *vname;
		bool sequence = needs_sequence(c) || (c >= 'A' && c <= 'Z');

		if (str_len(str) + (sequence ? 3 : 1) > max_len) {
			piece = t_strdup(str_c(str));
			array_push_back(pieces, &piece);
			str_truncate(str, 0);
		}
		if (sequence)
			str_printfa(str, "=%02x", c);
		else
			str_append_c(str, c);
	}
	piece = str_c(str);
	array_push_back(pieces, &piece);
}

void lazy_expunge_origin_encode_parts(const char *vname, size_t max_len,
				      ARRAY_TYPE(const_string) *keywords)
{
	ARRAY_TYPE(const_string) pieces;
	const char *piece, *keyword;
	unsigned int n = 0;

	i_assert(max_len >= LAZY_EXPUNGE_ORIGIN_MIN_KEYWORD);
	t_array_init(&pieces, 8);
	encode_pieces(vname, max_len - PART_HEAD_LEN, &pieces);
	if (array_count(&pieces) > PARTS_MAX)
		return;
	array_foreach_elem(&pieces, piece) {
		keyword = t_strdup_printf(LAZY_EXPUNGE_ORIGIN_PART_PREFIX
					  "%u/%u:%s", ++n,
					  array_count(&pieces), piece);
		array_push_back(keywords, &keyword);
	}
}

/* IMAP keywords have no case, and a client or another server may have changed
   it. */
static bool has_prefix(const char *keyword, const char *prefix)
{
	return strncasecmp(keyword, prefix, strlen(prefix)) == 0;
}

bool lazy_expunge_origin_is_keyword(const char *keyword)
{
	return has_prefix(keyword, LAZY_EXPUNGE_ORIGIN_PREFIX) ||
		has_prefix(keyword, LAZY_EXPUNGE_ORIGIN_PART_PREFIX) ||
		has_prefix(keyword, LAZY_EXPUNGE_ORIGIN_DELETION_PREFIX) ||
		has_prefix(keyword, LAZY_EXPUNGE_ORIGIN_NOW_PREFIX) ||
		lazy_expunge_origin_is_via(keyword);
}

void lazy_expunge_origin_append_others(ARRAY_TYPE(const_string) *dest,
				       const char *const *keywords)
{
	for (; *keywords != NULL; keywords++) {
		if (!lazy_expunge_origin_is_keyword(*keywords))
			array_push_back(dest, keywords);
	}
}

const char *lazy_expunge_origin_encode_deletion(uint32_t id)
{
	return t_strconcat(LAZY_EXPUNGE_ORIGIN_DELETION_PREFIX,
			   lazy_expunge_deletion_id_to_text(id), NULL);
}

uint32_t lazy_expunge_origin_find_deletion(const char *const *keywords)
{
	const size_t len = strlen(LAZY_EXPUNGE_ORIGIN_DELETION_PREFIX);
	uint32_t id = 0;

	for (; id == 0 && *keywords != NULL; keywords++) {
		if (has_prefix(*keywords, LAZY_EXPUNGE_ORIGIN_DELETION_PREFIX))
			id = lazy_expunge_deletion_id_parse(*keywords + len);
	}
	return id;
}

bool lazy_expunge_origin_is_via(const char *keyword)
{
	return has_prefix(keyword, LAZY_EXPUNGE_ORIGIN_VIA_PREFIX);
}

/* Append what the text stands for, whose bytes need not be UTF-8: a client can
   write any, and those that are not are no mailbox's name. */
static bool origin_decode_text(const char *p, string_t *str)
{
	int byte;

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
	return TRUE;
}

static bool
origin_decode(const char *prefix, const char *keyword, const char **vname_r)
{
	string_t *str;

	if (!has_prefix(keyword, prefix))
		return FALSE;
	keyword += strlen(prefix);
	if (*keyword == '\0')
		return FALSE;
	str = t_str_new(64);
	if (!origin_decode_text(keyword, str) ||
	    !uni_utf8_str_is_valid(str_c(str)))
		return FALSE;
	*vname_r = str_c(str);
	return TRUE;
}

bool lazy_expunge_origin_decode(const char *keyword, const char **vname_r)
{
	return origin_decode(LAZY_EXPUNGE_ORIGIN_PREFIX, keyword, vname_r);
}

const char *lazy_expunge_origin_find_via(const char *const *keywords)
{
	const char *vname;

	for (; *keywords != NULL; keywords++) {
		if (origin_decode(LAZY_EXPUNGE_ORIGIN_VIA_PREFIX, *keywords,
				  &vname))
			return vname;
	}
	return NULL;
}

/* Returns TRUE, which part it is (from 1 on), of how many, and its text. */
static bool part_parse(const char *keyword, unsigned int *n_r,
		       unsigned int *count_r, const char **text_r)
{
	const char *p;

	if (!has_prefix(keyword, LAZY_EXPUNGE_ORIGIN_PART_PREFIX))
		return FALSE;
	p = keyword + strlen(LAZY_EXPUNGE_ORIGIN_PART_PREFIX);
	if (str_parse_uint(p, n_r, &p) < 0 || *p != '/' ||
	    str_parse_uint(p + 1, count_r, &p) < 0 || *p != ':')
		return FALSE;
	*text_r = p + 1;
	return *n_r > 0 && *n_r <= *count_r && *count_r <= PARTS_MAX;
}

static const char *
origin_join_parts(const char *const *keywords, unsigned int count)
{
	const char **texts = t_new(const char *, count), *text;
	string_t *str = t_str_new(128);
	unsigned int n, of;

	for (; *keywords != NULL; keywords++) {
		if (!part_parse(*keywords, &n, &of, &text))
			continue;
		/* parts of two origins: neither can be told */
		if (of != count || (texts[n - 1] != NULL &&
				    strcasecmp(texts[n - 1], text) != 0))
			return NULL;
		texts[n - 1] = text;
	}
	for (n = 0; n < count; n++) {
		if (texts[n] == NULL ||
		    !origin_decode_text(t_str_lcase(texts[n]), str))
			return NULL;
	}
	return str_len(str) == 0 || !uni_utf8_str_is_valid(str_c(str)) ?
		NULL : str_c(str);
}

const char *lazy_expunge_origin_find(const char *const *keywords)
{
	const char *const *all = keywords;
	const char *vname, *text;
	unsigned int n, count, parts = 0;

	if (keywords == NULL)
		return NULL;
	for (; *keywords != NULL; keywords++) {
		if (lazy_expunge_origin_decode(*keywords, &vname))
			return vname;
		if (part_parse(*keywords, &n, &count, &text))
			parts = count;
	}
	return parts == 0 ? NULL : origin_join_parts(all, parts);
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
