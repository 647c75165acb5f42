#ifndef LAZY_EXPUNGE_RESTORE_BATCH_H
#define LAZY_EXPUNGE_RESTORE_BATCH_H

struct lazy_expunge_restore;
struct lazy_expunge_select_mail;

/* Move the mails, all of them to restore->target, whose GUIDs were read. */
void lazy_expunge_restore_batches(struct lazy_expunge_restore *restore,
				  const struct lazy_expunge_select_mail *mails,
				  unsigned int count);

#endif
