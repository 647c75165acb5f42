#ifndef LAZY_EXPUNGE_DOVEADM_H
#define LAZY_EXPUNGE_DOVEADM_H

/* What the commands share: options, query, the user's settings, errors. */

#include "compat/dovecot.h"
#include "account/error.h"
#include "account/user.h"
#include "core/origin-mask.h"
#include "inventory/select.h"
#include "doveadm/help.h"
#include "doveadm/progress.h"
#include "doveadm-mail.h"

struct lazy_expunge_copies_params;

#define LAZY_EXPUNGE_CMD_NOTHING "No mail in the expunge storage matches"

struct lazy_expunge_cmd {
	struct doveadm_mail_cmd_context ctx;
	/* -o, -R */
	struct lazy_expunge_origin_mask origins;
	/* -o, --since, --until, and the mails of -d while a user is done */
	struct lazy_expunge_select_range range;
	/* -d, NULL = any */
	const char *deletion;
	/* there is a search query */
	bool has_query;
	/* the options or the query were refused: do nothing */
	bool refused;
	/* settings are looked at even if the plugin is off or broken */
	bool runs_when_off;
	/* it says itself which plugin is loaded */
	bool tells_plugin;
	/* it relies on what the mail plugin does, and must not run when another
	   of its name is loaded */
	bool needs_plugin;
	/* that was said */
	bool foreign_said;
	/* -u with * or ?: of all users these, NULL = all */
	const char *mask;
	/* -j: how many processes do the users, 0 or 1 = this one */
	unsigned int jobs;
	/* a process died that was at work for a user: print its row. Needed
	   where the command has -j. */
	void (*print_died)(struct lazy_expunge_cmd *cmd);
	/* the options of the command that other processes must have, too */
	const char *const *job_options;
	/* this is one of those processes */
	bool is_worker;
	struct lazy_expunge_progress progress;
	/* over several users: how many there were, and how many of them were
	   done here and not by a doveadm server */
	unsigned int users, users_here;
	/* of these: the plugin is off for them, and lazy_expunge_cmd_found_nothing()
	   was called */
	unsigned int users_off, users_nothing;
	/* whom -A or a mask names, NULL = nobody has asked yet */
	struct lazy_expunge_all_users *all_users;
	/* next_user(): the last one, and users_here before it */
	char *next_name;
	unsigned int next_here;
	/* next_again() is asked from now on */
	bool all_read;

	/* Declare the headers and read the options. */
	void (*init)(struct lazy_expunge_cmd *cmd);
	/* Do the command's work for a user whose storage is set. Returns 0, or
	   -1 when lazy_expunge_cmd_fail() was called. */
	int (*run)(struct lazy_expunge_cmd *cmd, struct lazy_expunge_user *luser);
	/* In the place of the users that -A or -F name, as
	   doveadm_mail_cmd_vfuncs.get_next_user(). NULL = those. */
	int (*next_user)(struct lazy_expunge_cmd *cmd, const char **username_r);
	/* A user was named by next_user(), and the command did not run for it:
	   userdb does not know it, or it could not be looked up. NULL if there is
	   nothing to do. */
	void (*not_run)(struct lazy_expunge_cmd *cmd, const char *username);
	/* TRUE if there is nothing to do for the user, whose row was printed then:
	   no visit. NULL = each is visited. */
	bool (*passes_over)(struct lazy_expunge_cmd *cmd, const char *username);
	/* After the last user: one to be done again, and so on, as
	   doveadm_mail_cmd_vfuncs.get_next_user(). NULL if there is none. */
	int (*next_again)(struct lazy_expunge_cmd *cmd,
			  const char **username_r);
	/* After the last user, may print. NULL if there is nothing to do. */
	void (*deinit)(struct lazy_expunge_cmd *cmd);
};

/* Allocate a command's context, whose first member is struct lazy_expunge_cmd.
   format is what is printed without -f. */
#define lazy_expunge_cmd_alloc(type, format, init, run) \
	(type *)lazy_expunge_cmd_alloc_size(sizeof(type), format, init, run)
struct lazy_expunge_cmd *
lazy_expunge_cmd_alloc_size(size_t size, const char *format,
			    void (*init)(struct lazy_expunge_cmd *cmd),
			    int (*run)(struct lazy_expunge_cmd *cmd,
				       struct lazy_expunge_user *luser));

/* The options that lazy_expunge_cmd_init_query() reads. */
#define LAZY_EXPUNGE_CMD_QUERY_USAGE \
	"[-o <origin> ...] [-R] [-d <deletion>] [--since <time>] [--until <time>] "
#define LAZY_EXPUNGE_CMD_QUERY_PARAMS \
DOVEADM_CMD_PARAM('o', "origin", CMD_PARAM_ARRAY, 0) \
DOVEADM_CMD_PARAM('R', "recursive", CMD_PARAM_BOOL, 0) \
DOVEADM_CMD_PARAM('d', "deletion", CMD_PARAM_STR, 0) \
DOVEADM_CMD_PARAM('s', "since", CMD_PARAM_STR, 0) \
DOVEADM_CMD_PARAM('e', "until", CMD_PARAM_STR, 0) \
DOVEADM_CMD_PARAM('\0', "query", CMD_PARAM_ARRAY, CMD_PARAM_FLAG_POSITIONAL)

