#ifndef LAZY_EXPUNGE_RESTORE_QUOTA_H
#define LAZY_EXPUNGE_RESTORE_QUOTA_H

/* The quota in a plan of restore: which mails would fit? It asks the quota
   plugin, if that is loaded. */

#include "account/error.h"

struct lazy_expunge_user;
struct lazy_expunge_restore_quota;

/* To be asked of mail in a storage that does not count. NULL if nothing limits
   what is restored. With the trash plugin, which would make room, it cannot be
   told: NULL, too. */
struct lazy_expunge_restore_quota *
lazy_expunge_restore_quota_init(struct lazy_expunge_user *luser);
/* Mails are tried for the mailbox next, whether it exists or not. Takes NULL. */
void lazy_expunge_restore_quota_begin(struct lazy_expunge_restore_quota *quota,
				      const char *vname);
/* Returns 0 if the mail fits beside all that fitted before, -1 and the error if
   not. Takes NULL: all fits. */
int lazy_expunge_restore_quota_try(struct lazy_expunge_restore_quota *quota,
				   struct mail *mail,
				   struct lazy_expunge_error *error_r);
void lazy_expunge_restore_quota_end(struct lazy_expunge_restore_quota *quota);
/* Takes NULL. */
void lazy_expunge_restore_quota_deinit(
				struct lazy_expunge_restore_quota **quota);

#endif
