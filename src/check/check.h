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

/* "imap", "pop3", ... */
const char *
lazy_expunge_check_protocol_name(enum lazy_expunge_check_protocol protocol);

struct lazy_expunge_sessions;
struct mail_user;

/* What is known of the whole configuration, before a user's process has given
   up its rights to read it. */
struct lazy_expunge_check_config {
	/* doveconf's output of protocols, NULL = could not be found out */
	const char *protocols;
	/* and of lazy_expunge_exclude, variables unexpanded */
	const char *exclude;
	/* and of all that is set, NULL likewise */
	const char *text;
	/* what sessions get by the files, and by the Dovecot that runs: NULL if
	   none does, or it could not be asked */
	struct lazy_expunge_sessions *files, *running;
	const char *files_error, *running_error;
	/* where the two are read, and where Dovecot's programs are: NULL = not
	   known */
	const char *config_path, *socket_path, *libexec_dir;
};

/* Allocated from the pool, and to be freed before it. */
void lazy_expunge_check_config_read(struct lazy_expunge_check_config *config_r,
				    const char *config_path, pool_t pool);
void lazy_expunge_check_config_free(struct lazy_expunge_check_config *config);

/* FALSE if it is a service that the configuration turns off. */
bool lazy_expunge_check_protocol_is_enabled(
	const struct lazy_expunge_check_config *config,
	enum lazy_expunge_check_protocol protocol);

/* What to do about a storage that is in error. */
const char *
lazy_expunge_check_storage_remedy(const struct lazy_expunge_storage *storage);
/* Modules: the loaded file, others of its name. */
void lazy_expunge_check_modules(struct lazy_expunge_findings *findings,
				struct lazy_expunge_user *luser);
/* Each protocol: is what its sessions delete kept, and of which mailboxes? */
void lazy_expunge_check_protocols(
	struct lazy_expunge_findings *findings, struct lazy_expunge_user *luser,
	const struct lazy_expunge_check_config *config);
/* What is set for some addresses or on a service's command line: says something
   only where there is any. */
void lazy_expunge_check_elsewhere(
	struct lazy_expunge_findings *findings,
	const struct lazy_expunge_check_config *config);
/* The exclude list: says something only where it is not what is configured. */
void lazy_expunge_check_exclude(struct lazy_expunge_findings *findings,
				struct lazy_expunge_user *luser,
				const struct lazy_expunge_check_config *config);
/* The format of the user's own mail: one that the plugin knows? */
void lazy_expunge_check_format(struct lazy_expunge_findings *findings,
			       struct lazy_expunge_user *luser);
/* Settings and storage: name, retention, caps, visibility, quota, ACL. */
void lazy_expunge_check_storage(struct lazy_expunge_findings *findings,
				struct lazy_expunge_user *luser,
				const struct lazy_expunge_check_config *config,
				time_t now);
/* What imap shows of the storages, and what it lets users do there. */
void lazy_expunge_check_visibility(
	struct lazy_expunge_findings *findings, struct lazy_expunge_user *luser,
	const struct lazy_expunge_check_config *config);
/* How long imap's sessions keep mail by the mailbox blocks: says something only
   where what runs has another time than the files. */
void lazy_expunge_check_blocks(struct lazy_expunge_findings *findings,
			       struct mail_user *running,
			       struct mail_user *files);
/* mdbox: FALSE and a row if the storage's index is lost. Opening it would hide
   that. */
bool lazy_expunge_check_index(struct lazy_expunge_findings *findings,
			      struct lazy_expunge_user *luser,
			      struct lazy_expunge_storage *storage);
/* Whether ACLs leave the user no right to see the storage among the mailboxes,
   and none to take away for good what is in it. */
void lazy_expunge_check_acl_denies(struct lazy_expunge_user *luser,
				   struct lazy_expunge_storage *storage,
				   bool *looking_r, bool *deleting_r);
/* The rights in the storage, of the user and of others. closed: it is hidden or
   protected; protected: by a setting, for what ACLs allow. */
void lazy_expunge_check_acl(struct lazy_expunge_findings *findings,
			    struct lazy_expunge_user *luser,
			    struct lazy_expunge_storage *storage,
			    bool closed, bool protected);
/* Holds: can they be read, is the storage that they hold still there? */
void lazy_expunge_check_hold(struct lazy_expunge_findings *findings,
			     struct lazy_expunge_user *luser);
/* Says something only where an erase was cut off. */
void lazy_expunge_check_erase(struct lazy_expunge_findings *findings,
			      struct lazy_expunge_user *luser);
/* The account: home, last maintenance, what waits to be purged. never_used: as it
   was before the other functions, which may make directories. */
void lazy_expunge_check_account(struct lazy_expunge_findings *findings,
				struct lazy_expunge_user *luser,
				bool never_used, time_t now);
/* The catalog, where one is set: can it be read and written, and is the user's row
   up to date? */
void lazy_expunge_check_catalog(struct lazy_expunge_findings *findings,
				struct lazy_expunge_user *luser,
				bool never_used, time_t now);
/* Save a probe mail, delete it as each protocol does, find it in the storage, for
   doveadm also restore it, and take everything away again. */
void lazy_expunge_check_live(struct lazy_expunge_findings *findings,
			     struct lazy_expunge_user *luser,
			     const struct lazy_expunge_check_config *config);

#endif
