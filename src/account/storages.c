/* Finds the storages among the namespaces, and what belongs to them. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "mail-namespace.h"
#include "compat/dovecot.h"
#include "settings/read.h"
#include "settings/filters.h"
#include "account/storage-identity.h"
#include "account/storages.h"

static struct mail_namespace *
find_namespace_by_prefix(struct mail_user *user, const char *setting,
			 bool *root_r)
{
	struct mail_namespace *ns;
	size_t len = strlen(setting);

	*root_r = FALSE;
	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		if (ns->prefix_len == 0)
			continue;
		if (strcmp(ns->prefix, setting) == 0)
			return ns;
		/* the same without its separator: a mailbox of the namespace */
		if (ns->prefix_len == len + 1 &&
		    strncmp(ns->prefix, setting, len) == 0 &&
		    (ns->flags & NAMESPACE_FLAG_INBOX_USER) == 0) {
			*root_r = TRUE;
			return ns;
		}
	}
	return NULL;
}

static bool has_trailing_separator(struct mail_user *user, const char *setting)
{
	struct mail_namespace *ns;
	char last = setting[strlen(setting) - 1];

	if (last == '/' || last == '.')
		return TRUE;
	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		if (mail_namespace_get_sep(ns) == last)
			return TRUE;
	}
	return FALSE;
}

/* INBOX is INBOX in any letters, also as a parent: as mailbox_alloc() has it. */
static const char *name_with_inbox(struct lazy_expunge_user *luser,
				   struct mail_namespace *ns, const char *name)
{
	const size_t len = strlen("INBOX");

	return (ns->flags & NAMESPACE_FLAG_INBOX_USER) == 0 ||
		strncasecmp(name, "INBOX", len) != 0 ||
		(name[len] != '\0' && name[len] != mail_namespace_get_sep(ns)) ?
		name : p_strconcat(luser->storages_pool, "INBOX", name + len,
				   NULL);
}

/* All namespaces have a prefix, and the name has none of them. */
static void storage_without_namespace(struct lazy_expunge_user *luser,
				      struct lazy_expunge_storage *st)
{
	struct mail_namespace *ns =
		mail_namespace_find_inbox(luser->user->namespaces);

	st->error = p_strdup_printf(luser->storages_pool,
		"%s = %s: no namespace has a mailbox of this name: write %s",
		LE_STORAGE_SETTING, st->setting,
		t_strconcat(ns->prefix, st->setting, NULL));
	st->remedy = "write the name with the prefix of its namespace";
}

static void storage_resolve_mailbox(struct lazy_expunge_user *luser,
				    struct lazy_expunge_storage *st)
{
	struct mail_user *user = luser->user;
	struct mail_namespace *ns, *best = NULL, *empty = NULL;

	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		/* Dovecot adds one without a prefix where there is none, for
		   names that no other has */
		if (ns->type != MAIL_NAMESPACE_TYPE_PRIVATE ||
		    (ns->flags & NAMESPACE_FLAG_UNUSABLE) != 0)
			continue;
		if (ns->prefix_len == 0) {
			empty = ns;
			continue;
		}
		if (strncmp(st->setting, ns->prefix, ns->prefix_len) == 0 &&
		    st->setting[ns->prefix_len] != '\0' &&
		    (best == NULL || best->prefix_len < ns->prefix_len))
			best = ns;
	}
	if (best == NULL)
		best = empty;
	if (best == NULL) {
		storage_without_namespace(luser, st);
		return;
	}
	st->name = name_with_inbox(luser, best,
		lazy_expunge_name_without_prefix(best, st->setting));
	st->ns = best->alias_for != NULL ? best->alias_for : best;
}

/* The variable in the name makes a tree of it, which may be a namespace. */
static void storage_resolve_tree(struct lazy_expunge_user *luser,
				 struct lazy_expunge_storage *st)
{
	const char *begin = st->name, *variable;

	variable = strstr(begin, LAZY_EXPUNGE_MAILBOX_VARIABLE);
	if (variable == NULL)
		return;
	st->tree = TRUE;
	st->name = p_strdup_until(luser->storages_pool, begin, variable);
	st->name_end = variable + strlen(LAZY_EXPUNGE_MAILBOX_VARIABLE);
	if (*st->name == '\0' && *st->name_end == '\0') {
		st->error = p_strdup_printf(luser->storages_pool,
			"lazy_expunge_mailbox = %s: this is the mailbox that "
			"mail comes from, it cannot be the storage",
			st->setting);
		st->ns = NULL;
	}
}

