#ifndef LAZY_EXPUNGE_HOLD_COVER_H
#define LAZY_EXPUNGE_HOLD_COVER_H

/* Which mails of an open mailbox are held. Queries are asked for many mails at
   once when mails are asked for in the order of their UIDs. What was answered
   holds as long as the object, so keep it no longer than a transaction; what
   cannot change is not asked again by the next one. */

struct lazy_expunge_cover;
struct lazy_expunge_holds;
struct mail;
struct mailbox;

/* holds: those of the mailbox's user, which are referenced. */
struct lazy_expunge_cover *
lazy_expunge_cover_init(struct lazy_expunge_holds *holds, struct mailbox *box);
/* TRUE if all mail of the mailbox is held. */
bool lazy_expunge_cover_is_all(struct lazy_expunge_cover *cover);
/* The name of the first hold that covers the mail, NULL if none does. What
   cannot be told is held, and the name is "" then. Valid as long as the
   cover. */
const char *lazy_expunge_cover_find(struct lazy_expunge_cover *cover,
				    struct mail *mail);
/* What holds a mail for which that returned the name: "hold x", or why it cannot
   be told. Data stack. */
const char *lazy_expunge_cover_describe(struct lazy_expunge_cover *cover,
					const char *name);
/* The names of all holds that cover the mail, joined by ", ", "" if none does.
   Data stack. */
const char *lazy_expunge_cover_names(struct lazy_expunge_cover *cover,
				     struct mail *mail);
/* Takes NULL. */
void lazy_expunge_cover_deinit(struct lazy_expunge_cover **cover);

#endif
