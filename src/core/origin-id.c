/* Origin numbers: from names, and in file names of a Maildir. */

#include "lib.h"
#include "sha1.h"
#include "strnum.h"
#include "core/origin-id.h"

#define INFO_MARK ",o"
#define INFO_DIGITS 16

uint64_t lazy_expunge_origin_id(const char *vname)
{
	unsigned char digest[SHA1_RESULTLEN];
	uint64_t id = 0;

	sha1_get_digest(vname, strlen(vname), digest);
	for (unsigned int i = 0; i < sizeof(id); i++)
		id = id << 8 | digest[i];
	return id == 0 ? 1 : id;
}

const char *lazy_expunge_origin_id_to_info(uint64_t id)
{
	return t_strdup_printf(INFO_MARK"%016"PRIx64, id);
}

/* Returns 0 also if the number is of another length. */
static uint64_t info_parse(const char *p)
{
	const char *digits;
	uint64_t id;

	if (strspn(p, "0123456789abcdef") != INFO_DIGITS ||
	    (p[INFO_DIGITS] != '\0' && p[INFO_DIGITS] != ','))
		return 0;
	digits = t_strndup(p, INFO_DIGITS);
	return str_to_uint64_hex(digits, &id) < 0 ? 0 : id;
}

uint64_t lazy_expunge_origin_id_from_fname(const char *fname)
{
	const char *p = strrchr(fname, ':');
	uint64_t id = 0;

	if (p == NULL || strncmp(p, ":2,", 3) != 0)
		return 0;
	T_BEGIN {
		for (p += 3; id == 0 && (p = strstr(p, INFO_MARK)) != NULL; ) {
			p += strlen(INFO_MARK);
			id = info_parse(p);
		}
	} T_END;
	return id;
}
