/* Rights that are shown: looks into the acl plugin's answers while one of the
   commands is being executed that show them. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "mail-namespace.h"
#include "mailbox-list-private.h"
#include "acl-api-private.h"
#include "acl-cache.h"
#include "acl-plugin.h"
#include "compat/acl-backend.h"
#include "account/storages.h"
#include "account/user.h"
#include "hooks/acl-shown.h"

#include <dlfcn.h>

/* The plugin need not be loaded, so it is not linked with. */
struct shown_funcs {
	const struct acl_mailbox_list_module *module;
	__typeof__(&acl_mailbox_list_get_backend) get_backend;
	__typeof__(&acl_cache_flush) flush;
	__typeof__(&acl_cache_update) update;
	__typeof__(&acl_cache_get_my_rights) get_my_rights;
	__typeof__(&acl_cache_mask_init) mask_init;
	__typeof__(&acl_object_get_default_rights) get_default_rights;
};

struct acl_shown {
	union mailbox_list_module_context module_ctx;
	struct lazy_expunge_user *luser;
	struct lazy_expunge_compat_acl_methods super;
	struct shown_funcs funcs;
	/* the mailbox of which the cache has what is shown, "" = none */
	string_t *name;
	/* what the backend has by default, while it is not shown. NULL = it
	   has it */
	struct acl_mask *default_mask;
};

#define ACL_SHOWN_CONTEXT_REQUIRE(obj) \
	MODULE_CONTEXT_REQUIRE(obj, lazy_expunge_acl_shown_module)

static MODULE_CONTEXT_DEFINE_INIT(lazy_expunge_acl_shown_module,
				  &mailbox_list_module_register);

/* LIST RETURN (MYRIGHTS) is RFC 8440. */
static const char *const showing_commands[] = {
	"MYRIGHTS", "GETACL", "LIST", NULL
};

/* What protection denies. */
static const char *const denied_rights[] = {
	"insert", "post", "expunge", "create", "delete", NULL
};

static bool funcs_find(struct shown_funcs *funcs)
{
	funcs->module = dlsym(RTLD_DEFAULT, "acl_mailbox_list_module");
	funcs->get_backend = dlsym(RTLD_DEFAULT,
				   "acl_mailbox_list_get_backend");
	funcs->flush = dlsym(RTLD_DEFAULT, "acl_cache_flush");
	funcs->update = dlsym(RTLD_DEFAULT, "acl_cache_update");
	funcs->get_my_rights = dlsym(RTLD_DEFAULT, "acl_cache_get_my_rights");
	funcs->mask_init = dlsym(RTLD_DEFAULT, "acl_cache_mask_init");
	funcs->get_default_rights = dlsym(RTLD_DEFAULT,
					  "acl_object_get_default_rights");
	return funcs->module != NULL && funcs->get_backend != NULL &&
		funcs->flush != NULL && funcs->update != NULL &&
		funcs->get_my_rights != NULL && funcs->mask_init != NULL &&
		funcs->get_default_rights != NULL;
}

static bool is_showing_command(void)
{
	const struct event *event = event_get_global();
	const char *command;
	bool showing;

	if (event == NULL)
		return FALSE;
	T_BEGIN {
		command = event_find_field_recursive_str(event, "cmd_name");
		showing = command != NULL &&
			str_array_icase_find(showing_commands, command);
	} T_END;
	return showing;
}

/* What others than its owner have there by default. */
static const char *const no_rights[] = { NULL };

/* The storage whose rights are looked up to be shown, NULL if none are. */
static struct lazy_expunge_storage *
shown_storage(struct acl_shown *shown, struct acl_object *aclobj)
{
	struct mailbox_list *list = aclobj->backend->list;
	struct lazy_expunge_storage *st = NULL;

	if (!is_showing_command() || *aclobj->name == '\0')
		return NULL;
	T_BEGIN {
		st = lazy_expunge_storage_match(shown->luser, list->ns,
			mailbox_list_get_vname(list, aclobj->name));
	} T_END;
	return st;
}

/* The rights without those that are denied. Data stack. */
static const char *const *without_denied(const char *const *rights)
{
	ARRAY_TYPE(const_string) left;

	t_array_init(&left, 12);
	for (; *rights != NULL; rights++) {
		if (!str_array_find(denied_rights, *rights))
			array_push_back(&left, rights);
	}
	array_append_zero(&left);
	return array_front(&left);
}

