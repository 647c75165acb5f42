#ifndef LAZY_EXPUNGE_PROBE_H
#define LAZY_EXPUNGE_PROBE_H

/* A mail that goes the way of a deleted mail for the sake of the live check. */

#include "account/user.h"
#include "inventory/select.h"

struct lazy_expunge_probe {
	struct lazy_expunge_user *luser;
	/* the name of its mailbox, and its GUID */
	const char *vname, *guid;
	/* the storage's mailboxes before */
	struct lazy_expunge_select *before;
	/* why the last function failed. Data stack. */
	struct lazy_expunge_error error;
};

/* A new probe, for the INBOX, or for a mailbox of its own. Returns 0, or -1 and
   the error if the storages cannot be opened. */
int lazy_expunge_probe_init(struct lazy_expunge_probe *probe,
			    struct lazy_expunge_user *luser, bool inbox);
void lazy_expunge_probe_deinit(struct lazy_expunge_probe *probe);
/* The Message-ID that it has. Data stack. */
const char *lazy_expunge_probe_message_id(struct lazy_expunge_probe *probe);

/* Its mailbox, not open. */
struct mailbox *lazy_expunge_probe_box(struct lazy_expunge_probe *probe);
/* Save it in the mailbox, which is created when it is missing. Returns 0, or -1
   and the error. */
int lazy_expunge_probe_save(struct lazy_expunge_probe *probe,
			    struct mailbox *box);
/* Expunge the probe wherever it is in the mailbox, which is open. Returns how
   many there were, -1 on failure. */
int lazy_expunge_probe_expunge(struct lazy_expunge_probe *probe,
			       struct mailbox *box);
/* Returns 1 if it is in the storage, 0 if not, -1 on failure. */
int lazy_expunge_probe_is_kept(struct lazy_expunge_probe *probe);
/* Restore it to its mailbox. Returns 0, or -1 and the error. */
int lazy_expunge_probe_restore(struct lazy_expunge_probe *probe);
/* Take away the probe and every mailbox that was made for it. Returns 0, or -1
   and the error. */
int lazy_expunge_probe_clean(struct lazy_expunge_probe *probe,
			     struct mailbox *box);
/* Take the probe out of the storages that another has for the same user. */
void lazy_expunge_probe_take_from(struct lazy_expunge_probe *probe,
				  struct lazy_expunge_user *luser);

#endif
