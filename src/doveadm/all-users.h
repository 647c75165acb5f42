#ifndef LAZY_EXPUNGE_ALL_USERS_H
#define LAZY_EXPUNGE_ALL_USERS_H

/* The users that userdb lists, for -A and for masks. All names are read before
   the first user's turn: auth of 2.4.0 to 2.4.2 gives up a list whose reader is
   slower than it ("User listing returned failure"), and to hold its connection
   open for as long as all users take is not good for any. */

struct mail_storage_service_ctx;
struct lazy_expunge_all_users;

/* The service has begun to list those that match the mask. */
struct lazy_expunge_all_users *
lazy_expunge_all_users_init(struct mail_storage_service_ctx *service,
			    const char *mask);
/* Takes NULL. */
void lazy_expunge_all_users_deinit(struct lazy_expunge_all_users **users);
/* Read the names now, and not when the first is asked for: the fewer processes run
   the better. */
void lazy_expunge_all_users_read(struct lazy_expunge_all_users *users);
/* As doveadm_mail_cmd_vfuncs.get_next_user(): -1 after the last of those that could
   be read. Names live as long as the list. */
int lazy_expunge_all_users_next(struct lazy_expunge_all_users *users,
				const char **username_r);

#endif
