/* Check of the mail format: is it one whose mail the plugin can keep safely? */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "formats/format.h"
#include "check/check.h"

#define OK LAZY_EXPUNGE_FINDING_OK
#define FAIL LAZY_EXPUNGE_FINDING_FAIL

static void names_add(string_t *names, const char *name)
{
	if (str_array_find(t_strsplit(str_c(names), " "), name))
		return;
	if (str_len(names) > 0)
		str_append_c(names, ' ');
	str_append(names, name);
}

void lazy_expunge_check_format(struct lazy_expunge_findings *findings,
			       struct lazy_expunge_user *luser)
{
	string_t *known = t_str_new(32), *others = t_str_new(32);
	struct mail_namespace *ns;
	struct mail_storage *storage;

	for (ns = luser->user->namespaces; ns != NULL; ns = ns->next) {
		if (ns->type != MAIL_NAMESPACE_TYPE_PRIVATE)
			continue;
		storage = mail_namespace_get_default_storage(ns);
		if (storage == NULL || lazy_expunge_storage_format(storage) ==
		    LAZY_EXPUNGE_FORMAT_FAIL)
			continue;
		names_add(lazy_expunge_storage_format(storage) ==
			  LAZY_EXPUNGE_FORMAT_OTHER ? others : known,
			  storage->name);
	}
	if (str_len(others) == 0) {
		lazy_expunge_findings_add(findings, "format", OK, str_c(known),
					  NULL);
		return;
	}
	lazy_expunge_findings_add(findings, "format", FAIL, t_strdup_printf(
		"%s: not one of maildir, sdbox and mdbox", str_c(others)),
		"change the mail format, with doveadm backup: deleted mail of "
		"others is not kept safely");
}
