#ifndef LAZY_EXPUNGE_MDBOX_UNFINISHED_H
#define LAZY_EXPUNGE_MDBOX_UNFINISHED_H

struct mailbox;

/* mdbox expunges what a mailbox's log asks for in this order: it takes one off
   the mail's count in the map, takes the mail out of the mailbox, and marks the
   map's log as read to its end. When a crash or a power cut ends it after the
   first, the next sync of the mailbox takes one off again, and only then sees
   that the map's log was not read to its end, and makes all counts anew. A mail
   with a count of 0 is not brought back by that; and if its other mailbox has
   not survived the power cut either, the mail is in none.

   So what was asked for is dropped before that: the mail stays in its mailbox,
   and Dovecot makes the counts anew as it does otherwise. */

/* To be called once box is open, before it is synced or mail is saved to it.
   Does nothing if it is not mdbox. */
void lazy_expunge_mdbox_unfinished_drop(struct mailbox *box);

#endif
