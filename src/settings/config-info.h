#ifndef LAZY_EXPUNGE_SETTINGS_INFO_H
#define LAZY_EXPUNGE_SETTINGS_INFO_H

#include "settings-parser.h"

/* Dovecot 2.4: the settings as the config process knows them. The keys that
   the shipped plugin has too must keep its types and flags, and the info must
   have another name than its: the config process panics otherwise. */
struct lazy_expunge_config_settings {
	pool_t pool;

	const char *lazy_expunge_mailbox;
	bool lazy_expunge_only_last_instance;

	ARRAY_TYPE(const_string) lazy_expunge_exclude;
	bool lazy_expunge_quota_ignore;
	bool lazy_expunge_hidden;
	bool lazy_expunge_protect;
	bool lazy_expunge_origin;
	bool lazy_expunge_shared;
	bool lazy_expunge_hold;
	uoff_t lazy_expunge_max_storage;
	const char *lazy_expunge_on_failure;
	unsigned int lazy_expunge_look_mails;
	unsigned int lazy_expunge_look_time;
	unsigned int lazy_expunge_look_remember;
	unsigned int lazy_expunge_look_age;
	unsigned int lazy_expunge_account_keep;
};

extern const struct setting_parser_info lazy_expunge_config_setting_parser_info;

#endif
