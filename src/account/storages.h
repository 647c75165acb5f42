#ifndef LAZY_EXPUNGE_STORAGES_H
#define LAZY_EXPUNGE_STORAGES_H

/* Where the storages of a user are, and what belongs to them. */

#include "account/user.h"
#include "account/storage-names.h"

/* All configured storages of the user, found or not. */
const ARRAY_TYPE(lazy_expunge_storage) *
lazy_expunge_user_storages(struct lazy_expunge_user *luser);
/* All byte caps that the configuration of the user has, as text by which a change of
   one is seen: read once, with the storages. */
const char *lazy_expunge_user_caps(struct lazy_expunge_user *luser);
/* TRUE if a byte cap is set anywhere in it. */
bool lazy_expunge_user_has_cap(struct lazy_expunge_user *luser);
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

#endif
