#ifndef LAZY_EXPUNGE_ROOM_PLAN_H
#define LAZY_EXPUNGE_ROOM_PLAN_H

/* Which mails go so that a disk has room again: the oldest over all users, and
   no more than it takes. Bounded: what cannot be among them is forgotten as
   soon as that is known, and from a million mails on, those of one user that
   went at about the same time are one. Pure: nothing here knows a mailbox. */

#include "array-decl.h"

struct lazy_expunge_room_plan;

/* What one user gives. */
struct lazy_expunge_room_share {
	const char *username;
	/* of the oldest mails; bytes are those that they take on the disk */
	uint64_t messages, bytes;
	/* deletion times of the first and the last, 0 = there is none */
	time_t oldest, newest;
	/* bytes of mail that is gone already, and of which the disk has not
	   been freed yet: these come first, for they cost nobody a mail */
	uint64_t purged;
};
ARRAY_DEFINE_TYPE(lazy_expunge_room_share, struct lazy_expunge_room_share);

/* wanted: bytes, more than 0. */
struct lazy_expunge_room_plan *lazy_expunge_room_plan_init(uint64_t wanted);
/* Takes NULL. */
void lazy_expunge_room_plan_deinit(struct lazy_expunge_room_plan **plan);

/* What is added from now on is this user's, who was not there before. */
void lazy_expunge_room_plan_add_user(struct lazy_expunge_room_plan *plan,
				     const char *username);
/* Bytes that become free without a mail. */
void lazy_expunge_room_plan_add_purged(struct lazy_expunge_room_plan *plan,
				       uint64_t bytes);
/* A mail that may go, and would free bytes. */
void lazy_expunge_room_plan_add_mail(struct lazy_expunge_room_plan *plan,
				     time_t saved, uint64_t bytes);

/* The shares of those who give something, in the order in which they were
   added. They live as long as the plan, to which nothing is added any more.
   Returns the bytes that all of it frees, which may be less than was wanted. */
uint64_t lazy_expunge_room_plan_finish(
	struct lazy_expunge_room_plan *plan,
	const ARRAY_TYPE(lazy_expunge_room_share) **shares_r);

#endif
