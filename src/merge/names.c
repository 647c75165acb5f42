/* Names: each is asked for once for each mail that comes from it, and Dovecot's
   layout once. */

#include "lib.h"
#include "hash.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "account/storages.h"
#include "account/user.h"
#include "merge/names.h"

struct lazy_expunge_merge_names {
	pool_t pool;
	struct lazy_expunge_user *luser;
	const char *mailbox;
	char separator;
	/* a name with the target's separator, and what it became */
	HASH_TABLE(const char *, const char *) known;
};

struct lazy_expunge_merge_names *
lazy_expunge_merge_names_init(struct lazy_expunge_user *luser,
			      struct mail_namespace *ns, const char *mailbox)
{
	struct lazy_expunge_merge_names *names;
	pool_t pool = pool_alloconly_create("lazy_expunge merge names", 1024);

	names = p_new(pool, struct lazy_expunge_merge_names, 1);
	names->pool = pool;
	names->luser = luser;
	names->mailbox = mailbox;
	names->separator = mail_namespace_get_sep(ns);
	hash_table_create(&names->known, pool, 0, str_hash, strcmp);
	return names;
}

void lazy_expunge_merge_names_deinit(struct lazy_expunge_merge_names **_names)
{
	struct lazy_expunge_merge_names *names = *_names;

	*_names = NULL;
	hash_table_destroy(&names->known);
	pool_unref(&names->pool);
}

static int verify_name(struct lazy_expunge_user *luser,
		       struct mail_namespace *ns, const char *vname,
		       const char **error_r)
{
	struct mailbox *box = lazy_expunge_mailbox_alloc(luser, ns, vname, 0);
	int ret = mailbox_verify_create_name(box);

	if (ret < 0)
		*error_r = t_strdup(mailbox_get_last_error(box, NULL));
	mailbox_free(&box);
	return ret;
}

static const char *name_find(struct lazy_expunge_merge_names *names,
			     char *below)
{
	const char *vname = t_strdup_printf("%s%c%s", names->mailbox,
					    names->separator, below), *error;

	if (verify_name(names->luser, mail_namespace_find(
				names->luser->user->namespaces, vname),
			vname, &error) == 0)
		return vname;
	for (char *p = below; *p != '\0'; p++) {
		if (*p != names->separator && strchr("./~", *p) != NULL)
			*p = '_';
	}
	return t_strdup_printf("%s%c%s", names->mailbox, names->separator,
			       below);
}

const char *lazy_expunge_merge_names_get(struct lazy_expunge_merge_names *names,
					 const char *name, char separator)
{
	char *below = t_strdup_noconst(name);
	const char *key = below, *vname;

	for (char *p = below; *p != '\0'; p++) {
		if (*p == separator)
			*p = names->separator;
		else if (*p == names->separator)
			*p = '_';
	}
	vname = hash_table_lookup(names->known, key);
	if (vname != NULL)
		return vname;
	key = p_strdup(names->pool, key);
	vname = p_strdup(names->pool, name_find(names, below));
	hash_table_insert(names->known, key, vname);
	return vname;
}

bool lazy_expunge_merge_names_can_be(struct lazy_expunge_user *luser,
				     struct mail_namespace *ns,
				     const char *mailbox, const char **error_r)
{
	return verify_name(luser, ns, t_strdup_printf("%s%cINBOX", mailbox,
				mail_namespace_get_sep(ns)), error_r) == 0;
}
