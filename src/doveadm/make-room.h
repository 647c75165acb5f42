#ifndef LAZY_EXPUNGE_MAKE_ROOM_H
#define LAZY_EXPUNGE_MAKE_ROOM_H

/* maintain --make-room: all users are read once, and then those are gone
   through again who have the oldest mails. */

#include "doveadm/command.h"

struct lazy_expunge_make_room;

/* Read the option and declare the headers. Returns NULL if the option was not
   given, or was refused. plan: nothing is to go. */
struct lazy_expunge_make_room *
lazy_expunge_make_room_init(struct lazy_expunge_cmd *cmd, bool plan);
/* Takes NULL. Says what all of it came to. */
void lazy_expunge_make_room_deinit(struct lazy_expunge_cmd *cmd,
				   struct lazy_expunge_make_room **room);
/* As struct lazy_expunge_cmd.run. */
int lazy_expunge_make_room_run(struct lazy_expunge_cmd *cmd,
			       struct lazy_expunge_make_room *room,
			       struct lazy_expunge_user *luser);
/* As struct lazy_expunge_cmd.next_again. */
int lazy_expunge_make_room_next(struct lazy_expunge_cmd *cmd,
				struct lazy_expunge_make_room *room,
				const char **username_r);

#endif
