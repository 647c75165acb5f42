#ifndef LAZY_EXPUNGE_ROOM_MAILS_H
#define LAZY_EXPUNGE_ROOM_MAILS_H

/* The mails of a user's storages that may go for room on a disk. */

#include "account/error.h"

struct lazy_expunge_holds;
struct lazy_expunge_select;
struct lazy_expunge_user;

struct lazy_expunge_room_mail {
	time_t saved;
	uint64_t bytes;
	/* index of the mailbox */
	unsigned int box;
	/* 0: a file without one */
	uint32_t uid;
	/* Maildir */
	const char *path;
};
ARRAY_DEFINE_TYPE(lazy_expunge_room_mail, struct lazy_expunge_room_mail);

struct lazy_expunge_room {
	struct lazy_expunge_user *luser;
	struct lazy_expunge_select *select;
	ARRAY_TYPE(lazy_expunge_room_mail) mails;
	/* the mailbox that is being read */
	unsigned int box;
	/* what was in force when they were read, NULL if nothing was */
	struct lazy_expunge_holds *holds;
};

/* Open the storages of room->luser and read all that may go, the oldest first.
   Returns 0, or -1 and the error. */
int lazy_expunge_room_open(struct lazy_expunge_room *room,
			   struct lazy_expunge_error *error_r);
/* After both. */
void lazy_expunge_room_close(struct lazy_expunge_room *room);

#endif
