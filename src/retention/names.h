#ifndef LAZY_EXPUNGE_NAMES_H
#define LAZY_EXPUNGE_NAMES_H

/* The names of origins (account/origin-names.h) that no kept mail has any more. */

struct lazy_expunge_user;

/* Take them out of the user's file where it is large. A failure is logged: it
   costs nothing but the space. */
void lazy_expunge_names_maintain(struct lazy_expunge_user *luser, time_t now);

#endif
