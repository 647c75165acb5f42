#ifndef LAZY_EXPUNGE_NEVER_USED_H
#define LAZY_EXPUNGE_NEVER_USED_H

struct mail_user;

/* TRUE if neither the home nor any directory that a user's own mailboxes lie in is
   there: a user who never got mail, or one who has none, as the users of a system's
   services. What cannot be told is no reason to pass over anybody: FALSE. */
bool lazy_expunge_user_never_used(struct mail_user *user);
/* TRUE if the home is there, and the user cannot enter it: then *error_r says why
   (data stack), and all that lies in it would fail, each with a line of its own. */
bool lazy_expunge_user_home_is_closed(struct mail_user *user,
				      const char **error_r);

#endif
