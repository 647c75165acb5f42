/* Check of ACLs: asks the acl plugin for the user's rights in the storage, which
   may come from a global file or directory, from the mailbox's own file, or on
   2.4 from acl blocks. */

#include "lib.h"
#include "array.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "acl-api.h"
#include "acl-plugin.h"
#include "account/user.h"
#include "account/storages.h"
#include "check/check.h"

#include <dlfcn.h>

/* The plugin need not be loaded, so it is not linked with. */
struct acl_funcs {
	const struct acl_storage_module *module;
	__typeof__(&acl_mailbox_get_aclobj) get_aclobj;
	__typeof__(&acl_object_get_my_rights) get_my_rights;
};

/* What takes mail away for good. */
static const char *const deleting_rights[] = {
	"write-deleted", "expunge", "delete", NULL
};

static bool acl_funcs_find(struct acl_funcs *funcs)
{
	funcs->module = dlsym(RTLD_DEFAULT, "acl_storage_module");
	funcs->get_aclobj = dlsym(RTLD_DEFAULT, "acl_mailbox_get_aclobj");
	funcs->get_my_rights = dlsym(RTLD_DEFAULT, "acl_object_get_my_rights");
	return funcs->module != NULL && funcs->get_aclobj != NULL &&
		funcs->get_my_rights != NULL;
}

/* Returns 1 and the rights (data stack) if ACLs hold for the mailbox, 0 if they
   do not, -1 if the rights cannot be read. */
static int acl_get_rights(struct mailbox *box, const char *const **rights_r)
{
	struct acl_funcs funcs;

	if (!acl_funcs_find(&funcs) ||
	    MODULE_CONTEXT(box, *(struct acl_storage_module *)funcs.module) ==
	    NULL)
		return 0;
	if (funcs.get_my_rights(funcs.get_aclobj(box), pool_datastack_create(),
				rights_r) < 0)
		return -1;
	return 1;
}

void lazy_expunge_check_acl(struct lazy_expunge_findings *findings,
			    struct lazy_expunge_user *luser,
			    struct lazy_expunge_storage *storage,
			    const char *vname)
{
	const char *remedy = "set lazy_expunge_protect = yes, or take the "
		"rights to delete there from the user";
	const char *const *rights, *found;
	struct mailbox *box;
	bool deletes = FALSE;
	int ret;

	box = lazy_expunge_mailbox_alloc(luser, storage->ns, vname, 0);
	ret = acl_get_rights(box, &rights);
	mailbox_free(&box);
	if (ret <= 0) {
		lazy_expunge_findings_add(findings, "acl", ret == 0 ?
			LAZY_EXPUNGE_FINDING_OK : LAZY_EXPUNGE_FINDING_WARN,
			ret == 0 ? "there are no ACLs, and none are needed" :
			"the ACLs of the storage cannot be read",
			"look at the log");
		return;
	}
	for (unsigned int i = 0; deleting_rights[i] != NULL; i++) {
		if (str_array_find(rights, deleting_rights[i]))
			deletes = TRUE;
	}
	found = t_strdup_printf("the user's rights in the storage: %s",
				rights[0] == NULL ? "none" :
				t_strarray_join(rights, " "));
	lazy_expunge_findings_add(findings, "acl",
		deletes && !luser->set.protect ? LAZY_EXPUNGE_FINDING_WARN :
		LAZY_EXPUNGE_FINDING_OK, found, remedy);
}
