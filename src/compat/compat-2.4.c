/* Dovecot 2.4: what lazy-expunge-compat.h promises. */

#include "lib.h"
#include "array.h"
#include "settings.h"
#include "settings-parser.h"
#include "unichar.h"
#include "mail-user.h"
#include "mail-namespace.h"
#include "mail-storage-settings.h"
#include "mailbox-list-private.h"
#include "acl-api-private.h"
#include "compat/acl-backend.h"
#include "compat/dovecot.h"

const char *lazy_expunge_compat_index_error(struct mail_index *index)
{
	return mail_index_get_last_error(index, NULL);
}

void lazy_expunge_compat_cache_register(struct mail_cache *cache,
					struct mail_cache_field *field)
{
	mail_cache_register_fields(cache, field, 1, pool_datastack_create());
}

bool lazy_expunge_compat_names_are_normalized(
	struct mailbox_list *list ATTR_UNUSED)
{
#ifdef HAVE_MAILBOX_NFC
	return list->mail_set->mailbox_list_normalize_names_to_nfc;
#else
	return FALSE;
#endif
}

const char *
lazy_expunge_compat_name_normalize(struct mailbox_list *list ATTR_UNUSED,
				   const char *vname)
{
#ifdef HAVE_MAILBOX_NFC
	const char *p, *nfc;

	for (p = vname; *p != '\0' && (unsigned char)*p < 0x80; p++) ;
	if (*p != '\0' && lazy_expunge_compat_names_are_normalized(list) &&
	    uni_utf8_to_nfc(vname, strlen(vname), &nfc) >= 0)
		return nfc;
#endif
	return vname;
}

char lazy_expunge_compat_list_escape_char(struct mailbox_list *list)
{
	return list->mail_set->mailbox_list_storage_escape_char[0];
}

char lazy_expunge_compat_list_visible_escape_char(struct mailbox_list *list)
{
	return list->mail_set->mailbox_list_visible_escape_char[0];
}

const char *const *lazy_expunge_compat_special_use(struct mailbox *box)
{
	if (box->set == NULL || array_is_empty(&box->set->special_use))
		return NULL;
	return settings_boollist_get(&box->set->special_use);
}

const char *
lazy_expunge_compat_special_use_name(struct mail_namespace *ns,
				     const char *special_use)
{
	const struct mailbox_settings *set;

	if (!array_is_created(&ns->set->parsed_mailboxes))
		return NULL;
	array_foreach_elem(&ns->set->parsed_mailboxes, set) {
		if (strpbrk(set->name, "*?") == NULL &&
		    !array_is_empty(&set->special_use) &&
		    str_array_icase_find(
			settings_boollist_get(&set->special_use), special_use))
			return set->name;
	}
	return NULL;
}

int lazy_expunge_compat_namespace_add(struct mail_user *user,
				      struct mail_namespace *like,
				      const char **error_r)
{
	const struct mail_namespace_settings *ns_set;
	struct mail_namespace *ns = NULL;
	struct event *event;
	int ret;

	if (settings_get_filter(user->event, SETTINGS_EVENT_NAMESPACE_NAME,
				like->set->name,
				&mail_namespace_setting_parser_info, 0,
				&ns_set, error_r) < 0)
		return -1;
	event = event_create(user->event);
	event_add_str(event, SETTINGS_EVENT_NAMESPACE_NAME, like->set->name);
	settings_event_add_list_filter_name(event,
		SETTINGS_EVENT_NAMESPACE_NAME, like->set->name);
	ret = mail_namespaces_init_add(user, event, ns_set, &ns, error_r);
	event_unref(&event);
	settings_free(ns_set);
	if (ret < 0)
		return -1;
	mail_user_add_namespace(user, &ns);
	return 0;
}

/* TRUE if the path is what is set for the INBOX, outside of any namespace. */
static bool inbox_path_is_inherited(struct mailbox_list *list)
{
	const struct mail_storage_settings *set;
	const char *error;
	bool inherited;

	if (settings_get(list->ns->user->event,
			 &mail_storage_setting_parser_info, 0,
			 &set, &error) < 0)
		return FALSE;
	inherited = strcmp(set->mail_inbox_path,
			   list->mail_set->mail_inbox_path) == 0;
	settings_free(set);
	return inherited;
}

void lazy_expunge_compat_list_set_plain_inbox(struct mailbox_list *list)
{
	struct mail_storage_settings *set;

	/* The default for maildir is the root directory, whatever the
	   namespace. There iterations do not find it, retention least of all,
	   and 2.3 has put it elsewhere. And what is set at top level is where
	   the mail is that was not deleted. */
	if (*list->mail_set->mail_inbox_path == '\0' ||
	    (strcmp(list->mail_set->mail_inbox_path,
		    list->mail_set->mail_path) != 0 &&
	     !inbox_path_is_inherited(list)))
		return;
	set = p_memdup(list->pool, list->mail_set, sizeof(*set));
	set->mail_inbox_path = "";
	/* settings_free() looks at the pool alone, which is the same */
	list->mail_set = set;
}

bool lazy_expunge_compat_list_has_alt(struct mailbox_list *list)
{
	return list->mail_set->mail_alt_path[0] != '\0';
}

const struct mailbox_settings *
lazy_expunge_compat_mailbox_settings(struct mail_namespace *ns,
				     unsigned int idx)
{
	if (!array_is_created(&ns->set->parsed_mailboxes) ||
	    idx >= array_count(&ns->set->parsed_mailboxes))
		return NULL;
	return array_idx_elem(&ns->set->parsed_mailboxes, idx);
}

bool lazy_expunge_compat_user_has_plugin(struct mail_user *user,
					 const char *name)
{
	return array_is_created(&user->set->mail_plugins) &&
		str_array_find(settings_boollist_get(&user->set->mail_plugins),
			       name);
}

const char *lazy_expunge_compat_module_dir(struct mail_user *user)
{
	return user->set->mail_plugin_dir;
}

void lazy_expunge_compat_quota_user_created(
	struct mail_user *user ATTR_UNUSED,
	const char *storage ATTR_UNUSED)
{
}

void *lazy_expunge_compat_quota_mailbox_allocated(struct mailbox *box)
{
	struct settings_instance *instance;

	/* The quota plugin reads its settings from the mailbox's event. */
	instance = settings_instance_dup(settings_instance_find(box->event));
	settings_override(instance, "quota_ignore", "yes",
			  SETTINGS_OVERRIDE_TYPE_CODE);
	event_set_ptr(box->event, SETTINGS_EVENT_INSTANCE, instance);
	return instance;
}

void lazy_expunge_compat_quota_mailbox_freed(void *context)
{
	struct settings_instance *instance = context;

	settings_instance_free(&instance);
}

void lazy_expunge_compat_acl_replace(
	struct acl_backend *backend, pool_t pool,
	const struct lazy_expunge_compat_acl_methods *methods,
	struct lazy_expunge_compat_acl_methods *super_r)
{
	struct acl_backend_vfuncs *v =
		p_memdup(pool, backend->v, sizeof(*backend->v));

	super_r->object_refresh_cache = v->object_refresh_cache;
	super_r->object_list_next = v->object_list_next;
	v->object_refresh_cache = methods->object_refresh_cache;
	v->object_list_next = methods->object_list_next;
	backend->v = v;
}
