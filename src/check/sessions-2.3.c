/* Sessions of Dovecot 2.3: what a protocol's configuration has otherwise than
   doveadm's is laid over the user as if it came from the userdb, whose own
   fields go before it. */

#include "lib.h"
#include "array.h"
#include "auth-master.h"
#include "env-util.h"
#include "ioloop.h"
#include "module-dir.h"
#include "settings-parser.h"
#include "str.h"
#include "var-expand.h"
#include "mail-namespace.h"
#include "mail-storage-settings.h"
#include "mail-user.h"
#include "mail-storage-service.h"
#include "compat/dovecot.h"
#include "check/doveconf.h"
#include "check/session-config-2.3.h"
#include "check/sessions.h"

#include <stdlib.h>
#include <unistd.h>

struct lazy_expunge_sessions {
	pool_t pool;
	struct lazy_expunge_session_config *configs;
	/* doveadm, which reads the files, has other mailbox blocks than what
	   runs */
	bool running;
	/* of the last user */
	bool lacks_acl;
};

/* What a session has is asked for before the process becomes a user. */
static const char *const protocols[] = {
	"imap", "pop3", "lmtp", "lda", "doveadm"
};

struct lazy_expunge_sessions *
lazy_expunge_sessions_read(const char *config_path,
			   enum lazy_expunge_sessions_source source,
			   pool_t pool, const char **error_r)
{
	struct lazy_expunge_sessions *sessions;
	struct lazy_expunge_session_config *config;
	const char *path = NULL;

	*error_r = NULL;
	if (source == LAZY_EXPUNGE_SESSIONS_RUNNING &&
	    (path = lazy_expunge_doveconf_config_socket(config_path)) == NULL)
		return NULL;
	sessions = p_new(pool, struct lazy_expunge_sessions, 1);
	sessions->pool = pool;
	sessions->running = path != NULL;
	for (unsigned int i = 0; i < N_ELEMENTS(protocols); i++) {
		config = p_new(pool, struct lazy_expunge_session_config, 1);
		config->protocol = protocols[i];
		if (lazy_expunge_session_config_read(config, pool, config_path,
						     path, error_r) < 0)
			return NULL;
		config->next = sessions->configs;
		sessions->configs = config;
	}
	return sessions;
}

void lazy_expunge_sessions_free(struct lazy_expunge_sessions **sessions)
{
	/* it lives in the pool */
	*sessions = NULL;
}

static const struct lazy_expunge_session_config *
sessions_find(struct lazy_expunge_sessions *sessions, const char *protocol)
{
	const struct lazy_expunge_session_config *config;

	for (config = sessions->configs; config != NULL;
	     config = config->next) {
		if (strcmp(config->protocol, protocol) == 0)
			break;
	}
	return config;
}

static bool userdb_sets(const char *const *fields, const char *key)
{
	const char *name;

	for (; *fields != NULL; fields++) {
		name = t_strcut(*fields, '=');
		if (str_begins(name, "plugin/"))
			name += 7;
		if (strcmp(name, key) == 0)
			return TRUE;
	}
	return FALSE;
}

/* Userdb fields are taken as they are. */
static int expand(struct mail_storage_service_ctx *ctx,
		  struct mail_storage_service_input *input, const char *value,
		  const char **value_r, const char **error_r)
{
	string_t *str;

	*value_r = value;
	if (strchr(value, '%') == NULL)
		return 0;
	str = t_str_new(64);
	if (var_expand(str, value,
		       mail_storage_service_get_var_expand_table(ctx, input),
		       error_r) < 0)
		return -1;
	*value_r = str_c(str);
	return 0;
}

static int overlay_add(ARRAY_TYPE(const_string) *fields,
		       struct mail_storage_service_ctx *ctx,
		       struct mail_storage_service_input *input,
		       const char *const *userdb_fields, const char *key,
		       const char *value, const char **error_r)
{
	const char *field;

	if (userdb_sets(userdb_fields, key))
		return 0;
	if (expand(ctx, input, value, &value, error_r) < 0)
		return -1;
	field = t_strdup_printf("%s%s=%s",
		lazy_expunge_session_setting_is_ours(key) ? "plugin/" : "",
		key, value);
	array_push_back(fields, &field);
	return 0;
}

/* Plugins that this process has not are of no use to it, and those of another
   program cannot be loaded. Ours can. */
static const char *
plugins_of_this_process(const char *plugins, bool *lacks_acl_r)
{
	string_t *str = t_str_new(64);
	const char *const *names;

	*lacks_acl_r = FALSE;
	for (names = t_strsplit_spaces(plugins, ", \r\n"); *names != NULL;
	     names++) {
		if (strcmp(*names, "lazy_expunge") == 0 ||
		    module_dir_find(mail_storage_service_modules, *names) !=
		    NULL)
			str_printfa(str, "%s ", *names);
		else if (strcmp(*names, "acl") == 0)
			*lacks_acl_r = TRUE;
	}
	return str_c(str);
}

