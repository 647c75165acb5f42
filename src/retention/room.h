#ifndef LAZY_EXPUNGE_ROOM_H
#define LAZY_EXPUNGE_ROOM_H

/* Room on a disk, at the cost of the oldest kept mails: what they give, and
   taking them, also where nothing can be written. What is held stays, and so
   does a mail of which the disk would get nothing back. */

#include "core/room-plan.h"
#include "account/error.h"

struct lazy_expunge_user;

/* Add the user and what its storages can give to the plan. with_gone: also what
   mail takes that is gone already. Nothing is changed. Returns 0, or -1 and the
   error. */
int lazy_expunge_room_read(struct lazy_expunge_user *luser,
			   struct lazy_expunge_room_plan *plan, bool with_gone,
			   struct lazy_expunge_error *error_r);

struct lazy_expunge_room_result {
	/* mails that went, and bytes that the disk has back */
	uint64_t messages, bytes;
	time_t oldest, newest;
	/* mails of the share that are still there */
	uint64_t failed;
	/* mdbox: so many bytes must be free before the disk gets back what else
	   is gone, 0 = nothing */
	uint64_t needed;
};

/* Take the user's share of the plan. Returns 0, or -1 and the error if not all
   of it went; *result_r has what did. */
int lazy_expunge_room_take(struct lazy_expunge_user *luser,
			   const struct lazy_expunge_room_share *share,
			   struct lazy_expunge_room_result *result_r,
			   struct lazy_expunge_error *error_r);

#endif
