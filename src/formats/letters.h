#ifndef LAZY_EXPUNGE_LETTERS_H
#define LAZY_EXPUNGE_LETTERS_H

/* The letters that stand for keywords in the file names of a Maildir, as its
   dovecot-keywords has them. */

struct mailbox;
struct lazy_expunge_letters;

/* Returns NULL if box has none (another format). It need not be open. */
struct lazy_expunge_letters *lazy_expunge_letters_init(struct mailbox *box);
/* Takes NULL. */
void lazy_expunge_letters_deinit(struct lazy_expunge_letters **letters);
/* Read the file if it has changed. */
void lazy_expunge_letters_refresh(struct lazy_expunge_letters *letters);
/* Returns TRUE and the letter of the keyword if it has one. exact: only if its
   case is the same, too: origins are mailbox names, which have case. */
bool lazy_expunge_letters_find(struct lazy_expunge_letters *letters,
			       const char *keyword, bool exact, char *letter_r);
/* TRUE if there is a letter left for one more origin, which takes it when a mail
   is saved by Dovecot with its keyword. */
bool lazy_expunge_letters_have_room(struct lazy_expunge_letters *letters,
				    const char *keyword);

#endif
