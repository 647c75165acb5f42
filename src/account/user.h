#ifndef LAZY_EXPUNGE_USER_H
#define LAZY_EXPUNGE_USER_H

/* What the plugin knows of a user: settings, where the storages are, the lock
   of the account. Lives in the user's pool. */

#include "module-context.h"
#include "mail-user.h"
#include "mail-storage.h"
#include "core/setting-values.h"

struct lazy_expunge_user;
struct mail_namespace;
struct mailbox;
struct mailbox_list;

/* One configured storage. */
struct lazy_expunge_storage {
	/* as configured */
	const char *setting;
	/* namespace mode: every mailbox of ns is the storage */
	bool ns_mode;
	/* NULL if it could not be found, then error says why */
	struct mail_namespace *ns;
	const char *error;
	/* mailbox mode: name below the namespace's prefix */
	const char *name;
	/* lists that were held against that of ns (storage-identity.c) */
	struct lazy_expunge_storage_list *lists;
};
ARRAY_DEFINE_TYPE(lazy_expunge_storage, struct lazy_expunge_storage *);

typedef void lazy_expunge_user_deinit_t(struct lazy_expunge_user *luser,
					void *context);

struct lazy_expunge_user_deinit {
	lazy_expunge_user_deinit_t *callback;
	void *context;
};

struct lazy_expunge_user {
	struct mail_user *user;
	struct lazy_expunge_settings set;

	/* resolved when first asked for, anew when namespaces are added */
	ARRAY_TYPE(lazy_expunge_storage) storages;
	pool_t storages_pool;
	bool storages_resolved;

	struct lazy_expunge_lock *lock;
	/* lazy_expunge_user_on_deinit() */
	ARRAY(struct lazy_expunge_user_deinit) deinits;
	/* >0 while the plugin itself allocates a mailbox */
	unsigned int internal_alloc;

	/* doveadm or another service of the administrator, not a user */
	bool by_admin;
};

/* The context of the user, created when it is not there. One for both modules
   of a process: its lock, its marks and what it allocates are known to each.
   Whoever created it calls lazy_expunge_user_deinit(). */
struct lazy_expunge_user *lazy_expunge_user_get(struct mail_user *user);
/* The context if there is one. */
struct lazy_expunge_user *lazy_expunge_user_find(struct mail_user *user);

/* Allocate a mailbox for the plugin's own use: no ACLs, no protection. */
struct mailbox *
lazy_expunge_mailbox_alloc(struct lazy_expunge_user *luser,
			   struct mail_namespace *ns, const char *vname,
			   enum mailbox_flags flags);
/* All configured storages of the user, found or not. */
const ARRAY_TYPE(lazy_expunge_storage) *
lazy_expunge_user_storages(struct lazy_expunge_user *luser);
/* Forget where the storages are: namespaces were added. */
void lazy_expunge_user_storages_reset(struct lazy_expunge_user *luser);
/* The storage for a setting's value, NULL if it is not configured. */
struct lazy_expunge_storage *
lazy_expunge_user_storage_find(struct lazy_expunge_user *luser,
			       const char *setting);

/* TRUE if the namespace is a storage as a whole. */
bool lazy_expunge_is_storage_namespace(struct lazy_expunge_user *luser,
				       struct mail_namespace *ns);
/* The storage that the mailbox belongs to, NULL if to none, by what it is on
   disk. vname is the full virtual name in the namespace. */
struct lazy_expunge_storage *
lazy_expunge_storage_match(struct lazy_expunge_user *luser,
			   struct mail_namespace *ns, const char *vname);
/* The same by the storage's own name alone, for what makes names of names. */
struct lazy_expunge_storage *
lazy_expunge_storage_match_name(struct lazy_expunge_user *luser,
			   struct mail_namespace *ns, const char *vname);
/* vname without the namespace's prefix. */
const char *lazy_expunge_name_without_prefix(struct mail_namespace *ns,
					     const char *vname);
/* A name for the storage that the list's layout can hold: the name itself, or,
   where it breaks the layout's rules, one with =xx for the characters that do.
   Names are below the namespace prefix. Data stack. */
const char *lazy_expunge_storage_legal_name(struct mailbox_list *list,
					    const char *name);
/* The full virtual name of the mailbox of a storage whose namespace is known, or
   of namespace mode any. Data stack. */
const char *
lazy_expunge_storage_vname(const struct lazy_expunge_storage *storage);
/* The same made of the legal name. Not of namespace mode. */
const char *
lazy_expunge_storage_legal_vname(const struct lazy_expunge_storage *storage);

/* What hangs on the user elsewhere and must be freed with it: have callback
   called by lazy_expunge_user_deinit(), once. The user's context knows nobody
   else who needs it. */
void lazy_expunge_user_on_deinit(struct lazy_expunge_user *luser,
				 lazy_expunge_user_deinit_t *callback,
				 void *context);
/* Free what does not live in the user's pool. The user can be used again. */
void lazy_expunge_user_deinit(struct lazy_expunge_user *luser);

#endif
