#ifndef LAZY_EXPUNGE_ORIGIN_NAMES_H
#define LAZY_EXPUNGE_ORIGIN_NAMES_H

/* The names behind origin numbers (core/origin-id.h): a file in the
   owner's home with a name a line, to which a name is added when mail of it
   is kept for the first time. Who reads it makes the numbers anew. A name that
   the file has lost is found as long as a mailbox has it or the file of renames
   knows it. */

struct mail_user;

/* See to it that the user's file has the name. Failures are logged: the name is
   known as long as its mailbox is there. */
void lazy_expunge_origin_names_add(struct mail_user *user, const char *vname);
/* The name with this number, NULL if it is not known. Lives until
   lazy_expunge_user_deinit(). */
const char *
lazy_expunge_origin_names_find(struct mail_user *user, uint64_t id);

/* TRUE if the file is so large that it should be shrunk. */
bool lazy_expunge_origin_names_are_many(struct mail_user *user);
/* Take names out of the file that nothing needs: no kept mail (needed has the
   origins of all), no mailbox, no rename. They are marked first, and go when
   they are still not needed a day later: whoever has just read them may be
   about to keep a mail. Returns 0 if ok, -1 and the error; nothing that is
   needed is lost then. */
int lazy_expunge_origin_names_shrink(struct mail_user *user,
				     const ARRAY_TYPE(const_string) *needed,
				     time_t now, const char **error_r);

#endif
