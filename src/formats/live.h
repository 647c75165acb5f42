#ifndef LAZY_EXPUNGE_LIVE_H
#define LAZY_EXPUNGE_LIVE_H

/* Which mails of an open mailbox are live in its latest committed state.

   An expunge that is committed is first only a request in the transaction log:
   the index shows the mail until somebody syncs the mailbox
   (mail_index_sync_begin()). So the index alone must not be believed. */

struct mailbox;
struct lazy_expunge_live;

/* Takes a snapshot. The mailbox must be open and stay open. Returns NULL and
   the error if the state cannot be told. */
struct lazy_expunge_live *
lazy_expunge_live_init(struct mailbox *box, const char **error_r);
/* TRUE if the mail is in the index and nobody has requested its expunge. */
bool lazy_expunge_live_has(struct lazy_expunge_live *live, uint32_t uid);
/* One more than the highest UID that the snapshot knows of. */
uint32_t lazy_expunge_live_next_uid(struct lazy_expunge_live *live);
/* Takes NULL. */
void lazy_expunge_live_deinit(struct lazy_expunge_live **live);

#endif
