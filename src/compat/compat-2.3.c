/* Dovecot 2.3: what lazy-expunge-compat.h promises. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "settings-parser.h"
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
	return mail_index_get_error_message(index);
}

void lazy_expunge_compat_cache_register(struct mail_cache *cache,
					struct mail_cache_field *field)
{
	mail_cache_register_fields(cache, field, 1);
}

bool lazy_expunge_compat_names_are_normalized(
	struct mailbox_list *list ATTR_UNUSED)
{
	return FALSE;
}

const char *
lazy_expunge_compat_name_normalize(struct mailbox_list *list ATTR_UNUSED,
				   const char *vname)
{
	return vname;
}

char lazy_expunge_compat_list_escape_char(struct mailbox_list *list)
{
	return list->set.storage_name_escape_char;
}

char lazy_expunge_compat_list_visible_escape_char(struct mailbox_list *list)
{
	return list->set.vname_escape_char;
}

const char *const *lazy_expunge_compat_special_use(struct mailbox *box)
{
	if (box->set == NULL || box->set->special_use[0] == '\0')
		return NULL;
	return t_strsplit_spaces(box->set->special_use, " ");
}

const char *
lazy_expunge_compat_special_use_name(struct mail_namespace *ns,
				     const char *special_use)
{
	struct mailbox_settings *set;

	if (!array_is_created(&ns->set->mailboxes))
		return NULL;
	array_foreach_elem(&ns->set->mailboxes, set) {
		if (strpbrk(set->name, "*?") == NULL &&
		    str_array_icase_find(t_strsplit_spaces(set->special_use,
							   " "), special_use))
			return set->name;
	}
	return NULL;
}

int lazy_expunge_compat_namespace_add(struct mail_user *user,
				      struct mail_namespace *like,
				      const char **error_r)
{
	struct mail_namespace_settings *const *sets, *const *unexpanded_sets;
	unsigned int i, count, unexpanded_count;
	struct mail_namespace *ns = NULL;

	if (!array_is_created(&user->set->namespaces) ||
	    !array_is_created(&user->unexpanded_set->namespaces)) {
		*error_r = "There are no namespaces";
		return -1;
	}
	/* in the same order */
	sets = array_get(&user->set->namespaces, &count);
	unexpanded_sets = array_get(&user->unexpanded_set->namespaces,
				    &unexpanded_count);
	for (i = 0; i < count && i < unexpanded_count; i++) {
		if (strcmp(sets[i]->prefix, like->prefix) == 0)
			break;
	}
	if (i == count || i == unexpanded_count) {
		*error_r = t_strdup_printf("There is no namespace with "
					   "prefix = %s", like->prefix);
		return -1;
	}
	if (mail_namespaces_init_add(user, sets[i], unexpanded_sets[i], &ns,
				     error_r) < 0)
		return -1;
	mail_user_add_namespace(user, &ns);
	return 0;
}

void lazy_expunge_compat_list_set_plain_inbox(
	struct mailbox_list *list ATTR_UNUSED)
{
	/* it is so */
}

bool lazy_expunge_compat_list_has_alt(struct mailbox_list *list)
{
	return list->set.alt_dir != NULL;
}

const struct mailbox_settings *
lazy_expunge_compat_mailbox_settings(struct mail_namespace *ns,
				     unsigned int idx)
{
	if (!array_is_created(&ns->set->mailboxes) ||
	    idx >= array_count(&ns->set->mailboxes))
		return NULL;
	return array_idx_elem(&ns->set->mailboxes, idx);
}

bool lazy_expunge_compat_user_has_plugin(struct mail_user *user,
					 const char *name)
{
	bool found;

	T_BEGIN {
		found = str_array_find(
			t_strsplit_spaces(user->set->mail_plugins, ", "), name);
	} T_END;
	return found;
}

const char *lazy_expunge_compat_module_dir(struct mail_user *user)
{
	return user->set->mail_plugin_dir;
}

static void plugin_env_add(struct mail_user *user, const char *key,
			   const char *value)
{
	/* the settings may outlive the user: so must what is added to them */
	pool_t pool = array_get_pool(&user->set->plugin_envs);

	key = p_strdup(pool, key);
	value = p_strdup(pool, value);
	array_push_back(&user->set->plugin_envs, &key);
	array_push_back(&user->set->plugin_envs, &value);
}

