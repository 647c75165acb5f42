#ifndef LAZY_EXPUNGE_ORIGIN_FNAME_H
#define LAZY_EXPUNGE_ORIGIN_FNAME_H

/* Origin numbers, and those of deletions, in the file names of a Maildir, from
   where they come back when the index is lost. */

struct mail;
struct mailbox;

/* The number in the name of the mail's file, 0 if it has none or is gone. The
   mailbox must be a Maildir. deletion_r, which may be NULL, is that of its
   deletion. */
uint64_t lazy_expunge_origin_fname_read(struct mail *mail,
					uint32_t *deletion_r);
/* Write the number to the name of the file. A failure is logged. */
void lazy_expunge_origin_fname_write(struct mailbox *box, uint32_t uid,
				     uint64_t id);

#endif
