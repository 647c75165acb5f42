#ifndef LAZY_EXPUNGE_CHECK_H
#define LAZY_EXPUNGE_CHECK_H

/* Is a user's mail protected as the administrator thinks? Each function adds
   its rows; none changes anything, but for the live one, which cleans up. */

#include "core/findings.h"
#include "account/user.h"

enum lazy_expunge_check_protocol {
	LAZY_EXPUNGE_CHECK_IMAP,
	LAZY_EXPUNGE_CHECK_POP3,
	LAZY_EXPUNGE_CHECK_LMTP,
	LAZY_EXPUNGE_CHECK_LDA,
	LAZY_EXPUNGE_CHECK_DOVEADM,

	LAZY_EXPUNGE_CHECK_PROTOCOLS
};

/* What is known of the whole configuration, before a user's process has given
   up its rights to read it. NULL = could not be found out. */
struct lazy_expunge_check_config {
	/* doveconf's output of protocols, and of mail_plugins outside of and
	   in each */
	const char *protocols, *all_mail_plugins;
	const char *mail_plugins[LAZY_EXPUNGE_CHECK_PROTOCOLS];
};

/* Strings are allocated from the pool. */
void lazy_expunge_check_config_read(struct lazy_expunge_check_config *config_r,
				    const char *config_path, pool_t pool);

/* Modules: the loaded file, others of its name, each protocol. */
void lazy_expunge_check_modules(struct lazy_expunge_findings *findings,
				struct lazy_expunge_user *luser,
				const struct lazy_expunge_check_config *config);
/* Settings and storage: name, retention, caps, visibility, quota, ACL. */
void lazy_expunge_check_storage(struct lazy_expunge_findings *findings,
				struct lazy_expunge_user *luser, time_t now);
/* The user's rights in the storage's mailbox vname. */
void lazy_expunge_check_acl(struct lazy_expunge_findings *findings,
			    struct lazy_expunge_user *luser,
			    struct lazy_expunge_storage *storage,
			    const char *vname);
/* The account: home, last maintenance, what waits to be purged. */
void lazy_expunge_check_account(struct lazy_expunge_findings *findings,
				struct lazy_expunge_user *luser, time_t now);
/* Save a probe mail in a mailbox of its own, delete it, find it in the storage,
   restore it, and take everything away again. */
void lazy_expunge_check_live(struct lazy_expunge_findings *findings,
			     struct lazy_expunge_user *luser);

#endif
