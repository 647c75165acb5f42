#ifndef LAZY_EXPUNGE_WORKER_H
#define LAZY_EXPUNGE_WORKER_H

/* The other side of doveadm/workers.h: standard input is a socket on which user
   names come, a line each, and on which the values of each one's rows go back,
   a line a user. Both are tab-escaped. */

/* Take part from now on: what is printed goes to the socket. */
void lazy_expunge_worker_begin(void);
/* Tell that the last user is done, and wait for the next. Returns 1, 0 if there
   is none, -1 if the socket broke. The name is valid until the next call. */
int lazy_expunge_worker_next(const char **username_r);

#endif
