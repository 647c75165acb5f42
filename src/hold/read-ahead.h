#ifndef LAZY_EXPUNGE_HOLD_READ_AHEAD_H
#define LAZY_EXPUNGE_HOLD_READ_AHEAD_H

struct lazy_expunge_user;

/* If the hold of the name, which was just set, asks for header fields, read
   those of all mail in the storages, so that whoever asks next finds them in the
   index cache and opens no mail. Nothing depends on it: what fails is left to
   those. It ends when is_killed() says so. */
void lazy_expunge_hold_read_ahead(struct lazy_expunge_user *luser,
				  const char *name, bool (*is_killed)(void));
/* The same of all holds at the end of a session, for what it has deleted and what
   was left, where a retention will ask for it. Takes at most some seconds. */
void lazy_expunge_hold_read_kept(struct lazy_expunge_user *luser);

#endif
