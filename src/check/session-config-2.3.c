/* Configuration of sessions of Dovecot 2.3: doveconf tells that of the files, and
   the config process that of what runs. */

#include "lazy-expunge-config.h"
#include "lib.h"
#include "array.h"
#include "istream.h"
#include "net.h"
#include "write-full.h"
#include "check/doveconf.h"
#include "check/session-config-2.3.h"

#include <unistd.h>

#define CONFIG_TIMEOUT_SECS 10
/* settings of plugin { } that are ours */
#define PLUGIN_PREFIX "lazy_expunge"

const char *const lazy_expunge_session_retention_settings[] = {
	"autoexpunge", "autoexpunge_max_mails", NULL
};

static void config_add(struct lazy_expunge_session_config *config, pool_t pool,
		       const char *key, const char *value)
{
	key = p_strdup(pool, key);
	value = p_strdup(pool, value);
	array_push_back(&config->settings, &key);
	array_push_back(&config->settings, &value);
}

const char *
lazy_expunge_session_config_get(const struct lazy_expunge_session_config *config,
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

bool lazy_expunge_session_setting_is_ours(const char *key)
{
	return strncasecmp(key, PLUGIN_PREFIX, strlen(PLUGIN_PREFIX)) == 0;
}

bool lazy_expunge_session_setting_is_in_block(const char *key)
{
	const char *const *parts = t_strsplit(key, "/");

	return str_array_length(parts) == 5 &&
		strcmp(parts[0], "namespace") == 0 &&
		strcmp(parts[2], "mailbox") == 0 &&
		(str_array_find(lazy_expunge_session_retention_settings,
				parts[4]) ||
		 strcmp(parts[4], LAZY_EXPUNGE_SESSION_BLOCK_NAME) == 0);
}

/* doveconf's output of plugin { } */
static void
config_add_plugin_block(struct lazy_expunge_session_config *config,
			pool_t pool, const char *text)
{
	const char *const *lines, *p;

	for (lines = t_strsplit(text, "\n"); *lines != NULL; lines++) {
		p = *lines;
		while (*p == ' ')
			p++;
		if (lazy_expunge_session_setting_is_ours(p) &&
		    strstr(p, " = ") != NULL) {
			config_add(config, pool,
				   t_strdup_until(p, strstr(p, " = ")),
				   strstr(p, " = ") + 3);
		}
	}
}

static int
config_read_files(struct lazy_expunge_session_config *config, pool_t pool,
		  const char *config_path, const char **error_r)
{
	const char *filter = t_strconcat("service=", config->protocol, NULL);
	/* -x: what is in a file is what counts */
	const char *const plugins[] = {
		"-x", "-h", "-f", filter, LAZY_EXPUNGE_SESSION_PLUGINS, NULL
	};
	const char *const block[] = { "-x", "-f", filter, "plugin", NULL };
	const char *text;

	text = lazy_expunge_doveconf(config_path, plugins);
	if (text != NULL) {
		config_add(config, pool, LAZY_EXPUNGE_SESSION_PLUGINS, text);
		text = lazy_expunge_doveconf(config_path, block);
	}
	if (text == NULL) {
		*error_r = LE_DOVECONF" does not tell the configuration";
		return -1;
	}
	config_add_plugin_block(config, pool, text);
	return 0;
}

/* Is it a setting that counts? Those of plugin { } lose what is before them. */
static bool key_is_read(const char **key)
{
	if (str_begins(*key, "plugin/")) {
		*key += strlen("plugin/");
		return lazy_expunge_session_setting_is_ours(*key);
	}
	return strcmp(*key, LAZY_EXPUNGE_SESSION_PLUGINS) == 0 ||
		lazy_expunge_session_setting_is_in_block(*key);
}

/* The reply of the config process: a line of what it is, then key=value, and an
   empty line. */
static int config_read_reply(struct lazy_expunge_session_config *config,
			     pool_t pool, int fd)
{
	struct istream *input = i_stream_create_fd(fd, SIZE_MAX);
	const char *line, *key, *value;
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
		key = t_strdup_until(line, value);
		if (key_is_read(&key))
			config_add(config, pool, key, value + 1);
	}
	i_stream_unref(&input);
	return ret;
}

static int
config_read_running(struct lazy_expunge_session_config *config, pool_t pool,
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

int lazy_expunge_session_config_read(struct lazy_expunge_session_config *config,
				     pool_t pool, const char *config_path,
				     const char *socket_path,
				     const char **error_r)
{
	int ret;

	p_array_init(&config->settings, pool, 16);
	T_BEGIN {
		ret = socket_path == NULL ?
			config_read_files(config, pool, config_path, error_r) :
			config_read_running(config, pool, socket_path,
					    error_r);
	} T_END_PASS_STR_IF(ret < 0, error_r);
	return ret;
}
