#ifndef LAZY_EXPUNGE_EVENTS_H
#define LAZY_EXPUNGE_EVENTS_H

/* All events of the plugin, see doc/EVENTS.md. */

#include "seq-range-array.h"
#include "lazy-expunge-policy.h"

struct mail;
struct mailbox;

/* A mail was copied to the storage and will be expunged when the transaction
   commits. origin may be NULL. */
void lazy_expunge_event_kept(struct mail *mail, struct mailbox *dest,
			     const char *origin);
/* A mail is expunged without being kept because it need not be. */
void lazy_expunge_event_passed(struct mail *mail,
			       enum lazy_expunge_reason reason);
/* A mail is expunged although it could not be kept
   (lazy_expunge_on_failure = expunge). Logs a warning. */
void lazy_expunge_event_lost(struct mail *mail, const char *error);
/* The same for mails that are no longer at hand: a warning for each. */
void lazy_expunge_event_lost_uids(struct mailbox *box,
				  const ARRAY_TYPE(seq_range) *uids,
				  const char *error);
/* A mail is not expunged because it could not be kept. mail may be NULL.
   Logs an error with the remedy. */
void lazy_expunge_event_refused(struct mailbox *box, struct mail *mail,
				const char *cause, const char *error);

#endif
