#ifndef LAZY_EXPUNGE_WORKER_H
#define LAZY_EXPUNGE_WORKER_H

/* The other side of doveadm/workers.h: standard input is a socket on which user
   names come, a line each, and on which the values of each one's rows go back,
   a line a user. Both are tab-escaped. */

/* Take part from now on: what is printed goes to the socket. */
void lazy_expunge_worker_begin(void);
/* The last user is done: tell it, and wait for the next. later: tell it with
   others, at the latest when there is none to go on with: if the process dies
   before that, the first of them has failed, and the others are done again. Returns 1, 0 if there is
   none, -1 if the socket broke. The name is valid until the next call. */
int lazy_expunge_worker_next(bool later, const char **username_r);
/* Tell of all users who are done. Returns 0, -1 if the socket broke. */
int lazy_expunge_worker_flush(void);

#endif
