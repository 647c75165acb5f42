#ifndef LAZY_EXPUNGE_SESSIONS_H
#define LAZY_EXPUNGE_SESSIONS_H

/* What the sessions of a protocol have: a user with the settings, the userdb's
   fields and the plugins as a process of that protocol gets them, and not as
   doveadm does. */

struct mail_user;
struct lazy_expunge_sessions;

enum lazy_expunge_sessions_source {
	/* the configuration's files, as a Dovecot that is started now reads
	   them */
	LAZY_EXPUNGE_SESSIONS_FILES,
	/* what the running Dovecot gives to the processes that it starts */
	LAZY_EXPUNGE_SESSIONS_RUNNING
};

/* Read a configuration, as root. Returns NULL if it cannot be read: with an
   error, or with error = NULL if there is no running Dovecot. Allocated from
   the pool. */
struct lazy_expunge_sessions *
lazy_expunge_sessions_read(const char *config_path,
			   enum lazy_expunge_sessions_source source,
			   pool_t pool, const char **error_r);
/* Takes NULL. */
void lazy_expunge_sessions_free(struct lazy_expunge_sessions **sessions);

/* The user of doveadm as the protocol has it. Returns 0, or -1 and the error
   (data stack). Free it with the function below. */
int lazy_expunge_sessions_user(struct lazy_expunge_sessions *sessions,
			       const char *protocol, struct mail_user *like,
			       struct mail_user **user_r,
			       const char **error_r);
/* TRUE if the last user should have the acl plugin, which this process has not:
   what ACLs say of the user's rights cannot be told. */
bool lazy_expunge_sessions_lack_acl(const struct lazy_expunge_sessions *sessions);
void lazy_expunge_sessions_user_free(struct mail_user **user);

#endif
