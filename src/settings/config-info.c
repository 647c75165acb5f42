/* Dovecot 2.4: keys, types and defaults of the settings. Linked into the
   plugin and into the settings module; needs no lib-storage. */

#include "lazy-expunge-config.h"
#include "lib.h"
#include "array.h"
#include "core/setting-values.h"
#include "settings/config-info.h"

#ifdef HAVE_SETTING_STR_NFC
#  define SETTING_MAILBOX_NAME SETTING_DEFINE_STRUCT_STR_NFC
#else
#  define SETTING_MAILBOX_NAME SETTING_DEFINE_STRUCT_STR
#endif

#define DEF(type, name) SETTING_DEFINE_STRUCT_##type(#name, name, \
	struct lazy_expunge_config_settings)

static bool
config_settings_check(void *_set, pool_t pool ATTR_UNUSED, const char **error_r)
{
	const struct lazy_expunge_config_settings *set = _set;

	if (set->lazy_expunge_mailbox == set_value_unknown)
		return TRUE;
	return lazy_expunge_settings_check_storage("lazy_expunge_mailbox",
						   set->lazy_expunge_mailbox,
						   error_r) == 0;
}

static const struct setting_define lazy_expunge_config_setting_defines[] = {
	SETTING_MAILBOX_NAME("lazy_expunge_mailbox", lazy_expunge_mailbox,
			     struct lazy_expunge_config_settings),
	DEF(BOOL, lazy_expunge_only_last_instance),
	DEF(BOOLLIST, lazy_expunge_exclude),
	DEF(BOOL, lazy_expunge_quota_ignore),
	DEF(BOOL, lazy_expunge_hidden),
	DEF(BOOL, lazy_expunge_protect),
	DEF(BOOL, lazy_expunge_origin),
	DEF(BOOL, lazy_expunge_shared),
	DEF(BOOL, lazy_expunge_hold),
	DEF(SIZE, lazy_expunge_max_storage),
	DEF(ENUM, lazy_expunge_on_failure),
	DEF(UINT, lazy_expunge_look_mails),
	DEF(TIME_MSECS, lazy_expunge_look_time),
	DEF(UINT, lazy_expunge_look_remember),
	DEF(TIME, lazy_expunge_look_age),
	DEF(TIME, lazy_expunge_account_keep),
	{ .type = SET_FILTER_NAME, .key = "lazy_expunge_catalog" },

	SETTING_DEFINE_LIST_END
};

static const struct lazy_expunge_config_settings
lazy_expunge_config_default_settings = {
	.lazy_expunge_mailbox = "",
	.lazy_expunge_only_last_instance = LE_DEFAULT_ONLY_LAST_INSTANCE,
	.lazy_expunge_exclude = ARRAY_INIT,
	.lazy_expunge_quota_ignore = TRUE,
	.lazy_expunge_hidden = FALSE,
	.lazy_expunge_protect = FALSE,
	.lazy_expunge_origin = TRUE,
	.lazy_expunge_shared = TRUE,
	.lazy_expunge_hold = FALSE,
	.lazy_expunge_max_storage = 0,
	.lazy_expunge_on_failure = "refuse:expunge",
	.lazy_expunge_look_mails = LAZY_EXPUNGE_LOOK_MAILS,
	.lazy_expunge_look_time = LAZY_EXPUNGE_LOOK_MSECS,
	.lazy_expunge_look_remember = LAZY_EXPUNGE_LOOK_REMEMBER,
	.lazy_expunge_look_age = LAZY_EXPUNGE_LOOK_AGE_SECS,
	.lazy_expunge_account_keep = LAZY_EXPUNGE_ACCOUNT_KEEP_SECS,
};

const struct setting_parser_info lazy_expunge_config_setting_parser_info = {
	.name = "lazy_expunge_storage",

	.defines = lazy_expunge_config_setting_defines,
	.defaults = &lazy_expunge_config_default_settings,

	.struct_size = sizeof(struct lazy_expunge_config_settings),
	.pool_offset1 = 1 + offsetof(struct lazy_expunge_config_settings, pool),
	.check_func = config_settings_check,
};
