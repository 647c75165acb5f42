/* Sessions of Dovecot 2.3: what a protocol's configuration has otherwise than
   doveadm's is laid over the user as if it came from the userdb, whose own
   fields go before it. */

#include "lazy-expunge-config.h"
#include "lib.h"
#include "array.h"
#include "auth-master.h"
#include "env-util.h"
#include "ioloop.h"
#include "istream.h"
#include "module-dir.h"
#include "net.h"
#include "settings-parser.h"
#include "str.h"
#include "var-expand.h"
#include "write-full.h"
#include "mail-namespace.h"
#include "mail-storage-settings.h"
#include "mail-user.h"
#include "mail-storage-service.h"
#include "compat/dovecot.h"
#include "check/doveconf.h"
#include "check/sessions.h"

#include <stdlib.h>
#include <unistd.h>

#define CONFIG_TIMEOUT_SECS 10
/* settings of plugin { } that are ours */
#define PLUGIN_PREFIX "lazy_expunge"
#define PLUGINS_KEY "mail_plugins"

struct session_config {
	struct session_config *next;
	const char *protocol;
	/* key, value, key, ... : mail_plugins, ours of plugin { }, and of what
	   runs the retention in mailbox blocks */
	ARRAY_TYPE(const_string) settings;
};

struct lazy_expunge_sessions {
	pool_t pool;
	struct session_config *configs;
	/* doveadm, which reads the files, has other mailbox blocks than what
	   runs */
	bool running;
	/* of the last user */
	bool lacks_acl;
};

static const char *const retention_settings[] = {
	"autoexpunge", "autoexpunge_max_mails", NULL
};

#define BLOCK_NAME_SETTING "name"

/* What a session has is asked for before the process becomes a user. */
static const char *const protocols[] = {
	"imap", "pop3", "lmtp", "lda", "doveadm"
};

static void config_add(struct session_config *config, pool_t pool,
		       const char *key, const char *value)
{
	key = p_strdup(pool, key);
	value = p_strdup(pool, value);
	array_push_back(&config->settings, &key);
	array_push_back(&config->settings, &value);
}

static const char *config_get(const struct session_config *config,
			      const char *key)
{
	const char *const *settings;
	unsigned int count;

	settings = array_get(&config->settings, &count);
	for (unsigned int i = 0; i < count; i += 2) {
		if (strcmp(settings[i], key) == 0)
			return settings[i + 1];
	}
	return NULL;
}

static bool is_ours(const char *key)
{
	return strncasecmp(key, PLUGIN_PREFIX, strlen(PLUGIN_PREFIX)) == 0;
}

/* namespace/NAMESPACE/mailbox/MAILBOX/SETTING, names are escaped */
static bool is_in_block(const char *key)
{
	const char *const *parts = t_strsplit(key, "/");

	return str_array_length(parts) == 5 &&
		strcmp(parts[0], "namespace") == 0 &&
		strcmp(parts[2], "mailbox") == 0 &&
		(str_array_find(retention_settings, parts[4]) ||
		 strcmp(parts[4], BLOCK_NAME_SETTING) == 0);
}

/* doveconf's output of plugin { } */
static void config_add_plugin_block(struct session_config *config, pool_t pool,
				    const char *text)
{
	const char *const *lines, *p;

	for (lines = t_strsplit(text, "\n"); *lines != NULL; lines++) {
		p = *lines;
		while (*p == ' ')
			p++;
		if (is_ours(p) && strstr(p, " = ") != NULL) {
			config_add(config, pool,
				   t_strdup_until(p, strstr(p, " = ")),
				   strstr(p, " = ") + 3);
		}
	}
}

static int config_read_files(struct session_config *config, pool_t pool,
			     const char *config_path, const char **error_r)
{
	const char *filter = t_strconcat("service=", config->protocol, NULL);
	/* -x: what is in a file is what counts */
	const char *const plugins[] = {
		"-x", "-h", "-f", filter, PLUGINS_KEY, NULL
	};
	const char *const block[] = { "-x", "-f", filter, "plugin", NULL };
	const char *text;

	text = lazy_expunge_doveconf(config_path, plugins);
	if (text != NULL) {
		config_add(config, pool, PLUGINS_KEY, text);
		text = lazy_expunge_doveconf(config_path, block);
	}
	if (text == NULL) {
		*error_r = LE_DOVECONF" does not tell the configuration";
		return -1;
	}
	config_add_plugin_block(config, pool, text);
	return 0;
}

/* The reply of the config process: a line of what it is, then key=value, and an
   empty line. */
