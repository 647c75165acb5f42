#ifndef LAZY_EXPUNGE_WORKERS_H
#define LAZY_EXPUNGE_WORKERS_H

/* One command over many users, done by several processes: this one hands out
   the users, one by one, or a few more to a process that is quick with them, and
   prints the rows. Each worker is a doveadm of its
   own (doveadm/worker.h), started as this one was. */

struct lazy_expunge_workers_callbacks {
	/* The processes have been started and need a while until they ask for the
	   first user: time to find out who there is. */
	void (*started)(void *context);
	/* The next user: as doveadm_mail_cmd_vfuncs.get_next_user(). */
	int (*next)(void *context, const char **username_r);
	/* A user is done: replay its values with lazy_expunge_print_replay(). */
	void (*done)(void *context, const char *username, const char *values);
	/* The process that was at work for this user died. */
	void (*died)(void *context, const char *username, const char *how);
};

/* Do all users with so many processes, of which each is started as
   doveadm <this one's own options> <command> -W -F /dev/null <options>.
   A process that dies is replaced, and others do the users that it had not come
   to. Returns 0 if all users were handed out, or
   -1 with the error if no process can be started or next() failed (then without
   an error). *exit_code_r is what a single doveadm would have had. */
int lazy_expunge_workers_run(
	const char *command, const char *const options[], unsigned int count,
	const struct lazy_expunge_workers_callbacks *callbacks, void *context,
	int *exit_code_r, const char **error_r);

#endif
