#ifndef LAZY_EXPUNGE_REPORT_TOGETHER_H
#define LAZY_EXPUNGE_REPORT_TOGETHER_H

/* Mails that were deleted together (lazy_expunge_retention_is_together()). A cap
   does not see that, and gives one deletion the room of all. */

struct mail;

/* How many of the mails first to last (sequences of mail's mailbox, in the order
   of their deletion) were deleted together with the one in the middle, and since
   when: whoever has more than half of them has that one. 0 if it cannot be
   read. */
uint32_t lazy_expunge_together_mails(struct mail *mail, uint32_t first,
				     uint32_t last, time_t *since_r);

#endif
