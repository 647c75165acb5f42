#ifndef LAZY_EXPUNGE_DOVEADM_ACCOUNT_COMMAND_H
#define LAZY_EXPUNGE_DOVEADM_ACCOUNT_COMMAND_H

/* What the commands over whole accounts share. They are no mail commands: they
   look up users by themselves, and rename with the rights of who runs them. */

#include "accounts/registry.h"

#define LAZY_EXPUNGE_ACCOUNT_FORMAT DOVEADM_PRINT_TYPE_TABLE

struct doveadm_cmd_context;
struct lazy_expunge_account;

struct lazy_expunge_account_cmd {
	const struct doveadm_cmd_context *cctx;
	pool_t pool;
	/* Dovecot's */
	const char *base_dir, *state_dir;
	struct lazy_expunge_registry registry;
	/* of names, and which: directory and user */
	ARRAY(struct file_lock *) locks;
	ARRAY_TYPE(const_string) locked;
	time_t now;
};

typedef void lazy_expunge_account_cmd_run_t(struct lazy_expunge_account_cmd *cmd);

/* A whole command, from its options to its exit code: read which directories
   there are, add the columns, and run it. */
void lazy_expunge_account_cmd_run(struct doveadm_cmd_context *cctx,
				  void (*headers)(void),
				  lazy_expunge_account_cmd_run_t *run);
/* Say what is wrong and set the exit code. Always returns FALSE. */
bool lazy_expunge_account_cmd_fail(struct lazy_expunge_account_cmd *cmd,
				   int exit_code, const char *error);
/* A line for the person at the terminal. */
void lazy_expunge_account_cmd_say(struct lazy_expunge_account_cmd *cmd,
				  const char *text);
/* An option with a text, NULL if it was not given. */
const char *lazy_expunge_account_cmd_param(struct lazy_expunge_account_cmd *cmd,
					   const char *name);
bool lazy_expunge_account_cmd_flag(struct lazy_expunge_account_cmd *cmd,
				   const char *name);
/* Lock the name of a user in a directory of deleted accounts, which is made.
   Returns FALSE if that fails, which was said. */
bool lazy_expunge_account_cmd_lock(struct lazy_expunge_account_cmd *cmd,
				   const char *dir, const char *user);
/* The deleted account of this id: lock it and read it anew. NULL if there is
   none or it cannot be locked, which was said. */
struct lazy_expunge_account *
lazy_expunge_account_cmd_find(struct lazy_expunge_account_cmd *cmd,
			      const char *id);
/* Put the directories that have accounts into the list, if it has them not. */
void lazy_expunge_account_cmd_remember(struct lazy_expunge_account_cmd *cmd);
/* The command that ends the open step of the account (data stack), "" if none is
   open. */
const char *lazy_expunge_account_cmd_next(const struct lazy_expunge_account *account);

#endif
