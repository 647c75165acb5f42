#ifndef LAZY_EXPUNGE_SETTINGS_STORAGES_H
#define LAZY_EXPUNGE_SETTINGS_STORAGES_H

#include "array.h"

struct lazy_expunge_settings;
struct mail_user;

/* Adds the names of all storages that the configuration of the user has: the
   user's own, and on 2.4 those set in namespace and mailbox filters. Data
   stack. Needs the user's namespaces. */
void lazy_expunge_settings_read_storages(
	struct mail_user *user, const struct lazy_expunge_settings *set,
	ARRAY_TYPE(const_string) *names);

/* Append all byte caps that the configuration of the user has, as text by which
   a change of one is seen. Needs the user's namespaces. */
void lazy_expunge_settings_append_max_storages(
	string_t *dest, struct mail_user *user,
	const struct lazy_expunge_settings *set);
/* TRUE if a byte cap is set anywhere in the configuration of the user. Needs the
   user's namespaces. */
bool lazy_expunge_settings_have_max_storage(
	struct mail_user *user, const struct lazy_expunge_settings *set);

#endif