/* What is before the variable, if it is at the end: then a namespace with this
   prefix has the tree. */
static const char *setting_namespace_prefix(const char *setting)
{
	const char *variable;

	variable = strstr(setting, LAZY_EXPUNGE_MAILBOX_VARIABLE);
	if (variable == NULL)
		return setting;
	return strcmp(variable, LAZY_EXPUNGE_MAILBOX_VARIABLE) != 0 ? "" :
		t_strdup_until(setting, variable);
}

/* What cannot be read is the worst for users, and refuses all deletes anyway. */
static void storage_read_filters(struct lazy_expunge_user *luser,
				 struct lazy_expunge_storage *st)
{
	struct lazy_expunge_settings set;
	const char *vname = st->ns_mode ? NULL : lazy_expunge_storage_vname(st);

	lazy_expunge_settings_read_filters(luser->user, st->ns->list, vname,
					   pool_datastack_create(), &set);
	st->hidden = set.error != NULL || set.hidden;
	st->protect = set.error != NULL || set.protect;
	st->quota_ignore = set.error != NULL || set.quota_ignore;
}

static struct lazy_expunge_storage *
storage_resolve(struct lazy_expunge_user *luser, const char *setting)
{
	struct mail_user *user = luser->user;
	struct lazy_expunge_storage *st;

	st = p_new(luser->storages_pool, struct lazy_expunge_storage, 1);
	st->setting = p_strdup(luser->storages_pool, setting);
	st->has_links = lazy_expunge_compat_user_has_plugin(user,
							    "mailbox_alias");
	st->ns = find_namespace_by_prefix(user,
					  setting_namespace_prefix(setting),
					  &st->root);
	if (st->ns != NULL) {
		st->ns_mode = TRUE;
		st->name = "";
		if ((st->ns->flags & NAMESPACE_FLAG_INBOX_USER) != 0) {
			st->error = p_strdup_printf(luser->storages_pool,
				"lazy_expunge = %s: the namespace with this "
				"prefix has the INBOX, it cannot be the "
				"storage", setting);
			st->ns = NULL;
		}
	} else if (has_trailing_separator(user, st->setting)) {
		st->ns_mode = TRUE;
		st->name = "";
		st->error = p_strdup_printf(luser->storages_pool,
			"lazy_expunge = %s: there is no namespace with "
			"prefix = %s: configure it, or remove the trailing "
			"separator to use a mailbox", setting, setting);
	} else {
		storage_resolve_mailbox(luser, st);
		if (st->error == NULL)
			storage_resolve_tree(luser, st);
	}
	if (st->ns != NULL &&
	    lazy_expunge_storage_is_live(luser, st, &st->error)) {
		st->is_live = TRUE;
		st->ns = NULL;
	}
	if (st->ns != NULL) T_BEGIN {
		storage_read_filters(luser, st);
	} T_END;
	return st;
}

/* FALSE for the user that LMTP holds a delivery in: it has a namespace without
   a type, and no mail of its own. */
static bool user_has_private_namespace(struct mail_user *user)
{
	struct mail_namespace *ns;

	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		if (ns->type == MAIL_NAMESPACE_TYPE_PRIVATE)
			return TRUE;
	}
	return FALSE;
}

/* The storage that this one is, or is a mailbox of: the first, or the larger.
   NULL if it is one of its own. */
static struct lazy_expunge_storage *
storage_find_same(struct lazy_expunge_user *luser, unsigned int idx)
{
	struct lazy_expunge_storage *st, *other;
	unsigned int i;

	st = array_idx_elem(&luser->storages, idx);
	for (i = 0; i < array_count(&luser->storages); i++) {
		other = array_idx_elem(&luser->storages, i);
		if (i != idx && st->ns != NULL && other->ns != NULL &&
		    lazy_expunge_storage_is_within(luser, st, other) &&
		    (i < idx || !lazy_expunge_storage_is_within(luser, other,
								st)))
			return other;
	}
	return NULL;
}

