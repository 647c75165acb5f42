#ifndef LAZY_EXPUNGE_KEPT_NOW_H
#define LAZY_EXPUNGE_KEPT_NOW_H

/* What users are told of a kept mail's mailbox that was renamed since: its name
   now. Mail programs, which see nothing but IMAP, put mail back there. */

struct lazy_expunge_kept_now;
struct mail;

/* The name of the mailbox now that a mail of the storage came from: NULL if it
   has the one that it had, if nobody knows, or if this is not a user's session.
   origin is its name then, NULL = what the mailbox of the storage tells. Data
   stack. */
const char *lazy_expunge_kept_now(struct mail *mail, const char *origin);
/* Takes NULL. */
void lazy_expunge_kept_now_deinit(struct lazy_expunge_kept_now **now);

#endif