/* What was shown is not what holds. */
static void shown_forget(struct acl_shown *shown, struct acl_backend *backend)
{
	if (str_len(shown->name) > 0)
		shown->funcs.flush(backend->cache, str_c(shown->name));
	str_truncate(shown->name, 0);
	if (shown->default_mask != NULL)
		backend->default_aclmask = shown->default_mask;
	shown->default_mask = NULL;
}

static int shown_refresh_cache(struct acl_object *aclobj)
{
	struct acl_backend *backend = aclobj->backend;
	struct acl_shown *shown = ACL_SHOWN_CONTEXT_REQUIRE(backend->list);
	struct acl_rights_update update = {
		.rights = { .rights = denied_rights },
		.modify_mode = ACL_MODIFY_MODE_REMOVE,
		.neg_modify_mode = ACL_MODIFY_MODE_REMOVE,
	};
	const struct lazy_expunge_storage *st;
	bool entry;

	shown_forget(shown, backend);
	if (shown->super.object_refresh_cache(aclobj) < 0)
		return -1;
	st = shown_storage(shown, aclobj);
	if (st == NULL)
		return 0;
	entry = shown->funcs.get_my_rights(backend->cache,
					   aclobj->name) != NULL;
	if (!entry && backend->list->ns->type == MAIL_NAMESPACE_TYPE_SHARED &&
	    (st->hidden || st->protect)) {
		update.rights.rights = no_rights;
		update.modify_mode = ACL_MODIFY_MODE_REPLACE;
	} else if (!st->protect) {
		return 0;
	}
	/* that there is none is an entry, too, which cannot be changed */
	if (!entry)
		shown->funcs.flush(backend->cache, aclobj->name);
	shown->funcs.update(backend->cache, aclobj->name, &update);
	str_append(shown->name, aclobj->name);
	return 0;
}

/* After the entries there may come the default of the owner. */
static void shown_hide_default(struct acl_shown *shown,
			       struct acl_object *aclobj)
{
	struct acl_backend *backend = aclobj->backend;

	if (shown->default_mask != NULL)
		return;
	shown->default_mask = backend->default_aclmask;
	T_BEGIN {
		backend->default_aclmask = shown->funcs.mask_init(
			backend->cache, backend->pool,
			without_denied(shown->funcs.get_default_rights(aclobj)));
	} T_END;
}

static bool shown_list_next(struct acl_object_list_iter *iter,
			    struct acl_rights *rights_r)
{
	struct acl_shown *shown =
		ACL_SHOWN_CONTEXT_REQUIRE(iter->aclobj->backend->list);
	bool found = shown->super.object_list_next(iter, rights_r);
	const struct lazy_expunge_storage *st =
		shown_storage(shown, iter->aclobj);

	if (st == NULL || !st->protect)
		return found;
	if (!found)
		shown_hide_default(shown, iter->aclobj);
	else if (rights_r->rights != NULL)
		rights_r->rights = without_denied(rights_r->rights);
	return found;
}

void lazy_expunge_acl_shown_init(struct lazy_expunge_user *luser,
				 struct mailbox_list *list)
{
	const struct lazy_expunge_compat_acl_methods methods = {
		.object_refresh_cache = shown_refresh_cache,
		.object_list_next = shown_list_next,
	};
	struct shown_funcs funcs;
	struct acl_shown *shown;

	if (luser->by_admin ||
	    MODULE_CONTEXT(list, lazy_expunge_acl_shown_module) != NULL ||
	    !funcs_find(&funcs) ||
	    MODULE_CONTEXT(list,
		*(struct acl_mailbox_list_module *)funcs.module) == NULL ||
	    funcs.get_backend(list) == NULL)
		return;
	shown = p_new(list->pool, struct acl_shown, 1);
	shown->luser = luser;
	shown->funcs = funcs;
	shown->name = str_new(list->pool, 64);
	MODULE_CONTEXT_SET(list, lazy_expunge_acl_shown_module, shown);
	lazy_expunge_compat_acl_replace(funcs.get_backend(list), list->pool,
					&methods, &shown->super);
}
