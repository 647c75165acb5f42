#ifndef LAZY_EXPUNGE_SETTINGS_H
#define LAZY_EXPUNGE_SETTINGS_H

/* The settings as the rest of the plugin sees them, the same on every Dovecot
   version. src/settings/ fills the struct. */

/* In the name of the storage it stands for that of the mailbox that mail comes
   from. */
#define LAZY_EXPUNGE_MAILBOX_VARIABLE "%{event:mailbox}"

enum lazy_expunge_on_failure {
	/* The mail stays in its mailbox and the client gets an error. */
	LAZY_EXPUNGE_ON_FAILURE_REFUSE = 0,
	/* The mail is expunged without being kept, with a warning. */
	LAZY_EXPUNGE_ON_FAILURE_EXPUNGE
};

/* The bounds of the look for other copies of a mail. */
struct lazy_expunge_look_bounds {
	/* what one look may read, and how long it may take */
	unsigned int mails, msecs;
	/* GUIDs of an account that are remembered, 12 bytes each */
	unsigned int remember;
	/* how long, 0 = as long as the session */
	unsigned int age_secs;
};

#define LAZY_EXPUNGE_LOOK_MAILS 20000
#define LAZY_EXPUNGE_LOOK_MSECS 250
#define LAZY_EXPUNGE_LOOK_REMEMBER 400000
#define LAZY_EXPUNGE_LOOK_AGE_SECS 0

#define LAZY_EXPUNGE_ACCOUNT_KEEP_SECS (30 * 24 * 60 * 60)

struct lazy_expunge_settings {
	/* The storage as configured. "" = the plugin does nothing. A trailing
	   namespace separator selects namespace mode. With
	   LAZY_EXPUNGE_MAILBOX_VARIABLE in it, it is the name of a storage for
	   each mailbox. */
	const char *storage;
	/* NULL-terminated: mailbox names, wildcards and \Special-use flags. */
	const char *const *exclude;
	/* Byte cap of the storage, 0 = none. */
	uint64_t max_storage;
	enum lazy_expunge_on_failure on_failure;
	struct lazy_expunge_look_bounds look;
	bool only_last_instance;
	bool quota_ignore;
	bool hidden;
	bool protect;
	bool origin;
	bool shared;
	/* nothing leaves the storage for good */
	bool hold;
	/* how long a deleted account can come back, in seconds; 0 = who deletes
	   it must say */
	unsigned int account_keep;
	/* 2.3: URI of the dict of the catalog, NULL = none. On 2.4 it is a
	   filter with a dict in it. */
	const char *catalog;
	/* Non-NULL: the settings could not be read, nothing else in the struct
	   is to be trusted and nothing may be deleted. The text names the
	   setting and the value. */
	const char *error;
};

/* Parse the value of a setting. Return 0, or -1 and an error that names the
   setting and the value. The error is allocated from the data stack. */
int lazy_expunge_settings_parse_bool(const char *key, const char *value,
				     bool *value_r, const char **error_r);
/* value: bytes with an optional unit (k, M, G, T, also kB and KiB; powers of
   1024), "0", "unlimited" and "" mean no cap. */
int lazy_expunge_settings_parse_size(const char *key, const char *value,
				     uint64_t *bytes_r, const char **error_r);
/* value: a whole number. */
int lazy_expunge_settings_parse_number(const char *key, const char *value,
				       unsigned int *num_r,
				       const char **error_r);
int lazy_expunge_settings_parse_on_failure(const char *key, const char *value,
				enum lazy_expunge_on_failure *value_r,
				const char **error_r);
/* Checks that each bound is one with which a look can be done, and with which
   other sessions need not wait too long for it. */
int lazy_expunge_settings_check_look(
	const struct lazy_expunge_look_bounds *look, const char **error_r);
/* Checks that a storage name can be used at all: not only separators, no
   control characters, valid UTF-8, not the INBOX. */
int lazy_expunge_settings_check_storage(const char *key, const char *value,
					const char **error_r);

/* TRUE if the exclude list covers every mailbox. */
bool lazy_expunge_settings_protect_nothing(
	const struct lazy_expunge_settings *set);

#endif
