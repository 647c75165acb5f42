#ifndef LAZY_EXPUNGE_ORIGIN_SHORTEN_H
#define LAZY_EXPUNGE_ORIGIN_SHORTEN_H

/* Origins that are keywords too long for dsync, as the first version of the
   plugin wrote them. dsync reads keywords from the transaction log, too, where
   none can be shown otherwise, and where one is too long the other side drops
   all of the mail. */

struct mailbox;

/* Turn such origins of the mailbox, which is open, into numbers. What fails
   stays as it is. */
void lazy_expunge_origin_shorten(struct mailbox *box, size_t max_len);

#endif
