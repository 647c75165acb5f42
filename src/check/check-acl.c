/* Check of ACLs: the user's rights in the storage. */

#include "lib.h"
#include "array.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "account/acl.h"
#include "account/user.h"
#include "account/storages.h"
#include "check/check.h"

/* What takes mail away for good. */
static const char *const deleting_rights[] = {
	"write-deleted", "expunge", "delete", NULL
};

static bool rights_delete(const char *const *rights)
{
	for (unsigned int i = 0; deleting_rights[i] != NULL; i++) {
		if (str_array_find(rights, deleting_rights[i]))
			return TRUE;
	}
	return FALSE;
}

void lazy_expunge_check_acl_denies(struct lazy_expunge_user *luser,
				   struct lazy_expunge_storage *storage,
				   bool *looking_r, bool *deleting_r)
{
	const char *const *rights;
	struct mailbox *box;
	int ret;

	box = lazy_expunge_mailbox_alloc(luser, storage->ns,
				lazy_expunge_storage_vname(storage), 0);
	ret = lazy_expunge_acl_get_rights(box, &rights);
	mailbox_free(&box);
	*looking_r = !lazy_expunge_acl_has(ret, rights, "lookup");
	/* nothing can be done in what cannot be opened, but to delete it */
	*deleting_r = ret > 0 && (!rights_delete(rights) ||
		(!lazy_expunge_acl_has(ret, rights, "read") &&
		 !lazy_expunge_acl_has(ret, rights, "delete")));
	if (ret < 0)
		*looking_r = FALSE;
}

static const char *rights_describe(const char *const *rights)
{
	return t_strdup_printf("the user's rights in the storage: %s",
			       rights[0] == NULL ? "none" :
			       t_strarray_join(rights, " "));
}

void lazy_expunge_check_acl(struct lazy_expunge_findings *findings,
			    struct lazy_expunge_user *luser,
			    struct lazy_expunge_storage *storage,
			    bool closed, bool protected)
{
	const char *const *rights;
	struct mailbox *box;
	bool opens;
	int ret;

	box = lazy_expunge_mailbox_alloc(luser, storage->ns,
				lazy_expunge_storage_vname(storage), 0);
	ret = lazy_expunge_acl_get_rights(box, &rights);
	opens = ret > 0 && !closed && lazy_expunge_acl_inbox_opens(box);
	mailbox_free(&box);
	if (ret <= 0) {
		lazy_expunge_findings_add(findings, "acl", ret == 0 ?
			LAZY_EXPUNGE_FINDING_OK : LAZY_EXPUNGE_FINDING_WARN,
			ret == 0 ? "there are no ACLs, and none are needed" :
			"the ACLs of the storage cannot be read",
			"look at the log");
	} else if (opens) {
		lazy_expunge_findings_add(findings, "acl",
			LAZY_EXPUNGE_FINDING_WARN, t_strdup_printf(
			"%s, and those who have rights in the INBOX have them "
			"there (acl_defaults_from_inbox)",
			rights_describe(rights)), "set lazy_expunge_hidden or "
			"lazy_expunge_protect: others have no rights there by "
			"default then");
	} else {
		lazy_expunge_findings_add(findings, "acl",
			rights_delete(rights) && !protected ?
			LAZY_EXPUNGE_FINDING_WARN : LAZY_EXPUNGE_FINDING_OK,
			rights_describe(rights), "set lazy_expunge_protect = "
			"yes, or take the rights to delete there from the user");
	}
}
