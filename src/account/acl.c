/* Rights of ACLs: asks the acl plugin. */

#include "lib.h"
#include "array.h"
#include "strnum.h"
#include "mail-storage-private.h"
#include "acl-api-private.h"
#include "acl-plugin.h"
#include "account/acl.h"

#include <dlfcn.h>

/* The plugin need not be loaded, so it is not linked with. */
struct acl_funcs {
	const struct acl_storage_module *module;
	__typeof__(&acl_mailbox_get_aclobj) get_aclobj;
	__typeof__(&acl_mailbox_list_get_backend) get_backend;
	__typeof__(&acl_object_init_from_parent) init_from_parent;
	__typeof__(&acl_object_deinit) deinit;
	__typeof__(&acl_object_get_my_rights) get_my_rights;
	__typeof__(&acl_object_list_init) list_init;
	__typeof__(&acl_object_list_next) list_next;
	__typeof__(&acl_object_list_deinit) list_deinit;
	__typeof__(&acl_object_update) update;
	__typeof__(&acl_backend_rights_match_me) match_me;
	__typeof__(&acl_backend_get_default_object) get_default_object;
};

static bool acl_funcs_find(struct acl_funcs *funcs)
{
	funcs->module = dlsym(RTLD_DEFAULT, "acl_storage_module");
	funcs->get_aclobj = dlsym(RTLD_DEFAULT, "acl_mailbox_get_aclobj");
	funcs->get_backend = dlsym(RTLD_DEFAULT,
				   "acl_mailbox_list_get_backend");
	funcs->init_from_parent = dlsym(RTLD_DEFAULT,
					"acl_object_init_from_parent");
	funcs->deinit = dlsym(RTLD_DEFAULT, "acl_object_deinit");
	funcs->get_my_rights = dlsym(RTLD_DEFAULT, "acl_object_get_my_rights");
	funcs->list_init = dlsym(RTLD_DEFAULT, "acl_object_list_init");
	funcs->list_next = dlsym(RTLD_DEFAULT, "acl_object_list_next");
	funcs->list_deinit = dlsym(RTLD_DEFAULT, "acl_object_list_deinit");
	funcs->update = dlsym(RTLD_DEFAULT, "acl_object_update");
	funcs->match_me = dlsym(RTLD_DEFAULT, "acl_backend_rights_match_me");
	funcs->get_default_object = dlsym(RTLD_DEFAULT,
					  "acl_backend_get_default_object");
	return funcs->module != NULL && funcs->get_aclobj != NULL &&
		funcs->get_backend != NULL && funcs->init_from_parent != NULL &&
		funcs->deinit != NULL && funcs->get_my_rights != NULL &&
		funcs->list_init != NULL && funcs->list_next != NULL &&
		funcs->list_deinit != NULL && funcs->update != NULL &&
		funcs->match_me != NULL && funcs->get_default_object != NULL;
}

/* FALSE if ACLs do not hold for the mailbox. */
static bool acl_is_for(struct mailbox *box, struct acl_funcs *funcs)
{
	return acl_funcs_find(funcs) &&
		MODULE_CONTEXT(box,
			*(struct acl_storage_module *)funcs->module) != NULL;
}

int lazy_expunge_acl_get_rights(struct mailbox *box,
				const char *const **rights_r)
{
	struct acl_funcs funcs;

	*rights_r = NULL;
	if (!acl_is_for(box, &funcs))
		return 0;
	return funcs.get_my_rights(funcs.get_aclobj(box),
				   pool_datastack_create(), rights_r) < 0 ?
		-1 : 1;
}

int lazy_expunge_acl_get_parent_rights(struct mailbox *box,
				       const char *const **rights_r)
{
	struct acl_object *parent;
	struct acl_funcs funcs;
	int ret;

	*rights_r = NULL;
	if (!acl_is_for(box, &funcs))
		return 0;
	parent = funcs.init_from_parent(funcs.get_backend(box->list),
					box->name);
	ret = funcs.get_my_rights(parent, pool_datastack_create(), rights_r);
	funcs.deinit(&parent);
	return ret < 0 ? -1 : 1;
}

bool lazy_expunge_acl_has(int ret, const char *const *rights,
			  const char *right)
{
	return ret == 0 || (ret > 0 && str_array_find(rights, right));
}

bool lazy_expunge_acl_names_user(struct mailbox *box)
{
	struct acl_object_list_iter *iter;
	struct acl_rights rights;
	struct acl_funcs funcs;
	bool found = FALSE;

	if (!acl_is_for(box, &funcs))
		return FALSE;
	iter = funcs.list_init(funcs.get_aclobj(box));
	while (funcs.list_next(iter, &rights)) {
		if (rights.rights != NULL && rights.rights[0] != NULL &&
		    funcs.match_me(funcs.get_backend(box->list), &rights))
			found = TRUE;
	}
	return funcs.list_deinit(&iter) >= 0 && found;
}

