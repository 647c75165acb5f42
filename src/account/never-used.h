#ifndef LAZY_EXPUNGE_NEVER_USED_H
#define LAZY_EXPUNGE_NEVER_USED_H

struct mail_user;

/* TRUE if neither a home of the user's nor any directory that his own mailboxes lie
   in is there: a user who never got mail, or one who has none, as the users of a system's
   services. What cannot be told is no reason to pass over anybody: FALSE. */
bool lazy_expunge_user_never_used(struct mail_user *user);
/* Where the user's files are, or can be. */
enum lazy_expunge_place {
	/* he has used it, or something keeps us from telling */
	LAZY_EXPUNGE_PLACE_THERE,
	/* never used; the user may make it */
	LAZY_EXPUNGE_PLACE_CAN_BE_MADE,
	/* never used; nothing of its path is there, and nobody made ready for it, or
	   it is not the user's: as /nonexistent, / and /dev/null, homes of the
	   users of a system's services */
	LAZY_EXPUNGE_PLACE_NONE,
	/* nothing is there, and the user may not make it: it may be on a file
	   system that is not mounted, or wait for an administrator */
	LAZY_EXPUNGE_PLACE_UNKNOWN,
};
enum lazy_expunge_place lazy_expunge_user_place(struct mail_user *user);
/* TRUE if it is certain that the user never had mail. */
bool lazy_expunge_user_is_new(struct mail_user *user);
/* TRUE if the home is not there and cannot be made, whatever else there is of the
   user: it may be on a file system that is not mounted. Then *home_r is its path. */
bool lazy_expunge_user_home_is_away(struct mail_user *user,
				    const char **home_r);
/* TRUE if the home is there, and the user cannot enter it: then *error_r says why
   (data stack), and all that lies in it would fail, each with a line of its own. */
bool lazy_expunge_user_home_is_closed(struct mail_user *user,
				      const char **error_r);

#endif
