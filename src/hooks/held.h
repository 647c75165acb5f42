#ifndef LAZY_EXPUNGE_HELD_H
#define LAZY_EXPUNGE_HELD_H

/* Holds at the hooks: what of a storage is held stays, retention goes around
   it. */

struct lazy_expunge_user;
struct mail;
struct mailbox;

/* TRUE if a hold covers the mail of a storage, and it is not the plugin itself
   that puts it back. */
bool lazy_expunge_held_has(struct mail *mail);
/* It stays. The transaction fails, and says to an administrator which hold it
   is; but where dsync wants the change it goes on without it, with a warning. */
void lazy_expunge_held_refuse(struct mail *mail);
/* TRUE if a mail may be deleted for good in the mailbox that it is moved to, or
   if that is not known (NULL). */
bool lazy_expunge_held_move_is_unkept(struct mailbox *dest);
/* A storage of which something is held stays as a whole. Returns 0, or -1 with
   the mailbox's error. what is what cannot be done. */
int lazy_expunge_held_storage(struct mailbox *box, const char *what);
/* Autoexpunge asks whether something is due in the storage
   (mailbox_autoexpunge()), and mail may be held there: it is to find nothing,
   and lazy_expunge_held_expire() does its work. */
bool lazy_expunge_held_is_asked(struct mailbox *box);
/* Returns 0, or -1 with the mailbox's error. */
int lazy_expunge_held_expire(struct mailbox *box);

#endif
