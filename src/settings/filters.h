#ifndef LAZY_EXPUNGE_SETTINGS_STORAGES_H
#define LAZY_EXPUNGE_SETTINGS_STORAGES_H

#include "array.h"

struct lazy_expunge_settings;
struct mail_user;

/* Adds the names of all storages that the configuration of the user has: the
   user's own, and on 2.4 those set in namespace and mailbox filters. Data
   stack. Appends all byte caps that it has to caps, as text by which a change of
   one is seen. Returns TRUE if one is set. Needs the user's namespaces. */
bool lazy_expunge_settings_read_storages(
	struct mail_user *user, const struct lazy_expunge_settings *set,
	ARRAY_TYPE(const_string) *names, string_t *caps);

#endif
