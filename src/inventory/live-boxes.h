#ifndef LAZY_EXPUNGE_LIVE_BOXES_H
#define LAZY_EXPUNGE_LIVE_BOXES_H

/* The mailboxes of a user that are no storage. */

#include "account/error.h"

struct lazy_expunge_origin_mask;
struct lazy_expunge_user;
struct mailbox;

/* Returns 0 to go on, or -1 and the error. */
typedef int lazy_expunge_live_box_callback_t(
	struct mailbox *box, void *context,
	struct lazy_expunge_error *error_r);
/* The mailbox cannot be opened or read. It is gone on with the next one. */
typedef void lazy_expunge_live_box_failed_t(
	const char *vname, const struct lazy_expunge_error *error,
	void *context);
/* Call back for each of them whose name the mask (NULL = all) has, open and synced:
   the user's own, whatever an ACL says. One that goes meanwhile is passed over.
   failed (NULL = the first error ends it) is told of those that fail.
   Returns 0, or -1 and the error. */
int lazy_expunge_live_boxes(struct lazy_expunge_user *luser,
			    const struct lazy_expunge_origin_mask *mask,
			    lazy_expunge_live_box_callback_t *callback,
			    lazy_expunge_live_box_failed_t *failed,
			    void *context, struct lazy_expunge_error *error_r);

#endif
