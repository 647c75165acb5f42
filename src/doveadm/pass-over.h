#ifndef LAZY_EXPUNGE_PASS_OVER_H
#define LAZY_EXPUNGE_PASS_OVER_H

/* Most of what a user costs whom maintain finds idle is Dovecot's: namespaces,
   storages and plugins are set up, and nobody uses them. Where userdb and the
   configuration say what they said when the user's stamp was written, the
   settings are the same, and the stamp's files are looked at without all that. */

struct lazy_expunge_cmd;
struct lazy_expunge_pass_over;

/* For users that this process does one after the other. NULL if it does not. */
struct lazy_expunge_pass_over *
lazy_expunge_pass_over_init(struct lazy_expunge_cmd *cmd);
/* Takes NULL. */
void lazy_expunge_pass_over_deinit(struct lazy_expunge_pass_over **pass_over);

/* A user was visited, and all is as it should be: from now on users may be passed
   over. Takes NULL. */
void lazy_expunge_pass_over_begin(struct lazy_expunge_pass_over *pass_over);
/* Never again. Takes NULL. */
void lazy_expunge_pass_over_end(struct lazy_expunge_pass_over *pass_over);
/* Look the user up in userdb. Returns TRUE if maintain has nothing to do, which is
   noted then. Why it cannot be told is left to the visit to log, but for what
   libdovecot's lookup logs itself. Takes NULL. */
bool lazy_expunge_pass_over_user(struct lazy_expunge_pass_over *pass_over,
				 const char *username);
/* What the stamp is to say of the user who was looked up last
   (core/stamp-lines.h), until the next; NULL = not known. Takes NULL. */
const char *
lazy_expunge_pass_over_lookup(const struct lazy_expunge_pass_over *pass_over);

#endif
