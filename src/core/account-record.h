#ifndef LAZY_EXPUNGE_ACCOUNT_RECORD_H
#define LAZY_EXPUNGE_ACCOUNT_RECORD_H

/* What is written down of an account that was deleted, or is being moved, as
   text. Pure. A record that is not whole is none.

   The first line names the format, and each other a field: its name and values
   that are separated by tabs and escaped as Dovecot does it (str_tabescape()).
   The last one is "end". */

#include "lib.h"
#include "array.h"

/* bytes; more is no record */
#define LAZY_EXPUNGE_ACCOUNT_RECORD_MAX (1024 * 1024)
/* the longest id */
#define LAZY_EXPUNGE_ACCOUNT_ID_MAX 200

enum lazy_expunge_account_step {
	/* its parts are being taken away from its name */
	LAZY_EXPUNGE_ACCOUNT_TAKING = 0,
	/* it lies among the deleted */
	LAZY_EXPUNGE_ACCOUNT_DELETED,
	/* its parts are being brought to a name */
	LAZY_EXPUNGE_ACCOUNT_BRINGING,
	/* it is there, and what others have of its old name is being changed */
	LAZY_EXPUNGE_ACCOUNT_TELLING,
	/* it lies among the deleted, and its mail is being copied to another */
	LAZY_EXPUNGE_ACCOUNT_MERGING,
	/* it is being removed for good */
	LAZY_EXPUNGE_ACCOUNT_PURGING
};

/* What is renamed as a whole. */
struct lazy_expunge_account_part {
	/* where it was, where it lies among the deleted */
	const char *from, *to;
	/* where it is brought to, "" = nowhere yet */
	const char *dest;
	/* nobody misses it when it is gone: a volatile directory */
	bool is_volatile;
};

/* What a setting says of where something is. */
struct lazy_expunge_account_place {
	/* names the setting, the same for all users */
	const char *key;
	/* the part in which it is, and where there: "" or "/…" */
	unsigned int part;
	const char *below;
};

/* The setting of where attachments lie, as Dovecot 2.4 calls it: not with the rest if
   all users have the directory together. */
#define LAZY_EXPUNGE_ACCOUNT_ATTACHMENTS "mail_ext_attachment_path"

/* How mail of a namespace is to be read without the settings of then. */
struct lazy_expunge_account_setting {
	/* as Dovecot 2.4 calls it */
	const char *name, *value;
};

/* What in a namespace was a storage. */
struct lazy_expunge_account_storage {
	/* below the prefix: the mailbox, or with tree what is before and after
	   the name that mail comes from */
	const char *name, *name_end;
	bool tree;
};

/* A private namespace. */
struct lazy_expunge_account_namespace {
	const char *prefix;
	char separator;
	/* it has the INBOX */
	bool inbox;
	ARRAY(struct lazy_expunge_account_setting) settings;
	ARRAY(struct lazy_expunge_account_storage) storages;
};
ARRAY_DEFINE_TYPE(lazy_expunge_account_namespace,
		  struct lazy_expunge_account_namespace);

struct lazy_expunge_account {
	const char *id, *user;
	/* who deleted it, texts may be "" */
	const char *by;
	/* to whom it is brought, "" = to nobody yet */
	const char *target;
	/* below which mailbox of the target its mail is, or is being, copied.
	   "" = it is not */
	const char *mailbox;
	enum lazy_expunge_account_step step;
	time_t deleted;
	/* until when it is kept, 0 = for ever */
	time_t kept_until;
	/* it is deleted only to be brought to its new name */
	bool renaming;
	/* lazy_expunge_hold was set for the user */
	bool held;
	/* -1 = not known */
	int64_t messages, bytes;
	/* the first one has the INBOX */
	ARRAY(struct lazy_expunge_account_part) parts;
	ARRAY(struct lazy_expunge_account_place) places;
	/* where a setting has a place at which there was nothing when the parts
	   were looked for. Not in the record. */
	ARRAY_TYPE(const_string) absent;
	/* the settings have no dotlocks: known when it was looked up. Not in
	   the record. */
	bool kernel_locks;
	/* none if an earlier version has written it */
	ARRAY_TYPE(lazy_expunge_account_namespace) namespaces;
};

/* The id of the user's account that is deleted now: a file name (data stack).
   random tells two of one second apart. */
const char *lazy_expunge_account_make_id(const char *user, time_t now,
					 uint32_t random);
/* TRUE if the text can be an id: a file name that begins with no dot. */
bool lazy_expunge_account_is_id(const char *text);
/* What list and messages call the step. */
const char *lazy_expunge_account_step_name(enum lazy_expunge_account_step step);

/* Append the whole record. */
void lazy_expunge_account_append(string_t *dest,
				 const struct lazy_expunge_account *account);
/* Read a whole record, allocated from the pool. Returns 0, or -1 and the error
   (data stack), which names the line. */
int lazy_expunge_account_parse(const char *text, size_t size, pool_t pool,
			       struct lazy_expunge_account *account_r,
			       const char **error_r);

/* Everything of path up to its last component (data stack). */
const char *lazy_expunge_path_parent(const char *path);
/* TRUE if path is dir or below it. */
bool lazy_expunge_account_path_is_below(const char *path, const char *dir);
/* TRUE if a component of the path is the user's name or its local part. */
bool lazy_expunge_account_path_names_user(const char *path, const char *user);
/* TRUE if the path has the user's name where the setting, of which it was made,
   has a variable. */
bool lazy_expunge_account_setting_names_user(const char *setting,
					     const char *path,
					     const char *user);

#endif