static void quota_root_add_ignore(struct mail_user *user, const char *root,
				  const char *mask)
{
	const char *key, *value;
	size_t len = strlen(mask);

	/* quota_rule, quota_rule2, ... of this root: append one, unless the
	   administrator has one for the same mailbox */
	key = t_strconcat(root, "_rule", NULL);
	for (unsigned int i = 2;; i++) {
		value = mail_user_plugin_getenv(user, key);
		if (value == NULL)
			break;
		if (strncmp(value, mask, len) == 0 && value[len] == ':')
			return;
		key = t_strdup_printf("%s_rule%u", root, i);
	}
	plugin_env_add(user, key, t_strconcat(mask, ":ignore", NULL));
}

static void quota_add_ignore_name(struct mail_user *user, const char *mask)
{
	const char *root = "quota";

	for (unsigned int i = 2; mail_user_plugin_getenv(user, root) != NULL;
	     i++) {
		quota_root_add_ignore(user, root, mask);
		root = t_strdup_printf("quota%u", i);
	}
}

/* Ignore the mailbox of this name, which is without the prefix, in a namespace.
   Where its layout forbids a character of the name, the mailbox is known by
   that of legal_name(), but there is no layout yet: the separator that names
   do not have already is the one that may be forbidden. */
static void quota_add_ignore_in(struct mail_user *user, const char *prefix,
				const char *separator, const char *name,
				lazy_expunge_compat_legal_name_t *legal_name)
{
	char sep = *separator != '\0' ? *separator : '.';
	char list_sep = *separator == '.' ? '/' : '.';
	const char *legal = legal_name(name, sep, list_sep, FALSE);

	quota_add_ignore_name(user, t_strconcat(prefix, name, NULL));
	if (strcmp(legal, name) != 0)
		quota_add_ignore_name(user, t_strconcat(prefix, legal, NULL));
}

void lazy_expunge_compat_quota_user_created(
	struct mail_user *user, const char *storage,
	lazy_expunge_compat_legal_name_t *legal_name)
{
	struct mail_namespace_settings *ns_set;
	char last = storage[strlen(storage) - 1];
	size_t len;

	if (!array_is_created(&user->set->plugin_envs))
		return;
	if (last == '/' || last == '.') {
		quota_add_ignore_name(user, t_strconcat(storage, "*", NULL));
		return;
	}
	if (!array_is_created(&user->set->namespaces)) {
		quota_add_ignore_in(user, "", "", storage, legal_name);
		return;
	}
	/* The namespaces do not exist yet, only their settings. For a name that
	   is in none of them the quota plugin would have an error each time. */
	array_foreach_elem(&user->set->namespaces, ns_set) {
		len = strlen(ns_set->prefix);
		if (str_begins(ns_set->prefix, storage) &&
		    len == strlen(storage) + 1) {
			/* it is the namespace */
			quota_add_ignore_name(user,
				t_strconcat(ns_set->prefix, "*", NULL));
		} else if (str_begins(storage, ns_set->prefix)) {
			quota_add_ignore_in(user, ns_set->prefix,
					    ns_set->separator, storage + len,
					    legal_name);
		}
	}
}

void *lazy_expunge_compat_quota_mailbox_allocated(
	struct mailbox *box ATTR_UNUSED)
{
	return NULL;
}

void lazy_expunge_compat_quota_mailbox_freed(void *context ATTR_UNUSED)
{
}

void lazy_expunge_compat_acl_replace(
	struct acl_backend *backend, pool_t pool ATTR_UNUSED,
	const struct lazy_expunge_compat_acl_methods *methods,
	struct lazy_expunge_compat_acl_methods *super_r)
{
	super_r->object_refresh_cache = backend->v.object_refresh_cache;
	super_r->object_list_next = backend->v.object_list_next;
	backend->v.object_refresh_cache = methods->object_refresh_cache;
	backend->v.object_list_next = methods->object_list_next;
}

