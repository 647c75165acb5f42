#ifndef LAZY_EXPUNGE_COMPAT_DICT_H
#define LAZY_EXPUNGE_COMPAT_DICT_H

/* What differs between versions for who opens a dict. */

#include "lazy-expunge-config.h"
#include "dict.h"
#include "mail-user.h"

#ifdef HAVE_DOVECOT_SETTINGS_GET

#include "settings.h"

/* The dict in which the acl plugin notes who shares mailboxes with whom. Returns
   1, 0 if there is none, -1 and the error. */
static inline int
lazy_expunge_compat_acl_dict_init(struct mail_user *user, struct dict **dict_r,
				  const char **error_r)
{
	struct event *event = event_create(user->event);
	int ret;

	event_set_ptr(event, SETTINGS_EVENT_FILTER_NAME,
		      (char *)"acl_sharing_map");
	ret = dict_init_auto(event, dict_r, error_r);
	event_unref(&event);
	return ret;
}

/* The catalog, as the settings have it that hold for the event: uri is the value
   on 2.3. Returns 1, 0 if there is none, -1 and the error. */
static inline int
lazy_expunge_compat_catalog_init(struct event *parent,
				 const char *uri ATTR_UNUSED,
				 struct dict **dict_r, const char **error_r)
{
	struct event *event = event_create(parent);
	int ret;

	event_set_ptr(event, SETTINGS_EVENT_FILTER_NAME,
		      (char *)"lazy_expunge_catalog");
	ret = dict_init_auto(event, dict_r, error_r);
	event_unref(&event);
	return ret;
}

#else

#include "compat/compat-service.h"

static inline int
lazy_expunge_compat_catalog_init(struct event *parent, const char *uri,
				 struct dict **dict_r, const char **error_r)
{
	struct dict_settings set = {
		.base_dir = lazy_expunge_compat_service_settings()->base_dir,
		.event_parent = parent,
	};

	if (uri == NULL || *uri == '\0')
		return 0;
	return dict_init(uri, &set, dict_r, error_r) < 0 ? -1 : 1;
}

static inline int
lazy_expunge_compat_acl_dict_init(struct mail_user *user, struct dict **dict_r,
				  const char **error_r)
{
	const char *uri = mail_user_plugin_getenv(user, "acl_shared_dict");
	struct dict_settings set = {
		.base_dir = lazy_expunge_compat_service_settings()->base_dir,
		.event_parent = user->event,
	};

	if (uri == NULL || *uri == '\0')
		return 0;
	return dict_init(uri, &set, dict_r, error_r) < 0 ? -1 : 1;
}

#endif

#endif
