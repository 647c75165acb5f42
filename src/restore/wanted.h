#ifndef LAZY_EXPUNGE_RESTORE_WANTED_H
#define LAZY_EXPUNGE_RESTORE_WANTED_H

#include "guid.h"
#include "account/error.h"

/* GUIDs: those that are wanted, and which of them the target has. */
struct lazy_expunge_restore_guids;
/* A GUID that is wanted. */
struct lazy_expunge_wanted;

struct lazy_expunge_restore_guids *lazy_expunge_restore_guids_init(void);
/* Returns NULL for an empty GUID, which is none. */
struct lazy_expunge_wanted *
lazy_expunge_restore_guids_want(struct lazy_expunge_restore_guids *guids,
				const char *guid);
void lazy_expunge_restore_guids_want_128(
				struct lazy_expunge_restore_guids *guids,
				const guid_128_t guid);
/* Returns NULL if the GUID is not wanted. */
struct lazy_expunge_wanted *
lazy_expunge_restore_guids_find(const struct lazy_expunge_restore_guids *guids,
				const char *guid);
/* Read the GUIDs of the mailbox. Returns 0 if ok, -1 and the error. */
int lazy_expunge_restore_guids_read(struct lazy_expunge_restore_guids *guids,
				    struct mailbox *box,
				    struct lazy_expunge_error *error_r);
/* The mails that were being copied are in the target now, or (committed =
   FALSE) are not. */
void lazy_expunge_restore_guids_finish(struct lazy_expunge_restore_guids *guids,
				       bool committed);

/* Those of one GUID take NULL: nothing is known of it. */

/* The text that it was wanted by, NULL if by lazy_expunge_restore_guids_want_128(). */
const char *lazy_expunge_wanted_guid(const struct lazy_expunge_wanted *wanted);
/* Returns TRUE if the target has the mail, or gets it with what is being
   copied. */
bool lazy_expunge_wanted_is_there(const struct lazy_expunge_wanted *wanted);
/* The UID that the mail has in the target, 0 = not there when it was read. */
uint32_t lazy_expunge_wanted_uid(const struct lazy_expunge_wanted *wanted);
/* The target had the mail when it was read, and has it no more. */
void lazy_expunge_wanted_gone(struct lazy_expunge_wanted *wanted);
/* The mail is being copied. What came of it is said by
   lazy_expunge_restore_guids_finish(). */
void lazy_expunge_wanted_copy(struct lazy_expunge_restore_guids *guids,
			      struct lazy_expunge_wanted *wanted);

void lazy_expunge_restore_guids_deinit(
				struct lazy_expunge_restore_guids **guids);

#endif
