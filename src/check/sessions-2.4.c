/* Sessions of Dovecot 2.4: settings are read from one binary configuration, of
   which each process takes what is for its protocol. */

#include "lazy-expunge-config.h"
#include "lib.h"
#include "fdpass.h"
#include "array.h"
#include "ioloop.h"
#include "module-dir.h"
#include "net.h"
#include "settings.h"
#include "str.h"
#include "write-full.h"
#include "mail-user.h"
#include "mail-storage-service.h"
#include "check/doveconf.h"
#include "check/sessions.h"

#include <stdio.h>
#include <unistd.h>

#define CONFIG_REQUEST "VERSION\tconfig\t3\t0\nREQ\n"
#define CONFIG_TIMEOUT_SECS 10
#define PLUGIN_NAME "lazy_expunge"

struct session_root {
	struct session_root *next;
	const char *protocol;
	struct settings_root *root;
};

struct lazy_expunge_sessions {
	pool_t pool;
	int fd;
	struct session_root *roots;
	/* of the last user */
	bool lacks_acl;
};

/* A file without a name that has the output of doveconf -F. */
static int config_fd_of_files(const char *config_path, const char **error_r)
{
	static const char *const args[] = {
		"-F", "/bin/sh", "-c",
		"exec cat /proc/self/fd/$DOVECOT_CONFIG_FD", NULL
	};
	FILE *file = tmpfile();
	int fd = -1;

	if (file == NULL) {
		*error_r = t_strdup_printf("tmpfile() failed: %m");
		return -1;
	}
	if (lazy_expunge_doveconf_to_fd(config_path, args, fileno(file)) < 0)
		*error_r = LE_DOVECONF" does not tell the configuration";
	else if ((fd = dup(fileno(file))) == -1)
		*error_r = t_strdup_printf("dup() failed: %m");
	(void)fclose(file);
	return fd;
}

static int config_fd_of_running(const char *config_path, const char **error_r)
{
	const char *path = lazy_expunge_doveconf_config_socket(config_path);
	char reply[1024];
	int fd, config_fd = -1;
	ssize_t ret;

	*error_r = NULL;
	if (path == NULL || (fd = net_connect_unix(path)) == -1)
		return -1;
	net_set_nonblock(fd, FALSE);
	alarm(CONFIG_TIMEOUT_SECS);
	ret = write_full(fd, CONFIG_REQUEST, strlen(CONFIG_REQUEST));
	if (ret == 0)
		ret = fd_read(fd, reply, sizeof(reply) - 1, &config_fd);
	alarm(0);
	if (ret <= 0 || config_fd == -1) {
		*error_r = t_strdup_printf("%s does not tell the "
					   "configuration", path);
	}
	i_close_fd(&fd);
	return config_fd;
}

struct lazy_expunge_sessions *
lazy_expunge_sessions_read(const char *config_path,
			   enum lazy_expunge_sessions_source source,
			   pool_t pool, const char **error_r)
{
	struct lazy_expunge_sessions *sessions;
	int fd;

	fd = source == LAZY_EXPUNGE_SESSIONS_FILES ?
		config_fd_of_files(config_path, error_r) :
		config_fd_of_running(config_path, error_r);
	if (fd == -1)
		return NULL;
	sessions = p_new(pool, struct lazy_expunge_sessions, 1);
	sessions->pool = pool;
	sessions->fd = fd;
	return sessions;
}

void lazy_expunge_sessions_free(struct lazy_expunge_sessions **_sessions)
{
	struct lazy_expunge_sessions *sessions = *_sessions;
	struct session_root *root;

	if (sessions == NULL)
		return;
	*_sessions = NULL;
	for (root = sessions->roots; root != NULL; root = root->next)
		settings_root_deinit(&root->root);
	i_close_fd(&sessions->fd);
}

static struct settings_root *
sessions_get_root(struct lazy_expunge_sessions *sessions, const char *protocol,
		  const char **error_r)
{
	struct session_root *root;
	const char *const *protocols;

	for (root = sessions->roots; root != NULL; root = root->next) {
		if (strcmp(root->protocol, protocol) == 0)
			return root->root;
	}
	root = p_new(sessions->pool, struct session_root, 1);
	root->protocol = p_strdup(sessions->pool, protocol);
	root->root = settings_root_init();
	if (settings_read(root->root, sessions->fd, "configuration", protocol,
			  protocol, 0, &protocols, error_r) < 0) {
		settings_root_deinit(&root->root);
		return NULL;
	}
	root->next = sessions->roots;
	sessions->roots = root;
	return root->root;
}

/* Plugins that this process has not are of no use to it, and those of another
   program cannot be loaded. Ours can. */
static int
plugins_of_this_process(struct settings_instance *instance,
			const char *protocol, bool *lacks_acl_r,
			const char **error_r)
{
	struct event *event = event_create(NULL);
	const struct mail_user_settings *set;
	const char *name;
	int ret;

	*lacks_acl_r = FALSE;
	event_set_ptr(event, SETTINGS_EVENT_INSTANCE, instance);
	event_add_str(event, "protocol", protocol);
	ret = settings_get(event, &mail_user_setting_parser_info,
			   SETTINGS_GET_FLAG_NO_EXPAND, &set, error_r);
	event_unref(&event);
	if (ret < 0)
		return -1;
	/* "*": within the filters of protocols, too */
	if (array_is_created(&set->mail_plugins)) {
		array_foreach_elem(&set->mail_plugins, name) {
			if (strcmp(name, PLUGIN_NAME) == 0 ||
			    module_dir_find(mail_storage_service_modules,
					    name) != NULL)
				continue;
			if (strcmp(name, "acl") == 0)
				*lacks_acl_r = TRUE;
			settings_override(instance, t_strconcat(
				"*/mail_plugins/", name, NULL), "no",
				SETTINGS_OVERRIDE_TYPE_CODE);
		}
	}
	settings_free(set);
	return 0;
}

int lazy_expunge_sessions_user(struct lazy_expunge_sessions *sessions,
			       const char *protocol, struct mail_user *like,
			       struct mail_user **user_r, const char **error_r)
{
	struct ioloop_context *loop_ctx =
		io_loop_get_current_context(current_ioloop);
	struct mail_storage_service_input input =
		*mail_storage_service_user_get_input(like->service_user);
	struct settings_root *root;
	struct settings_instance *instance;
	int ret;

	root = sessions_get_root(sessions, protocol, error_r);
	if (root == NULL)
		return -1;
	instance = settings_instance_new(root);
	if (plugins_of_this_process(instance, protocol, &sessions->lacks_acl,
				    error_r) < 0) {
		settings_instance_free(&instance);
		return -1;
	}
	input.service = input.protocol = protocol;
	input.username = like->username;
	input.session_id = NULL;
	input.userdb_fields = NULL;
	input.set_instance = instance;
	ret = mail_storage_service_lookup_next(
		mail_storage_service_user_get_service_ctx(like->service_user),
		&input, user_r, error_r);
	settings_instance_free(&instance);
	if (loop_ctx != NULL)
		io_loop_context_switch(loop_ctx);
	if (ret == 0)
		*error_r = "Unknown user";
	return ret > 0 ? 0 : -1;
}

bool lazy_expunge_sessions_lack_acl(const struct lazy_expunge_sessions *sessions)
{
	return sessions->lacks_acl;
}

void lazy_expunge_sessions_user_free(struct mail_user **user)
{
	mail_user_deinit(user);
}
