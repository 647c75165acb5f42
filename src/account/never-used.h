#ifndef LAZY_EXPUNGE_NEVER_USED_H
#define LAZY_EXPUNGE_NEVER_USED_H

struct mail_user;

/* TRUE if neither the home nor any directory that a user's own mailboxes lie in is
   there: a user who never got mail, or one who has none, as the users of a system's
   services. What cannot be told is no reason to pass over anybody: FALSE. */
bool lazy_expunge_user_never_used(struct mail_user *user);

#endif