/* Read the range and the search query. Without a query all mails are meant, or,
   if it is required, the command is refused. */
void lazy_expunge_cmd_init_query(struct lazy_expunge_cmd *cmd, bool required);
/* The mails of the user that the query and the range find. NULL if there are none, or
   on failure: that was said then, and *ret_r is what run() returns. */
struct lazy_expunge_select *
lazy_expunge_cmd_select(struct lazy_expunge_cmd *cmd,
			struct lazy_expunge_user *luser,
			unsigned int select_flags, int *ret_r);
/* The same, but it says nothing if it finds none, and returns the selection. */
struct lazy_expunge_select *
lazy_expunge_cmd_select_quietly(struct lazy_expunge_cmd *cmd,
				struct lazy_expunge_user *luser,
				unsigned int select_flags, int *ret_r);
/* The same, with the copies of mails that passed (inventory/copies.h). */
struct lazy_expunge_select *
lazy_expunge_cmd_select_with_copies(struct lazy_expunge_cmd *cmd,
				    struct lazy_expunge_user *luser,
				    unsigned int select_flags, int *ret_r);
/* The copies of such mails alone, for a restore, of which the mails of the
   storages come first: they are back, or with
   plan would be. NULL on failure, which was said: *ret_r is what run() returns
   then. */
struct lazy_expunge_select *
lazy_expunge_cmd_select_copies(struct lazy_expunge_cmd *cmd,
			       struct lazy_expunge_user *luser,
			       const struct lazy_expunge_copies_params *params,
			       bool plan, int *ret_r);
/* Nothing was found by a selection, which is made larger: say so, or that there is
   no such origin. Over several users it is said at the end, if nothing was found of
   any. Returns what run() returns. */
int lazy_expunge_cmd_found_nothing(struct lazy_expunge_cmd *cmd,
				   struct lazy_expunge_select *select);
/* The mailboxes that were deleted as a whole and that -d or -o names, or all of
   which a restore still knows. None with a search query that takes not all. */
void lazy_expunge_cmd_find_boxes(struct lazy_expunge_cmd *cmd,
				 struct lazy_expunge_user *luser, pool_t pool,
				 ARRAY_TYPE(const_string) *boxes);
/* All mails of the user. NULL and the error on failure. */
struct lazy_expunge_select *
lazy_expunge_cmd_select_all(struct lazy_expunge_user *luser,
			    struct lazy_expunge_error *error_r);
/* Read -l, 0 = it was not given. */
void lazy_expunge_cmd_init_limit(struct lazy_expunge_cmd *cmd,
				 unsigned int *limit_r);
/* The options that lazy_expunge_cmd_init_jobs() reads. */
#define LAZY_EXPUNGE_CMD_JOBS_PARAMS \
DOVEADM_CMD_PARAM('j', "jobs", CMD_PARAM_STR, 0) \
DOVEADM_CMD_PARAM('W', "worker", CMD_PARAM_BOOL, 0)

/* Read -j. options are those that workers must have, too: NULL-terminated, they
   live as long as the command. */
void lazy_expunge_cmd_init_jobs(struct lazy_expunge_cmd *cmd,
				const char *const options[]);
/* Returns TRUE if the option was given, with a text. */
bool lazy_expunge_cmd_has_param(struct lazy_expunge_cmd *cmd, const char *name);
/* Returns TRUE if the flag was given. */
bool lazy_expunge_cmd_flag(struct lazy_expunge_cmd *cmd, const char *name);
/* Refuse to run: say why and set the exit code. For use in init. */
void lazy_expunge_cmd_refuse(struct lazy_expunge_cmd *cmd, int exit_code,
			     const char *error);

/* Say what failed and set the exit code for it. Always returns -1. */
int lazy_expunge_cmd_fail(struct lazy_expunge_cmd *cmd,
			  const struct lazy_expunge_error *error);
/* Set the exit code alone; the failure was logged before. */
int lazy_expunge_cmd_failed(struct lazy_expunge_cmd *cmd, enum mail_error code);
/* A line for the person at the terminal, on standard error. */
void lazy_expunge_cmd_say(struct lazy_expunge_cmd *cmd, const char *fmt, ...)
	ATTR_FORMAT(2, 3);

/* TRUE if rows of several users are printed, each with its username. */
bool lazy_expunge_cmd_is_multi(struct lazy_expunge_cmd *cmd);
/* TRUE if this doveadm has seen the rows of them all, at the end. */
bool lazy_expunge_cmd_knows_all(struct lazy_expunge_cmd *cmd);
/* TRUE if no doveadm server, here or elsewhere, is asked to do any user. */
bool lazy_expunge_cmd_is_done_here(struct lazy_expunge_cmd *cmd);

#endif
