#ifndef LAZY_EXPUNGE_DOVEADM_ACCOUNT_USER_H
#define LAZY_EXPUNGE_DOVEADM_ACCOUNT_USER_H

/* What is to be known of a user whose account is moved. */

#include "accounts/places.h"

struct lazy_expunge_account_cmd;
struct mail_storage_service_ctx;
struct mail_user;

struct lazy_expunge_account_user {
	/* as userdb writes it */
	const char *username;
	/* with whose rights mail processes work, and with those of which groups */
	uid_t uid;
	ARRAY(gid_t) gids;
	ARRAY_TYPE(lazy_expunge_place_path) paths;
	ARRAY_TYPE(lazy_expunge_account_namespace) namespaces;
	/* lazy_expunge_account_keep, lazy_expunge_hold */
	unsigned int keep_secs;
	bool hold;
	/* lock_method is not dotlock */
	bool kernel_locks;
	/* the acl plugin is loaded for the user */
	bool acl_loaded;
	/* -1 = not known. They are what indexes say, unless it was exact. */
	int64_t messages, bytes;
	/* of a failure: the plugin's settings are wrong */
	bool misconfigured;
};

/* Look the user up. exact: count the messages in all mailboxes as they are now.
   Returns 1, 0 if userdb does not know the user, -1 and the error (data
   stack). */
int lazy_expunge_account_user_get(struct lazy_expunge_account_cmd *cmd,
				  const char *username, bool exact,
				  struct lazy_expunge_account_user *user_r,
				  const char **error_r);
/* Say what it returned 0 or -1 for; unknown is said if userdb does not know the user.
   Returns FALSE. */
bool lazy_expunge_account_user_fail(struct lazy_expunge_account_cmd *cmd,
				    const struct lazy_expunge_account_user *user,
				    int ret, const char *error,
				    const char *unknown);
typedef void lazy_expunge_account_user_callback_t(struct mail_user *user,
						  void *context);
/* Call back for all users that userdb lists, with their rights. Where it cannot list
   them those of the catalog are taken, if there is one, which is said. Who cannot be
   looked up is said. Returns 0, or -1 and the error. */
int lazy_expunge_account_user_each(struct lazy_expunge_account_cmd *cmd,
				   lazy_expunge_account_user_callback_t *callback,
				   void *context, const char **error_r);
typedef void
lazy_expunge_account_user_with_t(struct mail_storage_service_ctx *service,
				 struct mail_user *user, void *context);
/* Call back for the user, with that user's rights. Returns 0, or -1 and the
   error, also if userdb does not know the user. */
int lazy_expunge_account_user_with(const char *username,
				   lazy_expunge_account_user_with_t *callback,
				   void *context, const char **error_r);
/* Have the registry look where accounts of all users that userdb lists would be
   among the deleted, and of those whose directories lie beside theirs. Returns 0,
   or -1 and the error. */
int lazy_expunge_account_user_add_all(struct lazy_expunge_account_cmd *cmd,
				      const char **error_r);

#endif
