/* Dovecot 2.4: the module that tells the config process about the settings.
   Loaded by doveconf and config; must not need lib-storage. */

#include "lib.h"
#include "settings/config-info.h"

extern const char *lazy_expunge_settings_version;
extern const struct setting_parser_info *lazy_expunge_settings_set_infos[];

__attribute__((visibility("default")))
const char *lazy_expunge_settings_version = DOVECOT_ABI_VERSION;

__attribute__((visibility("default")))
const struct setting_parser_info *lazy_expunge_settings_set_infos[] = {
	&lazy_expunge_config_setting_parser_info,
	NULL
};
