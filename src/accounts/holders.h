#ifndef LAZY_EXPUNGE_HOLDERS_H
#define LAZY_EXPUNGE_HOLDERS_H

/* Who is at work in an account: sessions, deliveries and commands of this
   machine. */

struct lazy_expunge_account;

/* Have Dovecot end the user's sessions. Nothing to say if it does not run. */
void lazy_expunge_holders_kick(const char *base_dir, const char *user);
/* Wait until no process of Dovecot has files of the account open, and end the
   user's sessions once a second meanwhile: clients come back. Returns 0, or -1 and
   the error (data stack), which names one of them, after a while. */
int lazy_expunge_holders_wait(const struct lazy_expunge_account *account,
			      const char *base_dir, const char **error_r);

#endif