/* Mailbox blocks that only what runs has. known: the beginnings of the keys of the
   others, and of the namespaces. */
static int overlay_new_blocks(ARRAY_TYPE(const_string) *fields,
			      struct mail_storage_service_ctx *ctx,
			      struct mail_storage_service_input *input,
			      const char *const *userdb_fields,
			      const struct lazy_expunge_session_config *doveadm,
			      const char *const *known_namespaces,
			      const char *const *known_blocks,
			      const char **error_r)
{
	const char *const *settings, *block, *list, *name, *field;
	unsigned int count;

	settings = array_get(&doveadm->settings, &count);
	for (unsigned int i = 0; i < count; i += 2) {
		if (!lazy_expunge_session_setting_is_in_block(settings[i]))
			continue;
		block = t_strdup_until(settings[i], strrchr(settings[i], '/'));
		list = t_strdup_until(block, strrchr(block, '/'));
		name = lazy_expunge_session_config_get(doveadm, t_strconcat(block,
					"/"LAZY_EXPUNGE_SESSION_BLOCK_NAME, NULL));
		if (name == NULL || !str_array_find(known_namespaces, list) ||
		    str_array_find(known_blocks, block))
			continue;
		if (strcmp(strrchr(settings[i], '/') + 1,
			   LAZY_EXPUNGE_SESSION_BLOCK_NAME) == 0) {
			field = t_strdup_printf("%s=%s", list,
						strrchr(block, '/') + 1);
			array_push_back(fields, &field);
		}
		if (overlay_add(fields, ctx, input, userdb_fields, settings[i],
				settings[i + 1], error_r) < 0)
			return -1;
	}
	return 0;
}

/* The retention in the mailbox blocks of doveadm, as what runs has it. */
static int overlay_blocks(ARRAY_TYPE(const_string) *fields,
			  struct mail_storage_service_ctx *ctx,
			  struct mail_storage_service_input *input,
			  const char *const *userdb_fields,
			  const struct lazy_expunge_session_config *doveadm,
			  struct mail_user *like, const char **error_r)
{
	const struct mailbox_settings *block;
	ARRAY_TYPE(const_string) known_namespaces, known_blocks;
	struct mail_namespace *ns;
	const char *list, *path, *key, *value, *const *name;

	t_array_init(&known_namespaces, 4);
	t_array_init(&known_blocks, 16);
	for (ns = like->namespaces; ns != NULL; ns = ns->next) {
		/* no setting can be given to one without a name */
		if (ns->set->name == NULL || *ns->set->name == '\0')
			continue;
		list = t_strdup_printf("namespace/%s/mailbox",
				       settings_section_escape(ns->set->name));
		array_push_back(&known_namespaces, &list);
		for (unsigned int i = 0; (block =
		     lazy_expunge_compat_mailbox_settings(ns, i)) != NULL;
		     i++) {
			path = t_strdup_printf("%s/%s", list,
				settings_section_escape(block->name));
			array_push_back(&known_blocks, &path);
			name = lazy_expunge_session_retention_settings;
			for (; *name != NULL; name++) {
				key = t_strconcat(path, "/", *name, NULL);
				value = lazy_expunge_session_config_get(doveadm,
									key);
				if (overlay_add(fields, ctx, input,
						userdb_fields, key,
						value == NULL ? "0" : value,
						error_r) < 0)
					return -1;
			}
		}
	}
	array_append_zero(&known_namespaces);
	array_append_zero(&known_blocks);
	return overlay_new_blocks(fields, ctx, input, userdb_fields, doveadm,
				  array_front(&known_namespaces),
				  array_front(&known_blocks), error_r);
}

/* What doveadm has and the protocol has not is empty, which is as none. doveadm
   gets its settings from the environment, and so those of all cases by the name
   in lower case. Sessions know names as they are written. */