/* What settings of 2.4 are in a location. */
static const struct {
	const char *name, *key;
} location_keys[] = {
	{ "mailbox_list_layout", "LAYOUT" },
	{ "mail_inbox_path", "INBOX" },
	{ "mail_index_path", "INDEX" },
	{ "mail_cache_path", "INDEXCACHE" },
	{ "mail_control_path", "CONTROL" },
	{ "mail_alt_path", "ALT" },
	{ "mailbox_root_directory_name", "MAILBOXDIR" },
	{ "mailbox_list_index_prefix", "LISTINDEX" },
	{ "mailbox_list_visible_escape_char", "BROKENCHAR" },
};

static void location_add(ARRAY_TYPE(const_string) *list, const char *name,
			 const char *value)
{
	if (value == NULL || *value == '\0')
		return;
	array_push_back(list, &name);
	array_push_back(list, &value);
}

static const char *location_char(char chr)
{
	return chr == '\0' ? NULL : t_strdup_printf("%c", chr);
}

const char *lazy_expunge_compat_attachment_dir(struct mail_namespace *ns)
{
	const char *dir =
		mail_namespace_get_default_storage(ns)->set->mail_attachment_dir;

	return dir == NULL || *dir == '\0' ? "" :
		mail_user_home_expand(ns->user, dir);
}

const char *lazy_expunge_compat_attachment_setting(struct mail_namespace *ns)
{
	const struct mail_storage_settings *set =
		mail_user_set_get_driver_settings(ns->user->set_info,
						  ns->user->unexpanded_set,
						  MAIL_STORAGE_SET_DRIVER_NAME);
	const char *dir = set->mail_attachment_dir;

	/* what comes from userdb is marked as expanded */
	return *dir == *SETTING_STRVAR_UNEXPANDED ? dir + 1 : NULL;
}

const char *const *
lazy_expunge_compat_list_location(struct mailbox_list *list)
{
	const struct mailbox_list_settings *set = &list->set;
	ARRAY_TYPE(const_string) location;
	const char *root = set->mailbox_dir_name;

	t_array_init(&location, 32);
	location_add(&location, "mail_driver",
		     mail_namespace_get_default_storage(list->ns)->name);
	location_add(&location, "mail_path", set->root_dir);
	location_add(&location, "mailbox_list_layout", list->name);
	location_add(&location, "mail_inbox_path", set->inbox_path);
	location_add(&location, "mail_index_path",
		     set->index_dir != NULL && *set->index_dir == '\0' ?
		     "MEMORY" : set->index_dir);
	location_add(&location, "mail_cache_path", set->index_cache_dir);
	location_add(&location, "mail_control_path", set->control_dir);
	location_add(&location, "mail_alt_path", set->alt_dir);
	location_add(&location, "mailbox_directory_name", set->maildir_name);
	location_add(&location, "mailbox_directory_name_legacy",
		     set->index_control_use_maildir_name ? "no" : "yes");
	/* it ends with a / here */
	location_add(&location, "mailbox_root_directory_name",
		     root == NULL || *root == '\0' ? NULL :
		     t_strndup(root, strlen(root) - 1));
	location_add(&location, "mailbox_list_index_prefix",
		     set->list_index_dir == NULL ? set->list_index_fname :
		     t_strconcat(set->list_index_dir, "/",
				 set->list_index_fname, NULL));
	location_add(&location, "mailbox_list_visible_escape_char",
		     location_char(set->vname_escape_char));
	location_add(&location, "mailbox_list_storage_escape_char",
		     location_char(set->storage_name_escape_char));
	location_add(&location, "mailbox_list_utf8", set->utf8 ? "yes" : "no");
	location_add(&location, "mail_ext_attachment_path",
		     lazy_expunge_compat_attachment_dir(list->ns));
	array_append_zero(&location);
	return array_front(&location);
}

static const char *
location_find(const char *const *settings, const char *name)
{
	for (; settings[0] != NULL; settings += 2) {
		if (strcmp(settings[0], name) == 0)
			return settings[1];
	}
	return "";
}

