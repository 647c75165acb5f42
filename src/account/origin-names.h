#ifndef LAZY_EXPUNGE_ORIGIN_NAMES_H
#define LAZY_EXPUNGE_ORIGIN_NAMES_H

/* The names behind origin numbers (core/origin-id.h): a file in the
   owner's home with a name a line, to which a name is appended when mail of it
   is kept for the first time. Who reads it makes the numbers anew. A name that
   the file has lost is found as long as a mailbox has it or the file of renames
   knows it. */

struct mail_user;

#define LAZY_EXPUNGE_ORIGIN_NAMES_FNAME "dovecot.lazy-expunge.origins"

/* See to it that the user's file has the name. Failures are logged: the name is
   known as long as its mailbox is there. */
void lazy_expunge_origin_names_add(struct mail_user *user, const char *vname);
/* The name with this number, NULL if it is not known. Lives until
   lazy_expunge_user_deinit(). */
const char *
lazy_expunge_origin_names_find(struct mail_user *user, uint64_t id);

#endif
