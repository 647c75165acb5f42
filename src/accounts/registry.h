#ifndef LAZY_EXPUNGE_REGISTRY_H
#define LAZY_EXPUNGE_REGISTRY_H

/* Which accounts lie among the deleted. Each has its record beside it, so that
   what is there is known as long as it is there. In which directories to look is
   a list in Dovecot's state directory, and where that is lost, found by the
   users' homes. The errors are on the data stack. */

#include "core/account-record.h"

struct file_lock;

ARRAY_DEFINE_TYPE(lazy_expunge_account, struct lazy_expunge_account *);

struct lazy_expunge_registry {
	pool_t pool;
	/* directories of deleted accounts, each once */
	ARRAY_TYPE(const_string) dirs;
	ARRAY_TYPE(lazy_expunge_account) accounts;
	/* records that cannot be read: texts */
	ARRAY_TYPE(const_string) errors;
};

/* Begin with the directories of the list. state_dir is Dovecot's. Returns 0, or
   -1 and the error if there is a list that cannot be read. */
int lazy_expunge_registry_init(struct lazy_expunge_registry *registry_r,
			       const char *state_dir, const char **error_r);
void lazy_expunge_registry_deinit(struct lazy_expunge_registry *registry);
/* Look in this directory, too. */
void lazy_expunge_registry_add_dir(struct lazy_expunge_registry *registry,
				   const char *dir);
/* Read the records, the latest deletion first. What cannot be read is among the
   errors. */
void lazy_expunge_registry_read(struct lazy_expunge_registry *registry);
/* Remove what commands that were killed have left in the directories: locks, and
   directories of accounts in which no record and no part of one lies. Call it
   while no name is locked. What does not go now goes another time. */
void lazy_expunge_registry_tidy(struct lazy_expunge_registry *registry,
				time_t now);
/* NULL if there is none. */
struct lazy_expunge_account *
lazy_expunge_registry_find(struct lazy_expunge_registry *registry,
			   const char *id);

/* Remember the directory in the list. */
int lazy_expunge_registry_remember(const char *state_dir, const char *dir,
				   const char **error_r);
/* Write the account's record: it is on disk when this returns. */
int lazy_expunge_registry_write(const struct lazy_expunge_account *account,
				const char **error_r);
/* Write the record with another step. */
int lazy_expunge_registry_step(struct lazy_expunge_account *account,
			       enum lazy_expunge_account_step step,
			       const char **error_r);
/* Read one again. Returns 1, 0 if it is gone, -1 and the error. */
int lazy_expunge_registry_reread(pool_t pool,
				 struct lazy_expunge_account *account,
				 const char **error_r);
/* Lock the name of a user in the directory, without waiting. Returns 1, 0 if
   another command is at work, -1 and the error. */
int lazy_expunge_registry_lock(const char *dir, const char *user,
			       struct file_lock **lock_r, const char **error_r);

#endif
