#ifndef LAZY_EXPUNGE_COMPAT_DOVEADM_H
#define LAZY_EXPUNGE_COMPAT_DOVEADM_H

/* What differs between versions for doveadm mail commands. */

#include "lazy-expunge-config.h"
#include "doveadm-mail.h"
#include "doveadm-settings.h"
#include "master-interface.h"

#ifdef HAVE_DOVECOT_SETTINGS_GET

#define LAZY_EXPUNGE_COMPAT_CONFIG_FD_ENV DOVECOT_CONFIG_FD_ENV
/* the member of struct auth_user_info */
#define LAZY_EXPUNGE_COMPAT_AUTH_PROTOCOL protocol

/* The configuration as this process has read it, which a doveadm takes that
   is executed with the number in the environment, instead of having doveconf
   read all files again (doveadm_settings_get_config_fd()). -1 = there is none.
   It stays the caller's process's, and is closed by exec() unless told not
   to. */
static inline int lazy_expunge_compat_cmd_config_fd(void)
{
	return doveadm_settings_get_config_fd();
}

/* The event of the command, for settings that are not a user's. May be NULL. */
static inline struct event *
lazy_expunge_compat_cmd_event(const struct doveadm_cmd_context *cctx)
{
	return cctx->event;
}

/* The value of a setting of plugin { } on 2.3, as it is for no user in
   particular. NULL if it is not set. */
static inline const char *
lazy_expunge_compat_cmd_plugin_setting(
	const struct doveadm_settings *set ATTR_UNUSED,
	const char *key ATTR_UNUSED)
{
	return NULL;
}

#else

#define LAZY_EXPUNGE_COMPAT_CONFIG_FD_ENV "DOVECOT_CONFIG_FD"
#define LAZY_EXPUNGE_COMPAT_AUTH_PROTOCOL service

static inline int lazy_expunge_compat_cmd_config_fd(void)
{
	return -1;
}

static inline struct event *
lazy_expunge_compat_cmd_event(
	const struct doveadm_cmd_context *cctx ATTR_UNUSED)
{
	return NULL;
}

static inline const char *
lazy_expunge_compat_cmd_plugin_setting(
	const struct doveadm_settings *set, const char *key)
{
	const char *const *envs;
	unsigned int i, count;

	if (!array_is_created(&set->plugin_envs))
		return NULL;
	envs = array_get(&set->plugin_envs, &count);
	for (i = 0; i + 1 < count; i += 2) {
		if (strcmp(envs[i], key) == 0)
			return envs[i + 1];
	}
	return NULL;
}

#endif

#ifdef HAVE_DOVEADM_MAIL_CMD_INIT_1

/* The head of a function that is a command's init method: one parameter, ctx,
   is to be used. */
#  define LAZY_EXPUNGE_COMPAT_CMD_INIT(name) \
	static void name(struct doveadm_mail_cmd_context *ctx)

static inline void
lazy_expunge_compat_cmd_take_options(
	struct doveadm_mail_cmd_context *ctx ATTR_UNUSED)
{
}

/* TRUE if another doveadm has this one do the command for one of its users. */
static inline bool
lazy_expunge_compat_cmd_is_one_of_many(
	const struct doveadm_mail_cmd_context *ctx ATTR_UNUSED)
{
	/* it does not say so */
	return FALSE;
}

#else

#  define LAZY_EXPUNGE_COMPAT_CMD_INIT(name) \
	static void name(struct doveadm_mail_cmd_context *ctx, \
			 const char *const args[] ATTR_UNUSED)

static inline bool
lazy_expunge_compat_parse_arg(
	struct doveadm_mail_cmd_context *ctx ATTR_UNUSED, int c ATTR_UNUSED)
{
	return TRUE;
}

/* Options are read by name; 2.3 also wants each to be taken as it comes. */
static inline void
lazy_expunge_compat_cmd_take_options(struct doveadm_mail_cmd_context *ctx)
{
	ctx->v.parse_arg = lazy_expunge_compat_parse_arg;
}

static inline bool
lazy_expunge_compat_cmd_is_one_of_many(
	const struct doveadm_mail_cmd_context *ctx)
{
	return ctx->add_username_header;
}

#endif

#endif