static int overlay(ARRAY_TYPE(const_string) *fields,
		   struct mail_storage_service_ctx *ctx,
		   struct mail_storage_service_input *input,
		   const char *const *userdb_fields,
		   const struct lazy_expunge_session_config *config,
		   struct mail_user *like, bool *lacks_acl_r,
		   const char **error_r)
{
	const char *const *settings, *plugins;
	unsigned int count;

	/* it is not told when it is empty */
	plugins = lazy_expunge_session_config_get(config,
						  LAZY_EXPUNGE_SESSION_PLUGINS);
	plugins = plugins_of_this_process(plugins == NULL ? "" : plugins,
					  lacks_acl_r);
	if (overlay_add(fields, ctx, input, userdb_fields,
			LAZY_EXPUNGE_SESSION_PLUGINS, plugins, error_r) < 0)
		return -1;
	settings = array_get(&config->settings, &count);
	for (unsigned int i = 0; i < count; i += 2) {
		if (lazy_expunge_session_setting_is_ours(settings[i]) &&
		    overlay_add(fields, ctx, input, userdb_fields, settings[i],
				settings[i + 1], error_r) < 0)
			return -1;
	}
	if (!array_is_created(&like->set->plugin_envs))
		return 0;
	settings = array_get(&like->set->plugin_envs, &count);
	for (unsigned int i = 0; i < count; i += 2) {
		if (lazy_expunge_session_setting_is_ours(settings[i]) &&
		    lazy_expunge_session_config_get(config, settings[i]) == NULL &&
		    overlay_add(fields, ctx, input, userdb_fields, settings[i],
				"", error_r) < 0)
			return -1;
	}
	return 0;
}

/* Without a userdb lookup of its own the service takes $HOME for the home. */
static int lookup_without_home(struct mail_storage_service_ctx *ctx,
			       struct mail_storage_service_input *input,
			       struct mail_storage_service_user **user_r,
			       struct mail_user **mail_user_r,
			       const char **error_r)
{
	const char *home = t_strdup(getenv("HOME"));
	int ret;

	env_remove("HOME");
	ret = mail_storage_service_lookup_next(ctx, input, user_r, mail_user_r,
					       error_r);
	if (home != NULL)
		env_put("HOME", home);
	return ret;
}

static int sessions_lookup(struct lazy_expunge_sessions *sessions,
			   const char *protocol, struct mail_user *like,
			   struct mail_storage_service_ctx *ctx,
			   struct mail_storage_service_input *input, pool_t pool,
			   struct mail_storage_service_user **user_r,
			   struct mail_user **mail_user_r, const char **error_r)
{
	const struct auth_user_info info = {
		.service = protocol,
		.local_ip = input->local_ip,
		.remote_ip = input->remote_ip,
	};
	const char *const *userdb_fields, *username;
	ARRAY_TYPE(const_string) fields;
	int ret;

	ret = auth_master_user_lookup(mail_storage_service_get_auth_conn(ctx),
				      input->username, &info, pool, &username,
				      &userdb_fields);
	if (ret <= 0) {
		*error_r = ret == 0 ? "Unknown user" :
			t_strdup_printf("userdb lookup failed: %s",
					*userdb_fields == NULL ? "" :
					*userdb_fields);
		return -1;
	}
	input->username = username;
	t_array_init(&fields, 32);
	if (sessions->running &&
	    overlay_blocks(&fields, ctx, input, userdb_fields,
			   sessions_find(sessions, "doveadm"), like,
			   error_r) < 0)
		return -1;
	if (overlay(&fields, ctx, input, userdb_fields,
		    sessions_find(sessions, protocol), like,
		    &sessions->lacks_acl, error_r) < 0)
		return -1;
	for (; *userdb_fields != NULL; userdb_fields++)
		array_push_back(&fields, userdb_fields);
	array_append_zero(&fields);
	input->userdb_fields = array_front(&fields);
	input->flags_override_remove |= MAIL_STORAGE_SERVICE_FLAG_USERDB_LOOKUP;
	ret = lookup_without_home(ctx, input, user_r, mail_user_r, error_r);
	return ret > 0 ? 0 : -1;
}

int lazy_expunge_sessions_user(struct lazy_expunge_sessions *sessions,
			       const char *protocol, struct mail_user *like,
			       struct mail_user **user_r, const char **error_r)
{
	struct ioloop_context *loop_ctx =
		io_loop_get_current_context(current_ioloop);
	struct mail_storage_service_input input =
		*mail_storage_service_user_get_input(like->_service_user);
	struct mail_storage_service_user *service_user;
	pool_t pool;
	int ret;

	pool = pool_alloconly_create("lazy_expunge userdb fields", 1024);
	input.session_id = NULL;
	input.username = like->username;
	ret = sessions_lookup(sessions, protocol, like,
		mail_storage_service_user_get_service_ctx(like->_service_user),
		&input, pool, &service_user, user_r, error_r);
	*error_r = t_strdup(*error_r);
	pool_unref(&pool);
	/* the user holds it */
	if (ret == 0)
		mail_storage_service_user_unref(&service_user);
	if (loop_ctx != NULL)
		io_loop_context_switch(loop_ctx);
	return ret;
}

bool lazy_expunge_sessions_lack_acl(const struct lazy_expunge_sessions *sessions)
{
	return sessions->lacks_acl;
}

void lazy_expunge_sessions_user_free(struct mail_user **user)
{
	mail_user_deinit(user);
}
