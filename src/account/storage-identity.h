#ifndef STORAGE_IDENTITY_H
#define STORAGE_IDENTITY_H

/* What a storage is on disk, whatever name a mailbox of it is shown under: by
   another spelling, an alias, a second namespace over the same location. */

struct lazy_expunge_storage;
struct lazy_expunge_user;
struct mail_namespace;

/* TRUE if the mailbox is of the storage. vname is the full virtual name in the
   namespace; that it is not the storage's own name is known. */
bool lazy_expunge_storage_is_on_disk(struct lazy_expunge_user *luser,
				     struct lazy_expunge_storage *storage,
				     struct mail_namespace *ns,
				     const char *vname);
/* TRUE if the first storage is the second, or one of its mailboxes. Their
   namespaces are known. */
bool lazy_expunge_storage_is_within(struct lazy_expunge_user *luser,
				    struct lazy_expunge_storage *storage,
				    struct lazy_expunge_storage *other);
/* TRUE if the storage's mailbox (not of namespace mode) lies below the mailbox
   of this name. */
bool lazy_expunge_storage_is_below(struct lazy_expunge_user *luser,
				   struct lazy_expunge_storage *storage,
				   struct mail_namespace *ns,
				   const char *vname);
/* The namespace of the storage is known. TRUE if what is there is, or shares
   files with, the mail that is not deleted: then *error_r says what is to be
   corrected (from the storages' pool). */
bool lazy_expunge_storage_is_live(struct lazy_expunge_user *luser,
				  struct lazy_expunge_storage *storage,
				  const char **error_r);

#endif
