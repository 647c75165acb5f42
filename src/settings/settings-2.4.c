/* Dovecot 2.4: settings from settings_get(). */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "settings.h"
#include "mail-user.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mail-storage-settings.h"
#include "mailbox-list-private.h"
#include "settings/config-info.h"
#include "settings/read.h"
#include "settings/filters.h"

/* In the place of a mailbox's name, so that the name of the storage shows where
   that goes. Letters of both cases, a space and a digit: who changes the name in
   any way is seen. */
#define MAILBOX_PROBE "lazyExpunge MAILBOX 9"

/* settings_get() with that: the storage is not known by one mailbox. Filters go
   by other fields of the event. */
static int config_settings_get(struct event *event,
			       const struct lazy_expunge_config_settings **set_r,
			       const char **error_r)
{
	struct event *probe_event = event_create(event);
	int ret;

	event_add_str(probe_event, "mailbox", MAILBOX_PROBE);
	ret = settings_get(probe_event,
			   &lazy_expunge_config_setting_parser_info, 0,
			   set_r, error_r);
	event_unref(&probe_event);
	return ret;
}

/* The storage's name with the variable, as it was configured (data stack). NULL
   if the mailbox's name is not in it as it is, and the error. */
static const char *storage_unexpand(const char *value, const char **error_r)
{
	const char *probe = strstr(value, MAILBOX_PROBE);
	const char *end;

	if (probe == NULL && strcasestr(value, MAILBOX_PROBE) == NULL)
		return value;
	end = probe == NULL ? NULL : probe + strlen(MAILBOX_PROBE);
	if (end == NULL || strcasestr(end, MAILBOX_PROBE) != NULL) {
		*error_r = "The variable of a mailbox in lazy_expunge_mailbox "
			"can be there once, and only as %{event:mailbox}";
		return NULL;
	}
	return t_strconcat(t_strdup_until(value, probe),
			   LAZY_EXPUNGE_MAILBOX_VARIABLE, end, NULL);
}

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
	const char *storage, *error;

	i_zero(set_r);
	set_r->storage = "";
	if (config_settings_get(event, &set, &error) < 0) {
		set_r->error = p_strdup(pool, error);
		return;
	}
	storage = storage_unexpand(set->lazy_expunge_mailbox, &error);
	if (storage == NULL)
		set_r->error = p_strdup(pool, error);
	else
		set_r->storage = p_strdup(pool, storage);
	set_r->exclude = exclude_dup(&set->lazy_expunge_exclude, pool);
	set_r->max_storage = set->lazy_expunge_max_storage;
	if (lazy_expunge_settings_parse_on_failure(
			"lazy_expunge_on_failure", set->lazy_expunge_on_failure,
			&set_r->on_failure, &error) < 0)
		set_r->error = p_strdup(pool, error);
	set_r->look.mails = set->lazy_expunge_look_mails;
	set_r->look.msecs = set->lazy_expunge_look_time;
	set_r->look.remember = set->lazy_expunge_look_remember;
	set_r->look.age_secs = set->lazy_expunge_look_age;
	if (set_r->error == NULL &&
	    lazy_expunge_settings_check_look(&set_r->look, &error) < 0)
		set_r->error = p_strdup(pool, error);
	set_r->only_last_instance = set->lazy_expunge_only_last_instance;
	set_r->quota_ignore = set->lazy_expunge_quota_ignore;
	set_r->hidden = set->lazy_expunge_hidden;
	set_r->protect = set->lazy_expunge_protect;
	set_r->origin = set->lazy_expunge_origin;
	set_r->shared = set->lazy_expunge_shared;
	set_r->hold = set->lazy_expunge_hold;
	set_r->account_keep = set->lazy_expunge_account_keep;
	settings_free(set);
}

void lazy_expunge_settings_read_filters(struct mail_user *user,
					struct mailbox_list *list,
					const char *vname, pool_t pool,
					struct lazy_expunge_settings *set_r)
{
	struct event *event;

	if (vname == NULL) {
		lazy_expunge_settings_read(user, list->event, pool, set_r);
		return;
	}
	event = mail_storage_mailbox_create_event(list->event, list, vname);
	lazy_expunge_settings_read(user, event, pool, set_r);
	event_unref(&event);
}

bool lazy_expunge_settings_are_per_mailbox(void)
{
	return TRUE;
}

/* What the filters of a user's namespaces and mailboxes set. */
struct filters {
	/* each once */
	ARRAY_TYPE(const_string) *names;
	/* all */
	string_t *caps;
	bool has_cap;
};

static void filters_add(struct event *event, struct filters *filters)
{
	const struct lazy_expunge_config_settings *set;
	const char *name, *storage, *error;
	bool found = FALSE;

	/* an error of the same settings is reported where they are used */
	if (config_settings_get(event, &set, &error) < 0)
		return;
	storage = storage_unexpand(set->lazy_expunge_mailbox, &error);
	if (storage == NULL)
		found = TRUE;
	if (set->lazy_expunge_max_storage > 0)
		filters->has_cap = TRUE;
	str_printfa(filters->caps, " %"PRIuUOFF_T,
		    set->lazy_expunge_max_storage);
	if (!found) {
		array_foreach_elem(filters->names, name) {
			if (strcmp(name, storage) == 0)
				found = TRUE;
		}
	}
	if (!found) {
		name = t_strdup(storage);
		array_push_back(filters->names, &name);
	}
	settings_free(set);
}

static void filters_read(struct mail_user *user, struct filters *filters)
{
	struct mail_namespace *ns;
	const struct mailbox_settings *box_set;
	struct event *event;

	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		if (ns->type != MAIL_NAMESPACE_TYPE_PRIVATE)
			continue;
		filters_add(ns->list->event, filters);
		if (!array_is_created(&ns->set->parsed_mailboxes))
			continue;
		array_foreach_elem(&ns->set->parsed_mailboxes, box_set) {
			event = mail_storage_mailbox_create_event(
				ns->list->event, ns->list,
				t_strconcat(ns->prefix, box_set->name, NULL));
			filters_add(event, filters);
			event_unref(&event);
		}
	}
}

bool lazy_expunge_settings_read_storages(
	struct mail_user *user, const struct lazy_expunge_settings *set,
	ARRAY_TYPE(const_string) *names, string_t *caps)
{
	struct filters filters = {
		.names = names,
		.caps = caps,
		.has_cap = set->max_storage > 0,
	};

	array_push_back(names, &set->storage);
	str_printfa(caps, "%"PRIu64, set->max_storage);
	filters_read(user, &filters);
	return filters.has_cap;
}
