#ifndef LAZY_EXPUNGE_COMPAT_DOVEADM_H
#define LAZY_EXPUNGE_COMPAT_DOVEADM_H

/* What differs between versions for doveadm mail commands. */

#include "lazy-expunge-config.h"
#include "doveadm-mail.h"

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
