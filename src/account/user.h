#ifndef LAZY_EXPUNGE_USER_H
#define LAZY_EXPUNGE_USER_H

/* What the plugin knows of a user. Lives in the user's pool. */

#include "module-context.h"
#include "mail-user.h"
#include "mail-storage.h"
#include "core/setting-values.h"

struct lazy_expunge_storage;
struct lazy_expunge_user;
struct mail_namespace;
struct mailbox;

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

	/* lazy_expunge_user_storages(): resolved when first asked for, anew
	   when namespaces are added */
	ARRAY_TYPE(lazy_expunge_storage) storages;
	/* settings that are another name for one of them */
	struct lazy_expunge_storage *storage_aliases;
	pool_t storages_pool;
	bool storages_resolved;
	/* lazy_expunge_user_caps(), read with them; NULL before */
	const char *caps;
	bool has_cap;

	/* lazy_expunge_lock_get(), NULL before the first */
	struct lazy_expunge_lock *lock;
	/* lazy_expunge_holds_get(), NULL before the first */
	struct lazy_expunge_holds_cache *holds;
	/* lazy_expunge_user_on_deinit() */
	ARRAY(struct lazy_expunge_user_deinit) deinits;
	/* account/origin-names.h, NULL before the first */
	struct lazy_expunge_origin_names *origin_names;
	/* account/trail.h, NULL before the first */
	struct lazy_expunge_trail *trail;
	/* account/deletions.h, NULL before the first */
	struct lazy_expunge_deletions *deletions;
	/* >0 while the plugin itself allocates a mailbox */
	unsigned int internal_alloc;

	/* for its row in the catalog: mail came to the storages or left them, or
	   came to a mailbox with a retention, or a hold changed */
	bool catalog_changed;
	/* so many of its mails were deleted and kept in this process */
	unsigned int kept;
	/* doveadm or another service of the administrator, not a user */
	bool by_admin;
	/* the mail plugin's: lives as long as the user */
	bool by_hooks;
};

/* The context of the user, created when it is not there. One for both modules
   of a process: its lock, its marks and what it allocates are known to each.
   To be given back by lazy_expunge_user_release(). */
struct lazy_expunge_user *lazy_expunge_user_get(struct mail_user *user);
/* The context if there is one. */
struct lazy_expunge_user *lazy_expunge_user_find(struct mail_user *user);

/* Allocate a mailbox for the plugin's own use: no ACLs, no protection. */
struct mailbox *
lazy_expunge_mailbox_alloc(struct lazy_expunge_user *luser,
			   struct mail_namespace *ns, const char *vname,
			   enum mailbox_flags flags);
/* What hangs on the user elsewhere and must be freed with it: have callback
   called by lazy_expunge_user_deinit(), once. The user's context knows nobody
   else who needs it. */
void lazy_expunge_user_on_deinit(struct lazy_expunge_user *luser,
				 lazy_expunge_user_deinit_t *callback,
				 void *context);
/* Free what does not live in the user's pool. The user can be used again. */
void lazy_expunge_user_deinit(struct lazy_expunge_user *luser);
/* The same, if the mail plugin is not loaded: else its hooks do it when the user
   ends. */
void lazy_expunge_user_release(struct lazy_expunge_user *luser);

#endif
