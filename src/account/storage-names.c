/* Names of a storage. */

#include "lib.h"
#include "mail-namespace.h"
#include "mailbox-list-private.h"
#include "compat/dovecot.h"
#include "core/storage-name.h"
#include "account/storage-names.h"

const char *lazy_expunge_name_without_prefix(struct mail_namespace *ns,
					     const char *vname)
{
	if (ns->prefix_len > 0 &&
	    strncmp(vname, ns->prefix, ns->prefix_len) == 0)
		return vname + ns->prefix_len;
	return vname;
}

const char *lazy_expunge_storage_legal_name(struct mailbox_list *list,
					    const char *name)
{
	bool escapes = lazy_expunge_compat_list_escape_char(list) != '\0';

	return lazy_expunge_legal_name(name, mail_namespace_get_sep(list->ns),
				       mailbox_list_get_hierarchy_sep(list),
				       escapes);
}

const char *
lazy_expunge_storage_vname(const struct lazy_expunge_storage *storage)
{
	return t_strconcat(storage->ns->prefix, storage->ns_mode ? "INBOX" :
			   storage->name, NULL);
}

const char *
lazy_expunge_storage_legal_vname(const struct lazy_expunge_storage *storage)
{
	return t_strconcat(storage->ns->prefix,
			   lazy_expunge_storage_legal_name(storage->ns->list,
							   storage->name),
			   NULL);
}
