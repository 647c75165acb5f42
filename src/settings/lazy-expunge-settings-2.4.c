/* Dovecot 2.4: settings from settings_get(). */

#include "lib.h"
#include "array.h"
#include "settings.h"
#include "mail-user.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mail-storage-settings.h"
#include "mailbox-list-private.h"
#include "lazy-expunge-settings-info.h"
#include "lazy-expunge-settings-read.h"
#include "lazy-expunge-settings-storages.h"

static const char *const *
exclude_dup(const ARRAY_TYPE(const_string) *src, pool_t pool)
{
	ARRAY_TYPE(const_string) names;
	const char *name;

	p_array_init(&names, pool, 4);
	if (array_is_created(src)) {
		array_foreach_elem(src, name) {
			name = p_strdup(pool, name);
			array_push_back(&names, &name);
		}
	}
	array_append_zero(&names);
	return array_front(&names);
}

void lazy_expunge_settings_read(struct mail_user *user ATTR_UNUSED,
				struct event *event, pool_t pool,
				struct lazy_expunge_settings *set_r)
{
	const struct lazy_expunge_config_settings *set;
	const char *error;

	i_zero(set_r);
	set_r->storage = "";
	if (settings_get(event, &lazy_expunge_config_setting_parser_info, 0,
			 &set, &error) < 0) {
		set_r->error = p_strdup(pool, error);
		return;
	}
	set_r->storage = p_strdup(pool, set->lazy_expunge_mailbox);
	set_r->exclude = exclude_dup(&set->lazy_expunge_exclude, pool);
	set_r->max_storage = set->lazy_expunge_max_storage;
	if (lazy_expunge_settings_parse_on_failure(
			"lazy_expunge_on_failure", set->lazy_expunge_on_failure,
			&set_r->on_failure, &error) < 0)
		set_r->error = p_strdup(pool, error);
	set_r->only_last_instance = set->lazy_expunge_only_last_instance;
	set_r->quota_ignore = set->lazy_expunge_quota_ignore;
	set_r->hidden = set->lazy_expunge_hidden;
	set_r->protect = set->lazy_expunge_protect;
	set_r->origin = set->lazy_expunge_origin;
	set_r->shared = set->lazy_expunge_shared;
	settings_free(set);
}

bool lazy_expunge_settings_are_per_mailbox(void)
{
	return TRUE;
}

static void storages_add(struct event *event, ARRAY_TYPE(const_string) *names)
{
	const struct lazy_expunge_config_settings *set;
	const char *name, *error;
	bool found = FALSE;

	/* an error of the same settings is reported where they are used */
	if (settings_get(event, &lazy_expunge_config_setting_parser_info, 0,
			 &set, &error) < 0)
		return;
	array_foreach_elem(names, name) {
		if (strcmp(name, set->lazy_expunge_mailbox) == 0)
			found = TRUE;
	}
	if (!found) {
		name = t_strdup(set->lazy_expunge_mailbox);
		array_push_back(names, &name);
	}
	settings_free(set);
}

void lazy_expunge_settings_read_storages(
	struct mail_user *user, const struct lazy_expunge_settings *set,
	ARRAY_TYPE(const_string) *names)
{
	struct mail_namespace *ns;
	const struct mailbox_settings *box_set;
	struct event *event;

	array_push_back(names, &set->storage);
	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		if (ns->type != MAIL_NAMESPACE_TYPE_PRIVATE)
			continue;
		storages_add(ns->list->event, names);
		if (!array_is_created(&ns->set->parsed_mailboxes))
			continue;
		array_foreach_elem(&ns->set->parsed_mailboxes, box_set) {
			event = mail_storage_mailbox_create_event(
				ns->list->event, ns->list,
				t_strconcat(ns->prefix, box_set->name, NULL));
			storages_add(event, names);
			event_unref(&event);
		}
	}
}