/* Returns NULL if it cannot be written so. */
static const char *location_write(const char *const *settings)
{
	string_t *str = t_str_new(256);
	const char *value;

	for (unsigned int i = 0; settings[i] != NULL; i += 2) {
		if (strchr(settings[i + 1], ':') != NULL)
			return NULL;
	}
	str_printfa(str, "%s:%s", location_find(settings, "mail_driver"),
		    location_find(settings, "mail_path"));
	for (unsigned int i = 0; i < N_ELEMENTS(location_keys); i++) {
		value = location_find(settings, location_keys[i].name);
		if (*value != '\0')
			str_printfa(str, ":%s=%s", location_keys[i].key, value);
	}
	value = location_find(settings, "mailbox_directory_name");
	if (*value != '\0') {
		str_printfa(str, ":%s=%s", strcmp(location_find(settings,
			"mailbox_directory_name_legacy"), "no") == 0 ?
			"FULLDIRNAME" : "DIRNAME", value);
	}
	if (strcmp(location_find(settings, "mailbox_list_utf8"), "yes") == 0)
		str_append(str, ":UTF-8");
	if (*location_find(settings, "mail_alt_path") != '\0')
		str_append(str, ":ALTNOCHECK");
	return str_c(str);
}

/* Dovecot has made it the one of the INBOX. */
static void namespace_set_plain(struct mail_namespace *ns,
				const char *const *settings)
{
	ns->flags &= ENUM_NEGATE(NAMESPACE_FLAG_INBOX_USER |
				 NAMESPACE_FLAG_INBOX_ANY);
	if (*location_find(settings, "mail_inbox_path") == '\0')
		ns->list->set.inbox_path = NULL;
}

/* As mail_storage_service_lookup_next() does it. */
static int user_at_lookup(struct mail_storage_service_ctx *service,
			  struct mail_user *like, const char *const *settings,
			  struct mail_storage_service_user **service_user_r,
			  struct mail_user **user_r, const char **error_r)
{
	const struct mail_storage_service_input input = {
		.module = "mail", .service = "doveadm",
		.username = like->username,
		.flags_override_add = MAIL_STORAGE_SERVICE_FLAG_NO_NAMESPACES |
			MAIL_STORAGE_SERVICE_FLAG_NO_RESTRICT_ACCESS,
	};
	const char *dir = location_find(settings, "mail_ext_attachment_path");
	int ret;

	ret = mail_storage_service_lookup(service, &input, service_user_r,
					  error_r);
	if (ret <= 0)
		return ret;
	/* it is no part of a location */
	if ((*dir != '\0' && mail_storage_service_user_set_setting(
			*service_user_r, "mail_attachment_dir", dir,
			error_r) <= 0) ||
	    mail_storage_service_next(service, *service_user_r, user_r,
				      error_r) < 0) {
		*error_r = t_strdup(*error_r);
		mail_storage_service_user_unref(service_user_r);
		return -1;
	}
	return 1;
}

int lazy_expunge_compat_user_at(struct mail_storage_service_ctx *service,
				struct mail_user *like, const char *home,
				const char *const *settings, bool inbox,
				struct mail_user **user_r,
				const char **error_r)
{
	struct mail_storage_service_user *service_user;
	const char *location = location_write(settings);
	int ret;

	if (location == NULL) {
		*error_r = "A path has a : in it";
		return -1;
	}
	mail_storage_service_io_deactivate_user(like->_service_user);
	ret = user_at_lookup(service, like, settings, &service_user, user_r,
			     error_r);
	if (ret > 0) {
		if (home != NULL)
			mail_user_set_home(*user_r, home);
		event_add_str((*user_r)->event,
			      LAZY_EXPUNGE_COMPAT_FIELD_USER_AT, "yes");
		if (mail_namespaces_init_location(*user_r, location,
						  error_r) < 0) {
			*error_r = t_strdup(*error_r);
			mail_user_deinit(user_r);
			ret = -1;
		} else {
			if (!inbox) {
				namespace_set_plain((*user_r)->namespaces,
						    settings);
			}
			mail_storage_service_io_deactivate_user(service_user);
		}
		mail_storage_service_user_unref(&service_user);
	} else if (ret == 0) {
		*error_r = "userdb does not know the user any more";
	}
	mail_storage_service_io_activate_user(like->_service_user);
	return ret > 0 ? 0 : -1;
}