/* Two settings that end at one mailbox would count its mail twice. */
static void storages_unite(struct lazy_expunge_user *luser)
{
	struct lazy_expunge_storage *st, *same;
	unsigned int idx = array_count(&luser->storages);

	while (idx-- > 0) {
		same = storage_find_same(luser, idx);
		if (same == NULL)
			continue;
		st = array_idx_elem(&luser->storages, idx);
		st->same_as = same;
		st->next_alias = luser->storage_aliases;
		luser->storage_aliases = st;
		array_delete(&luser->storages, idx, 1);
	}
}

const ARRAY_TYPE(lazy_expunge_storage) *
lazy_expunge_user_storages(struct lazy_expunge_user *luser)
{
	ARRAY_TYPE(const_string) names;
	struct lazy_expunge_storage *st;
	const char *name;
	string_t *caps;

	if (luser->storages_resolved)
		return &luser->storages;
	if (luser->storages_pool == NULL) {
		luser->storages_pool =
			pool_alloconly_create("lazy_expunge storages", 256);
	}
	if (!array_is_created(&luser->storages))
		p_array_init(&luser->storages, luser->storages_pool, 2);
	if (luser->set.error != NULL ||
	    !user_has_private_namespace(luser->user))
		return &luser->storages;

	/* below, mailbox names may be looked up: that must not come here */
	luser->storages_resolved = TRUE;
	T_BEGIN {
		t_array_init(&names, 4);
		caps = t_str_new(64);
		luser->has_cap = lazy_expunge_settings_read_storages(
			luser->user, &luser->set, &names, caps);
		luser->caps = p_strdup(luser->storages_pool, str_c(caps));
		array_foreach_elem(&names, name) {
			if (*name == '\0')
				continue;
			st = storage_resolve(luser, name);
			array_push_back(&luser->storages, &st);
		}
		if (array_count(&luser->storages) > 1)
			storages_unite(luser);
	} T_END;
	return &luser->storages;
}

const char *lazy_expunge_user_caps(struct lazy_expunge_user *luser)
{
	(void)lazy_expunge_user_storages(luser);
	return luser->caps != NULL ? luser->caps :
		t_strdup_printf("%"PRIu64, luser->set.max_storage);
}

bool lazy_expunge_user_has_cap(struct lazy_expunge_user *luser)
{
	(void)lazy_expunge_user_storages(luser);
	return luser->has_cap || luser->set.max_storage > 0;
}

void lazy_expunge_user_storages_reset(struct lazy_expunge_user *luser)
{
	if (!luser->storages_resolved)
		return;
	/* what is open knows the storage that it is of: those live on in the
	   pool */
	luser->storages_resolved = FALSE;
	i_zero(&luser->storages);
	luser->storage_aliases = NULL;
}

struct lazy_expunge_storage *
lazy_expunge_user_storage_find(struct lazy_expunge_user *luser,
			       const char *setting)
{
	struct lazy_expunge_storage *st;

	array_foreach_elem(lazy_expunge_user_storages(luser), st) {
		if (strcmp(st->setting, setting) == 0)
			return st;
	}
	/* another name for one of them */
	for (st = luser->storage_aliases; st != NULL; st = st->next_alias) {
		if (strcmp(st->setting, setting) == 0)
			return st->same_as;
	}
	return NULL;
}

bool lazy_expunge_is_storage_namespace(struct lazy_expunge_user *luser,
				       struct mail_namespace *ns)
{
	struct lazy_expunge_storage *st;

	array_foreach_elem(lazy_expunge_user_storages(luser), st) {
		if (st->ns_mode && st->ns == ns)
			return TRUE;
	}
	return FALSE;
}

struct lazy_expunge_storage *
lazy_expunge_storage_match_name(struct lazy_expunge_user *luser,
				struct mail_namespace *ns, const char *vname)
{
	struct lazy_expunge_storage *st;

	array_foreach_elem(lazy_expunge_user_storages(luser), st) {
		if (st->ns != NULL && lazy_expunge_storage_is_named(st, ns, vname))
			return st;
	}
	return NULL;
}

struct lazy_expunge_storage *
lazy_expunge_storage_match(struct lazy_expunge_user *luser,
			   struct mail_namespace *ns, const char *vname)
{
	struct lazy_expunge_storage *st;

	st = lazy_expunge_storage_match_name(luser, ns, vname);
	if (st != NULL)
		return st;
	array_foreach_elem(lazy_expunge_user_storages(luser), st) {
		if (st->ns != NULL &&
		    lazy_expunge_storage_is_on_disk(luser, st, ns, vname))
			return st;
	}
	return NULL;
}
