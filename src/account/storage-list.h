#ifndef STORAGE_LIST_H
#define STORAGE_LIST_H

/* The mailboxes of a storage. */

#include "mail-storage.h"

struct lazy_expunge_storage;
struct lazy_expunge_user;
struct mail_namespace;

/* vname: as the list has it, to be opened by its raw name. Return < 0 to stop. */
typedef int lazy_expunge_storage_callback_t(struct mail_namespace *ns,
					    const char *vname, void *context);
/* Call back for each mailbox of a storage, hidden by an ACL or not, and for the
   one of lazy_expunge_storage_vname(), which not every list has and which need
   not exist. Returns what the callback returned, or -1 if it could not be listed: then
   *error_r says why, which is NULL otherwise. */
int lazy_expunge_storage_list(struct lazy_expunge_user *luser,
			      struct lazy_expunge_storage *storage,
			      lazy_expunge_storage_callback_t *callback,
			      void *context, const char **error_r,
			      enum mail_error *code_r);

#endif
