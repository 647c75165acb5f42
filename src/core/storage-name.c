/* Legal names of storages. */

#include "lib.h"
#include "str.h"
#include "core/storage-name.h"

const char *lazy_expunge_legal_name(const char *name, char ns_sep,
				    char list_sep, bool escapes)
{
	string_t *str = t_str_new(64);
	const char *p;

	/* The rules of mailbox_verify_name(). Not %xx: dsync and listescape
	   may have a meaning for that. */
	for (p = name; *p != '\0'; p++) {
		if ((*p == list_sep && list_sep != ns_sep && !escapes) ||
		    (*p == ns_sep && (p == name || p[-1] == ns_sep)))
			str_printfa(str, "=%02x", (unsigned char)*p);
		else
			str_append_c(str, *p);
	}
	return str_c(str);
}
