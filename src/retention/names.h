#ifndef LAZY_EXPUNGE_NAMES_H
#define LAZY_EXPUNGE_NAMES_H

/* What the user's files have for nothing: the names of origins
   (account/origin-names.h) that no kept mail has any more, and mails that passed
   (account/passed.h) so long ago that the retention would have taken them. */

struct lazy_expunge_user;

/* Take them out; the names, where the file is large. A failure is logged: it
   costs nothing but the space. */
void lazy_expunge_names_maintain(struct lazy_expunge_user *luser, time_t now);

#endif
