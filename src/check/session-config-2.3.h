#ifndef LAZY_EXPUNGE_SESSION_CONFIG_2_3_H
#define LAZY_EXPUNGE_SESSION_CONFIG_2_3_H

/* What a protocol's configuration has of the settings that count for the plugin:
   mail_plugins, ours of plugin { } (without "plugin/"), and of what runs the
   retention in mailbox blocks. */

#include "lib.h"
#include "array.h"

#define LAZY_EXPUNGE_SESSION_PLUGINS "mail_plugins"
/* the one in a mailbox block that is no retention */
#define LAZY_EXPUNGE_SESSION_BLOCK_NAME "name"

struct lazy_expunge_session_config {
	struct lazy_expunge_session_config *next;
	const char *protocol;
	/* key, value, key, ... */
	ARRAY_TYPE(const_string) settings;
};

/* Those of a mailbox block. Ends with NULL. */
extern const char *const lazy_expunge_session_retention_settings[];

/* Read the protocol's, from the config process behind the socket, or with
   socket_path = NULL from the files. Allocated from the pool. Returns 0, or -1
   and the error (data stack): NULL if nobody answers. */
int lazy_expunge_session_config_read(struct lazy_expunge_session_config *config,
				     pool_t pool, const char *config_path,
				     const char *socket_path,
				     const char **error_r);
/* NULL if it has none. */
const char *
lazy_expunge_session_config_get(const struct lazy_expunge_session_config *config,
				const char *key);

/* Is it one of plugin { } that is ours? */
bool lazy_expunge_session_setting_is_ours(const char *key);
/* Is it namespace/NAMESPACE/mailbox/MAILBOX/SETTING, with names escaped, of a
   setting that is read? */
bool lazy_expunge_session_setting_is_in_block(const char *key);

#endif
