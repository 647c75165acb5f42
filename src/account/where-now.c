/* Where a mailbox is that mail came from: by name, and for one that was renamed
   by its GUID. */

#include "lib.h"
#include "array.h"
#include "unichar.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "compat/dovecot.h"
#include "account/storages.h"
#include "account/where-now.h"

bool lazy_expunge_where_exists(struct lazy_expunge_user *luser,
			       const char *vname)
{
	struct mail_namespace *ns =
		mail_namespace_find(luser->user->namespaces, vname);
	struct mailbox *box;
	enum mailbox_existence existence;
	bool exists;

	/* what another user has is none of this one's, and not looked for */
	if (ns->type == MAIL_NAMESPACE_TYPE_SHARED)
		return TRUE;
	/* no mailbox can have it, and Dovecot does not take it */
	if (!uni_utf8_str_is_valid(vname))
		return FALSE;
	/* by its name as it was: another may have it as it is shown */
	box = mailbox_alloc(ns->list, vname, MAILBOX_FLAG_IGNORE_ACLS |
			    LAZY_EXPUNGE_COMPAT_FLAG_RAW_NAME);
	/* what fails here fails again, and is said, when it is opened */
	exists = mailbox_exists(box, TRUE, &existence) < 0 ||
		existence == MAILBOX_EXISTENCE_SELECT;
	mailbox_free(&box);
	return exists;
}

/* Mail must not be restored to where it would be deleted again, or could not be
   restored to. */
static bool where_is_refused(struct lazy_expunge_user *luser, const char *vname)
{
	struct mail_namespace *ns =
		mail_namespace_find(luser->user->namespaces, vname);
	const char *trash, *name;
	size_t len;

	if (lazy_expunge_storage_match(luser, ns, vname) != NULL)
		return TRUE;
	trash = lazy_expunge_compat_special_use_name(ns, "\\Trash");
	if (trash == NULL)
		return FALSE;
	name = lazy_expunge_name_without_prefix(ns, vname);
	len = strlen(trash);
	return strncmp(name, trash, len) == 0 &&
		(name[len] == '\0' || name[len] == mail_namespace_get_sep(ns));
}

/* The name of the mailbox with this GUID, NULL if there is none. */
static const char *
where_find_guid(struct lazy_expunge_user *luser, const guid_128_t guid)
{
	struct mail_namespace *ns;
	struct mailbox *box;
	const char *vname = NULL;

	for (ns = luser->user->namespaces; ns != NULL && vname == NULL;
	     ns = ns->next) {
		if (ns->type != MAIL_NAMESPACE_TYPE_PRIVATE ||
		    ns->alias_for != NULL)
			continue;
		box = mailbox_alloc_guid(ns->list, guid,
					 MAILBOX_FLAG_IGNORE_ACLS);
		if (lazy_expunge_mailbox_has_guid(box, guid))
			vname = t_strdup(mailbox_get_vname(box));
		mailbox_free(&box);
	}
	return vname;
}

/* Where is the mailbox now, which was renamed to vname at last? */
static const char *
where_find(struct lazy_expunge_user *luser, const char *vname,
	  const guid_128_t guid)
{
	struct mail_namespace *ns =
		mail_namespace_find(luser->user->namespaces, vname);
	struct mailbox *box;
	const char *found;
	bool is_it;

	box = mailbox_alloc(ns->list, vname, MAILBOX_FLAG_IGNORE_ACLS);
	is_it = lazy_expunge_mailbox_has_guid(box, guid);
	mailbox_free(&box);
	if (is_it)
		return vname;
	/* it was renamed where nobody saw it */
	found = where_find_guid(luser, guid);
	return found != NULL ? found : vname;
}

const char *
lazy_expunge_where_now(struct lazy_expunge_user *luser,
		       const ARRAY_TYPE(lazy_expunge_rename) *renames,
		       const struct lazy_expunge_rename *rename)
{
	const struct lazy_expunge_rename *all;
	const char *vname;
	unsigned int count;

	all = array_get(renames, &count);
	vname = lazy_expunge_renames_last_name(all, count, rename->guid);
	i_assert(vname != NULL);
	vname = where_find(luser, vname, rename->guid);
	return where_is_refused(luser, vname) ? NULL : vname;
}