int lazy_expunge_acl_forget_parent(struct mailbox *box)
{
	struct acl_object_list_iter *iter;
	struct acl_rights_update update;
	struct acl_funcs funcs;
	int ret = 0;

	if (!acl_is_for(box, &funcs))
		return 0;
	i_zero(&update);
	update.modify_mode = ACL_MODIFY_MODE_CLEAR;
	update.neg_modify_mode = ACL_MODIFY_MODE_CLEAR;
	iter = funcs.list_init(funcs.get_aclobj(box));
	while (funcs.list_next(iter, &update.rights)) {
		if (!update.rights.global &&
		    update.rights.id_type != ACL_ID_OWNER &&
		    funcs.update(funcs.get_aclobj(box), &update) < 0)
			ret = -1;
	}
	return funcs.list_deinit(&iter) < 0 ? -1 : ret;
}

static const char *rights_to_text(const char *const *rights)
{
	return rights == NULL ? "*" : t_strarray_join(rights, " ");
}

/* NULL for "*" */
static const char *const *rights_from_text(const char *text)
{
	return strcmp(text, "*") == 0 ? NULL : t_strsplit_spaces(text, " ");
}

int lazy_expunge_acl_read(struct mailbox *box,
			  ARRAY_TYPE(const_string) *entries)
{
	struct acl_object_list_iter *iter;
	struct acl_rights rights;
	struct acl_funcs funcs;
	const char *entry;

	if (!acl_is_for(box, &funcs))
		return 0;
	iter = funcs.list_init(funcs.get_aclobj(box));
	while (funcs.list_next(iter, &rights)) {
		if (rights.global)
			continue;
		entry = t_strdup_printf("%d:%s:%s:%s", (int)rights.id_type,
			rights_to_text(rights.rights),
			rights_to_text(rights.neg_rights),
			rights.identifier == NULL ? "" : rights.identifier);
		array_push_back(entries, &entry);
	}
	return funcs.list_deinit(&iter) < 0 ? -1 : 1;
}

/* Returns FALSE if the text is none. */
static bool entry_parse(const char *entry, struct acl_rights *rights_r)
{
	const char *const *fields = t_strsplit(entry, ":");
	unsigned int type;

	i_zero(rights_r);
	if (str_array_length(fields) < 4 ||
	    str_to_uint(fields[0], &type) < 0 || type >= ACL_ID_TYPE_COUNT)
		return FALSE;
	rights_r->id_type = type;
	rights_r->rights = rights_from_text(fields[1]);
	rights_r->neg_rights = rights_from_text(fields[2]);
	rights_r->identifier = t_strarray_join(fields + 3, ":");
	if (*rights_r->identifier == '\0')
		rights_r->identifier = NULL;
	return TRUE;
}

int lazy_expunge_acl_write(struct mailbox *box,
			   const ARRAY_TYPE(const_string) *entries)
{
	struct acl_rights_update update;
	struct acl_funcs funcs;
	const char *entry;
	int ret;

	if (!acl_is_for(box, &funcs))
		return 0;
	ret = lazy_expunge_acl_forget_parent(box);
	i_zero(&update);
	update.modify_mode = ACL_MODIFY_MODE_REPLACE;
	update.neg_modify_mode = ACL_MODIFY_MODE_REPLACE;
	array_foreach_elem(entries, entry) {
		if (entry_parse(entry, &update.rights) &&
		    funcs.update(funcs.get_aclobj(box), &update) < 0)
			ret = -1;
	}
	return ret;
}

bool lazy_expunge_acl_inbox_opens(struct mailbox *box)
{
	struct acl_object_list_iter *iter;
	struct acl_backend *backend;
	struct acl_object *object;
	struct acl_rights rights;
	struct acl_funcs funcs;
	bool found = FALSE;

	if (!acl_is_for(box, &funcs))
		return FALSE;
	backend = funcs.get_backend(box->list);
	object = funcs.get_default_object(backend);
	if (strcmp(object->name, "INBOX") != 0)
		return FALSE;
	iter = funcs.list_init(object);
	while (funcs.list_next(iter, &rights)) {
		if (rights.id_type != ACL_ID_OWNER &&
		    (rights.id_type != ACL_ID_USER ||
		     !funcs.match_me(backend, &rights)) &&
		    rights.rights != NULL && rights.rights[0] != NULL)
			found = TRUE;
	}
	return funcs.list_deinit(&iter) >= 0 && found;
}