static int config_read_reply(struct session_config *config, pool_t pool,
			     int fd)
{
	struct istream *input = i_stream_create_fd(fd, SIZE_MAX);
	const char *line, *value;
	bool header = TRUE;
	int ret = -1;

	while ((line = i_stream_read_next_line(input)) != NULL) {
		if (header) {
			header = FALSE;
			continue;
		}
		if (*line == '\0') {
			ret = 0;
			break;
		}
		value = strchr(line, '=');
		if (value == NULL)
			continue;
		if (str_begins(line, PLUGINS_KEY"="))
			config_add(config, pool, PLUGINS_KEY, value + 1);
		else if (is_in_block(t_strdup_until(line, value))) {
			config_add(config, pool, t_strdup_until(line, value),
				   value + 1);
		}
		else if (str_begins(line, "plugin/") && is_ours(line + 7)) {
			config_add(config, pool,
				   t_strdup_until(line + 7, value), value + 1);
		}
	}
	i_stream_unref(&input);
	return ret;
}

static int config_read_running(struct session_config *config, pool_t pool,
			       const char *path, const char **error_r)
{
	const char *request = t_strdup_printf("VERSION\tconfig\t2\t0\n"
		"REQ\tmodule=mail\tservice=%s\n", config->protocol);
	int fd, ret;

	*error_r = NULL;
	fd = net_connect_unix(path);
	if (fd == -1)
		return -1;
	net_set_nonblock(fd, FALSE);
	alarm(CONFIG_TIMEOUT_SECS);
	ret = write_full(fd, request, strlen(request));
	if (ret == 0)
		ret = config_read_reply(config, pool, fd);
	alarm(0);
	i_close_fd(&fd);
	if (ret < 0) {
		*error_r = t_strdup_printf("%s does not tell the "
					   "configuration", path);
	}
	return ret;
}

struct lazy_expunge_sessions *
lazy_expunge_sessions_read(const char *config_path,
			   enum lazy_expunge_sessions_source source,
			   pool_t pool, const char **error_r)
{
	struct lazy_expunge_sessions *sessions;
	struct session_config *config;
	const char *path = NULL;
	int ret;

	*error_r = NULL;
	if (source == LAZY_EXPUNGE_SESSIONS_RUNNING &&
	    (path = lazy_expunge_doveconf_config_socket(config_path)) == NULL)
		return NULL;
	sessions = p_new(pool, struct lazy_expunge_sessions, 1);
	sessions->pool = pool;
	sessions->running = path != NULL;
	for (unsigned int i = 0; i < N_ELEMENTS(protocols); i++) {
		config = p_new(pool, struct session_config, 1);
		config->protocol = protocols[i];
		p_array_init(&config->settings, pool, 16);
		T_BEGIN {
			ret = path == NULL ?
				config_read_files(config, pool, config_path,
						  error_r) :
				config_read_running(config, pool, path,
						    error_r);
		} T_END_PASS_STR_IF(ret < 0, error_r);
		if (ret < 0)
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

static const struct session_config *
sessions_find(struct lazy_expunge_sessions *sessions, const char *protocol)
{
	const struct session_config *config;

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
	field = t_strdup_printf("%s%s=%s", is_ours(key) ? "plugin/" : "",
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
		if (strcmp(*names, PLUGIN_PREFIX) == 0 ||
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
			      const struct session_config *doveadm,
			      const char *const *known_namespaces,
			      const char *const *known_blocks,
			      const char **error_r)
{
	const char *const *settings, *block, *list, *name, *field;
	unsigned int count;

	settings = array_get(&doveadm->settings, &count);
	for (unsigned int i = 0; i < count; i += 2) {
		if (!is_in_block(settings[i]))
			continue;
		block = t_strdup_until(settings[i], strrchr(settings[i], '/'));
		list = t_strdup_until(block, strrchr(block, '/'));
		name = config_get(doveadm, t_strconcat(block,
					"/"BLOCK_NAME_SETTING, NULL));
		if (name == NULL || !str_array_find(known_namespaces, list) ||
		    str_array_find(known_blocks, block))
			continue;
		if (strcmp(strrchr(settings[i], '/') + 1,
			   BLOCK_NAME_SETTING) == 0) {
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
			  const struct session_config *doveadm,
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
			for (name = retention_settings; *name != NULL; name++) {
				key = t_strconcat(path, "/", *name, NULL);
				value = config_get(doveadm, key);
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
		   const struct session_config *config, struct mail_user *like,
		   bool *lacks_acl_r, const char **error_r)
{
	const char *const *settings, *plugins;
	unsigned int count;

	/* it is not told when it is empty */
	plugins = config_get(config, PLUGINS_KEY);
	plugins = plugins_of_this_process(plugins == NULL ? "" : plugins,
					  lacks_acl_r);
	if (overlay_add(fields, ctx, input, userdb_fields, PLUGINS_KEY,
			plugins, error_r) < 0)
		return -1;
	settings = array_get(&config->settings, &count);
	for (unsigned int i = 0; i < count; i += 2) {
		if (is_ours(settings[i]) &&
		    overlay_add(fields, ctx, input, userdb_fields, settings[i],
				settings[i + 1], error_r) < 0)
			return -1;
	}
	if (!array_is_created(&like->set->plugin_envs))
		return 0;
	settings = array_get(&like->set->plugin_envs, &count);
	for (unsigned int i = 0; i < count; i += 2) {
		if (is_ours(settings[i]) &&
		    config_get(config, settings[i]) == NULL &&
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
