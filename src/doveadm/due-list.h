#ifndef LAZY_EXPUNGE_DUE_LIST_H
#define LAZY_EXPUNGE_DUE_LIST_H

/* maintain -D: the users for whom something is due by the catalog, in the order of
   time. */

struct lazy_expunge_cmd;
struct lazy_expunge_due_list;
struct lazy_expunge_user;

/* Read -D and -M. NULL if -D is not given, or the command was refused. With plan
   nothing is written. */
struct lazy_expunge_due_list *
lazy_expunge_due_list_init(struct lazy_expunge_cmd *cmd, bool plan);
void lazy_expunge_due_list_deinit(struct lazy_expunge_due_list **list);
/* See struct lazy_expunge_cmd. A user whom another server has done meanwhile is
   passed over. */
int lazy_expunge_due_list_next(struct lazy_expunge_cmd *cmd,
			       struct lazy_expunge_due_list *list,
			       const char **username_r);
void lazy_expunge_due_list_not_run(struct lazy_expunge_due_list *list,
				   const char *username);
/* The user has nothing on this server. If the row is of this server, it goes at the
   second visit that finds it so; otherwise the user is the other's. */
void lazy_expunge_due_list_not_here(struct lazy_expunge_cmd *cmd,
				    struct lazy_expunge_due_list *list,
				    struct lazy_expunge_user *luser);
/* After the last user: rows of users whom userdb does not know go. */
void lazy_expunge_due_list_finish(struct lazy_expunge_cmd *cmd,
				  struct lazy_expunge_due_list *list);

#endif
