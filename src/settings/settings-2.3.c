/* Dovecot 2.3: settings from plugin { }. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "settings-parser.h"
#include "mail-user.h"
#include "compat/dovecot.h"
#include "settings/read.h"
#include "settings/filters.h"

struct plugin_env {
	struct mail_user *user;
	const char *error;
};

/* The value of key, NULL if it is not set or empty. */
static const char *env_get(struct plugin_env *env, const char *key)
{
	const char *value = mail_user_plugin_getenv(env->user, key);

	return value == NULL || *value == '\0' ? NULL : value;
}

static bool env_get_bool(struct plugin_env *env, const char *key, bool value)
{
	const char *str = env_get(env, key), *error;

	if (str != NULL &&
	    lazy_expunge_settings_parse_bool(key, str, &value, &error) < 0 &&
	    env->error == NULL)
		env->error = error;
	return value;
}

static const char *const *env_get_exclude(struct plugin_env *env, pool_t pool)
{
	ARRAY_TYPE(const_string) names;
	const char *key = "lazy_expunge_exclude", *value;

	p_array_init(&names, pool, 4);
	for (unsigned int i = 2;
	     (value = mail_user_plugin_getenv(env->user, key)) != NULL; i++) {
		value = p_strdup(pool, value);
		array_push_back(&names, &value);
		key = t_strdup_printf("lazy_expunge_exclude%u", i);
	}
	array_append_zero(&names);
	return array_front(&names);
}

static const char *env_get_storage(struct plugin_env *env)
{
	const char *key = "lazy_expunge", *value, *error;

	if ((value = env_get(env, key)) == NULL) {
		key = "lazy_expunge_mailbox";
		value = env_get(env, key);
	}
	if (value == NULL)
		return "";
	if (lazy_expunge_settings_check_storage(key, value, &error) < 0 &&
	    env->error == NULL)
		env->error = error;
	return value;
}

static void env_get_number(struct plugin_env *env, const char *key,
			   unsigned int *num)
{
	const char *value = env_get(env, key), *error;

	if (value != NULL &&
	    lazy_expunge_settings_parse_number(key, value, num, &error) < 0 &&
	    env->error == NULL)
		env->error = error;
}

static void env_get_time(struct plugin_env *env, const char *key,
			 unsigned int *num, bool msecs)
{
	const char *value = env_get(env, key), *error;
	int ret;

	if (value == NULL)
		return;
	ret = msecs ? settings_get_time_msecs(value, num, &error) :
		settings_get_time(value, num, &error);
	if (ret < 0 && env->error == NULL)
		env->error = t_strdup_printf("%s = %s: %s", key, value, error);
}

static void env_get_look(struct plugin_env *env,
			 struct lazy_expunge_look_bounds *look)
{
	const char *error;

	look->mails = LAZY_EXPUNGE_LOOK_MAILS;
	look->msecs = LAZY_EXPUNGE_LOOK_MSECS;
	look->remember = LAZY_EXPUNGE_LOOK_REMEMBER;
	look->age_secs = LAZY_EXPUNGE_LOOK_AGE_SECS;
	env_get_number(env, "lazy_expunge_look_mails", &look->mails);
	env_get_time(env, "lazy_expunge_look_time", &look->msecs, TRUE);
	env_get_number(env, "lazy_expunge_look_remember", &look->remember);
	env_get_time(env, "lazy_expunge_look_age", &look->age_secs, FALSE);
	if (env->error == NULL &&
	    lazy_expunge_settings_check_look(look, &error) < 0)
		env->error = error;
}

void lazy_expunge_settings_read(struct mail_user *user,
				struct event *event ATTR_UNUSED, pool_t pool,
				struct lazy_expunge_settings *set_r)
{
	struct plugin_env env = { .user = user };
	const char *value, *error;

	i_zero(set_r);
	set_r->storage = p_strdup(pool, env_get_storage(&env));
	set_r->exclude = env_get_exclude(&env, pool);
	set_r->only_last_instance =
		env_get_bool(&env, "lazy_expunge_only_last_instance",
			     LE_DEFAULT_ONLY_LAST_INSTANCE);
	set_r->quota_ignore =
		env_get_bool(&env, "lazy_expunge_quota_ignore", TRUE);
	set_r->hidden = env_get_bool(&env, "lazy_expunge_hidden", FALSE);
	set_r->protect = env_get_bool(&env, "lazy_expunge_protect", FALSE);
	set_r->origin = env_get_bool(&env, "lazy_expunge_origin", TRUE);
	set_r->shared = env_get_bool(&env, "lazy_expunge_shared", TRUE);
	set_r->hold = env_get_bool(&env, "lazy_expunge_hold", FALSE);

	value = env_get(&env, "lazy_expunge_max_storage");
	if (value != NULL &&
	    lazy_expunge_settings_parse_size("lazy_expunge_max_storage", value,
					     &set_r->max_storage, &error) < 0 &&
	    env.error == NULL)
		env.error = error;
	value = env_get(&env, "lazy_expunge_on_failure");
	if (value != NULL &&
	    lazy_expunge_settings_parse_on_failure("lazy_expunge_on_failure",
						   value, &set_r->on_failure,
						   &error) < 0 &&
	    env.error == NULL)
		env.error = error;
	set_r->account_keep = LAZY_EXPUNGE_ACCOUNT_KEEP_SECS;
	env_get_time(&env, "lazy_expunge_account_keep", &set_r->account_keep,
		     FALSE);
	env_get_look(&env, &set_r->look);
	set_r->catalog = p_strdup(pool, env_get(&env, "lazy_expunge_catalog"));
	set_r->error = p_strdup(pool, env.error);
}

void lazy_expunge_settings_read_filters(struct mail_user *user,
					struct mailbox_list *list ATTR_UNUSED,
					const char *vname ATTR_UNUSED,
					pool_t pool,
					struct lazy_expunge_settings *set_r)
{
	lazy_expunge_settings_read(user, user->event, pool, set_r);
}

bool lazy_expunge_settings_are_per_mailbox(void)
{
	return FALSE;
}

bool lazy_expunge_settings_read_storages(
	struct mail_user *user ATTR_UNUSED,
	const struct lazy_expunge_settings *set,
	ARRAY_TYPE(const_string) *names, string_t *caps)
{
	array_push_back(names, &set->storage);
	str_printfa(caps, "%"PRIu64, set->max_storage);
	return set->max_storage > 0;
}
