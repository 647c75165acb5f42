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
#include "compat/compat-service.h"
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
	const char *storage ATTR_UNUSED,
	lazy_expunge_compat_legal_name_t *legal_name ATTR_UNUSED)
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

static void location_add(ARRAY_TYPE(const_string) *list, const char *name,
			 const char *value)
{
	if (*value == '\0')
		return;
	array_push_back(list, &name);
	array_push_back(list, &value);
}

const char *lazy_expunge_compat_attachment_dir(struct mail_namespace *ns)
{
	const char *dir = ns->list->mail_set->mail_ext_attachment_path;

	return dir == NULL || *dir == '\0' ? "" :
		mail_user_home_expand(ns->user, dir);
}

const char *lazy_expunge_compat_attachment_setting(struct mail_namespace *ns)
{
	const char *const *field = ns->user->userdb_fields, *error, *dir;
	const struct mail_storage_settings *set;

	for (; field != NULL && *field != NULL; field++) {
		if (str_begins_with(*field, "mail_ext_attachment_path="))
			return NULL;
	}
	if (settings_get(ns->list->event, &mail_storage_setting_parser_info,
			 SETTINGS_GET_FLAG_NO_EXPAND, &set, &error) < 0)
		return "";
	dir = t_strdup(set->mail_ext_attachment_path);
	settings_free(set);
	return dir;
}

const char *const *
lazy_expunge_compat_list_location(struct mailbox_list *list)
{
	const struct mail_storage_settings *set = list->mail_set;
	ARRAY_TYPE(const_string) location;

	t_array_init(&location, 32);
	location_add(&location, "mail_driver",
		     mail_namespace_get_default_storage(list->ns)->name);
	location_add(&location, "mail_path", set->mail_path);
	location_add(&location, "mailbox_list_layout", list->name);
	location_add(&location, "mail_inbox_path", set->mail_inbox_path);
	location_add(&location, "mail_index_path", set->mail_index_path);
	location_add(&location, "mail_cache_path", set->mail_cache_path);
	location_add(&location, "mail_control_path", set->mail_control_path);
	location_add(&location, "mail_alt_path", set->mail_alt_path);
	location_add(&location, "mailbox_directory_name",
		     set->mailbox_directory_name);
	location_add(&location, "mailbox_directory_name_legacy",
		     set->mailbox_directory_name_legacy ? "yes" : "no");
	location_add(&location, "mailbox_root_directory_name",
		     set->mailbox_root_directory_name);
	location_add(&location, "mailbox_list_index_prefix",
		     set->mailbox_list_index_prefix);
	location_add(&location, "mailbox_list_visible_escape_char",
		     set->mailbox_list_visible_escape_char);
	location_add(&location, "mailbox_list_storage_escape_char",
		     set->mailbox_list_storage_escape_char);
	location_add(&location, "mailbox_list_utf8",
		     set->mailbox_list_utf8 ? "yes" : "no");
	location_add(&location, "mail_ext_attachment_path",
		     lazy_expunge_compat_attachment_dir(list->ns));
	array_append_zero(&location);
	return array_front(&location);
}

static int user_at_lookup(struct mail_storage_service_ctx *service,
			  struct mail_user *like, const char *const *settings,
			  struct mail_storage_service_user **user_r,
			  const char **error_r)
{
	struct mail_storage_service_input input = {
		.service = "doveadm", .username = like->username,
		.flags_override_add = MAIL_STORAGE_SERVICE_FLAG_NO_NAMESPACES |
			MAIL_STORAGE_SERVICE_FLAG_NO_RESTRICT_ACCESS,
	};
	struct settings_instance *instance;
	int ret;

	ret = mail_storage_service_lookup(service, &input, user_r, error_r);
	if (ret <= 0) {
		if (ret == 0)
			*error_r = "userdb does not know the user any more";
		return -1;
	}
	instance = mail_storage_service_user_get_settings_instance(*user_r);
	mail_storage_2nd_settings_reset(instance, "*/");
	settings_override(instance, "*/mail_alt_check", "no",
			  SETTINGS_OVERRIDE_TYPE_2ND_CLI_PARAM);
	for (; settings[0] != NULL; settings += 2) {
		settings_override(instance, t_strconcat("*/", settings[0], NULL),
				  settings[1],
				  SETTINGS_OVERRIDE_TYPE_2ND_CLI_PARAM);
	}
	return 0;
}

/* Dovecot has made it the one of the INBOX. */
static void namespace_set_plain(struct mail_namespace *ns)
{
	ns->flags &= ENUM_NEGATE(NAMESPACE_FLAG_INBOX_USER |
				 NAMESPACE_FLAG_INBOX_ANY);
	lazy_expunge_compat_list_set_plain_inbox(ns->list);
}

int lazy_expunge_compat_user_at(struct mail_storage_service_ctx *service,
				struct mail_user *like, const char *home,
				const char *const *settings, bool inbox,
				struct mail_user **user_r,
				const char **error_r)
{
	struct mail_storage_service_user *service_user;
	int ret;

	mail_storage_service_io_deactivate_user(like->service_user);
	ret = user_at_lookup(service, like, settings, &service_user, error_r);
	if (ret == 0) {
		ret = mail_storage_service_next(service, service_user, user_r,
						error_r);
		mail_storage_service_user_unref(&service_user);
	}
	if (ret == 0) {
		if (home != NULL)
			mail_user_set_home(*user_r, home);
		event_add_str((*user_r)->event,
			      LAZY_EXPUNGE_COMPAT_FIELD_USER_AT, "yes");
		if (mail_namespaces_init_location(*user_r, (*user_r)->event,
						  error_r) < 0) {
			*error_r = t_strdup(*error_r);
			mail_user_deinit(user_r);
			ret = -1;
		} else {
			if (!inbox)
				namespace_set_plain((*user_r)->namespaces);
			mail_storage_service_io_deactivate_user(
				(*user_r)->service_user);
		}
	}
	mail_storage_service_io_activate_user(like->service_user);
	return ret < 0 ? -1 : 0;
}
