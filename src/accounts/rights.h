#ifndef LAZY_EXPUNGE_RIGHTS_H
#define LAZY_EXPUNGE_RIGHTS_H

/* Only root gets at what lies among the deleted, and mail is written with the
   rights of its user: who does both goes through directories as root. */

#include <sys/types.h>

/* Put down root's rights for this user's, for a while, but for that to search all
   directories and read all files. Who is not root goes on as before. Returns 0,
   or -1 and the error (data stack). */
int lazy_expunge_rights_put_down(uid_t uid, const char **error_r);

#endif
