#ifndef LAZY_EXPUNGE_AUTOEXPUNGE_H
#define LAZY_EXPUNGE_AUTOEXPUNGE_H

/* Dovecot's autoexpunge, and the storage: its short cut, and the save dates by
   which it goes. */

struct mail_index_view;
struct mailbox;

/* TRUE within mail_user_autoexpunge(), which says so in the global event. */
bool lazy_expunge_is_within_autoexpunge(void);
/* The answer to autoexpunge, which asks at the end of each session for a
   mailbox whether something is due, and would open it when mails were added.
   TRUE if there is nothing; seq is the mailbox's record in the list's index. */
bool lazy_expunge_autoexpunge_is_idle(struct mailbox *box,
				      struct mail_index_view *list_view,
				      uint32_t seq);

#endif
