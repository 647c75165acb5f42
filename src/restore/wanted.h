#ifndef LAZY_EXPUNGE_RESTORE_WANTED_H
#define LAZY_EXPUNGE_RESTORE_WANTED_H

#include "guid.h"
#include "account/error.h"

/* GUIDs: those that are wanted, and which of them the target has. */
struct lazy_expunge_restore_guids;

struct lazy_expunge_restore_guids *lazy_expunge_restore_guids_init(void);
/* An empty GUID is none. */
void lazy_expunge_restore_guids_want(struct lazy_expunge_restore_guids *guids,
				     const char *guid);
void lazy_expunge_restore_guids_want_128(
				struct lazy_expunge_restore_guids *guids,
				const guid_128_t guid);
/* Read the GUIDs of the mailbox. Returns 0 if ok, -1 and the error. */
int lazy_expunge_restore_guids_read(struct lazy_expunge_restore_guids *guids,
				    struct mailbox *box,
				    struct lazy_expunge_error *error_r);
/* Returns TRUE if the target has the mail, or gets it with what is being
   copied. */
bool lazy_expunge_restore_guids_has(struct lazy_expunge_restore_guids *guids,
				    const char *guid);
/* The UID that the mail has in the target, 0 = not there when it was read. */
uint32_t
lazy_expunge_restore_guids_uid(struct lazy_expunge_restore_guids *guids,
			       const char *guid);
/* The target had the mail when it was read, and has it no more. */
void lazy_expunge_restore_guids_gone(struct lazy_expunge_restore_guids *guids,
				     const char *guid);
/* The mail is being copied. What came of it is said by _finish(). */
void lazy_expunge_restore_guids_copy(struct lazy_expunge_restore_guids *guids,
				     const char *guid);
/* The mails that were being copied are in the target now, or (committed =
   FALSE) are not. */
void lazy_expunge_restore_guids_finish(struct lazy_expunge_restore_guids *guids,
				       bool committed);
void lazy_expunge_restore_guids_deinit(
				struct lazy_expunge_restore_guids **guids);

#endif
