/* Merge source: paths of the record lead to where its parts lie now. */

#include "lib.h"
#include "array.h"
#include "mail-namespace.h"
#include "mail-user.h"
#include "accounts/rights.h"
#include "compat/compat-service.h"
#include "compat/dovecot.h"
#include "merge/source.h"

#include <sys/stat.h>
#include <unistd.h>

bool lazy_expunge_merge_source_check(const struct lazy_expunge_account *account,
				     struct lazy_expunge_error *error_r)
{
	const struct lazy_expunge_account_part *part;
	struct stat st;

	error_r->code = MAIL_ERROR_NOTPOSSIBLE;
	if (array_count(&account->namespaces) == 0) {
		error_r->text = "An earlier version has deleted the account, "
			"and has not noted how its mail is read: -t brings it "
			"back under another name";
		return FALSE;
	}
	array_foreach(&account->parts, part) {
		if (lstat(part->to, &st) < 0) {
			if (errno == ENOENT && part->is_volatile)
				continue;
			error_r->code = MAIL_ERROR_TEMP;
			error_r->text = t_strdup_printf("lstat(%s) failed: %m",
							part->to);
			return FALSE;
		}
		if (S_ISLNK(st.st_mode)) {
			/* it leads to where somebody else's may be now */
			error_r->text = t_strdup_printf("%s was a symbolic link, "
				"with which mail is not read from here: -t "
				"brings the account back under another name",
				part->from);
			return FALSE;
		}
		if (geteuid() != 0 && !part->is_volatile &&
		    st.st_uid != geteuid()) {
			error_r->text = t_strdup_printf("%s belongs to uid %ld, and "
				"the target is uid %ld: -t brings the account "
				"back under another name", part->to,
				(long)st.st_uid, (long)geteuid());
			return FALSE;
		}
	}
	return TRUE;
}

/* Where the path lies now, NULL if it was not there. */
static const char *source_path(const struct lazy_expunge_account *account,
			       const char *path)
{
	const struct lazy_expunge_account_part *part;

	array_foreach(&account->parts, part) {
		if (lazy_expunge_account_path_is_below(path, part->from))
			return t_strconcat(part->to,
					   path + strlen(part->from), NULL);
	}
	return NULL;
}

/* Who had no home had what lies in one where the control files of the INBOX's
   namespace were: another namespace does not lead there. */
static const char *
source_home(const struct lazy_expunge_account *account,
	    const struct lazy_expunge_account_namespace *of)
{
	const struct lazy_expunge_account_namespace *ns;
	const struct lazy_expunge_account_setting *set;
	const struct lazy_expunge_account_place *place;
	const struct lazy_expunge_account_part *part;
	const char *home = NULL;

	array_foreach(&account->places, place) {
		if (strcmp(place->key, "home") != 0)
			continue;
		part = array_idx(&account->parts, place->part);
		return t_strconcat(part->to, place->below, NULL);
	}
	array_foreach(&account->namespaces, ns) {
		if (!ns->inbox || of->inbox)
			continue;
		array_foreach(&ns->settings, set) {
			if (strcmp(set->name, "mail_control_path") == 0 ||
			    (home == NULL &&
			     strcmp(set->name, "mail_path") == 0))
				home = source_path(account, set->value);
		}
	}
	return home;
}

/* Returns NULL if the mail was not there. What else was not there must not be
   looked for where another account may have it. */
static const char *const *
source_settings(const struct lazy_expunge_account *account,
		const struct lazy_expunge_account_namespace *ns)
{
	const struct lazy_expunge_account_setting *set;
	ARRAY_TYPE(const_string) settings;
	const char *value;
	struct stat st;

	t_array_init(&settings, 32);
	array_foreach(&ns->settings, set) {
		value = *set->value != '/' ? set->value :
			source_path(account, set->value);
		/* noted only if it was the user's own and is here, or is that of
		   all */
		if (value == NULL &&
		    strcmp(set->name, LAZY_EXPUNGE_ACCOUNT_ATTACHMENTS) == 0)
			value = set->value;
		if (strcmp(set->name, "mail_path") == 0 &&
		    (value == NULL || stat(value, &st) < 0))
			return NULL;
		if (value != NULL) {
			array_push_back(&settings, &set->name);
			array_push_back(&settings, &value);
		}
	}
	array_append_zero(&settings);
	return array_front(&settings);
}

int lazy_expunge_merge_source_open(
	struct mail_storage_service_ctx *service, struct mail_user *target,
	const struct lazy_expunge_account *account,
	const struct lazy_expunge_account_namespace *ns,
	struct mail_user **user_r, const char **error_r)
{
	const char *const *settings = source_settings(account, ns);
	const uid_t uid = geteuid();
	int ret;

	if (settings == NULL)
		return 0;
	ret = lazy_expunge_compat_user_at(service, target,
					  source_home(account, ns),
					  settings, ns->inbox, user_r, error_r);
	/* it was looked up as root */
	if (lazy_expunge_rights_put_down(uid, error_r) < 0) {
		if (ret == 0)
			mail_user_deinit(user_r);
		ret = -1;
	}
	return ret < 0 ? -1 : 1;
}

const char *
lazy_expunge_merge_source_name(const struct lazy_expunge_account_namespace *ns,
			       struct mail_user *user, const char *vname)
{
	const char sep = mail_namespace_get_sep(user->namespaces);
	char *name = t_strdup_noconst(vname);

	for (char *p = name; *p != '\0'; p++) {
		if (*p == sep)
			*p = ns->separator;
	}
	return name;
}

/* Returns the name between both, NULL if it is none. */
static const char *
tree_source(const struct lazy_expunge_account_storage *storage,
	    const char *name)
{
	const size_t len = strlen(name), begin = strlen(storage->name),
		end = strlen(storage->name_end);

	if (len < begin + end || strncmp(name, storage->name, begin) != 0 ||
	    strcmp(name + len - end, storage->name_end) != 0)
		return NULL;
	return t_strndup(name + begin, len - begin - end);
}

char lazy_expunge_merge_source_separator(
	const struct lazy_expunge_account *account)
{
	const struct lazy_expunge_account_namespace *ns;

	array_foreach(&account->namespaces, ns) {
		if (ns->inbox)
			return ns->separator;
	}
	ns = array_front(&account->namespaces);
	return ns->separator;
}

bool lazy_expunge_merge_source_is_storage(
	const struct lazy_expunge_account_namespace *ns, const char *name,
	const char *vname, const char **origin_r)
{
	const struct lazy_expunge_account_storage *storage;

	array_foreach(&ns->storages, storage) {
		*origin_r = storage->tree ? tree_source(storage, name) :
			strcmp(storage->name, name) == 0 ||
			strcmp(storage->name, vname) == 0 ? "" : NULL;
		if (*origin_r != NULL)
			return TRUE;
	}
	return FALSE;
}
