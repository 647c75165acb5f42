#ifndef LAZY_EXPUNGE_EVENTS_H
#define LAZY_EXPUNGE_EVENTS_H

/* All events of the plugin, see doc/EVENTS.md. */

#include "seq-range-array.h"
#include "core/policy.h"

struct event;
struct mail;
struct mailbox;
struct mail_user;

/* What becomes of the mails of one transaction. It is said when the transaction
   is committed, and not at all when it is not. Nothing is remembered, and
   nothing looked up, of what nobody listens to. Texts are copied. */
struct lazy_expunge_events;

struct lazy_expunge_events_look {
	/* what it found, as the cause of mail_kept and mail_passed has it */
	enum lazy_expunge_reason verdict;
	/* none, refcount or reading */
	const char *found_by;
	unsigned int mails_read, mailboxes_opened;
	bool remembered, cut_short;
};

/* Call when the work begins: the events' duration counts from here. box is
   where the mails are, and must outlive the result. */
struct lazy_expunge_events *lazy_expunge_events_init(struct mailbox *box);
/* Ends it, sends the events if the transaction was committed. Takes NULL. */
void lazy_expunge_events_deinit(struct lazy_expunge_events **events,
				bool committed);
/* Of what was said to be kept these were not, and the transaction goes on. */
void lazy_expunge_events_drop_kept(struct lazy_expunge_events *events,
				   const ARRAY_TYPE(seq_range) *uids);

/* A mail goes to the mailbox storage. origin may be NULL. */
void lazy_expunge_events_kept(struct lazy_expunge_events *events,
			      struct mail *mail, const char *storage,
			      const char *origin,
			      enum lazy_expunge_reason reason);
/* A mail is expunged without being kept because it need not be. */
void lazy_expunge_events_passed(struct lazy_expunge_events *events,
				struct mail *mail,
				enum lazy_expunge_reason reason);
/* A mail leaves the mailbox storage for good. origin may be NULL. */
void lazy_expunge_events_expired(struct lazy_expunge_events *events,
				 struct mail *mail, const char *storage,
				 const char *origin, const char *cause);
/* A mail of the mailbox storage is in the mailbox target again. origin may be
   NULL. */
void lazy_expunge_events_restored(struct lazy_expunge_events *events,
				  struct mail *mail, const char *storage,
				  const char *target, const char *origin,
				  const char *cause);

/* The look for other copies of a mail is done. found_by: how it was found out.
   event was created when the look began, or is NULL if that took no time. */
void lazy_expunge_events_looked(struct lazy_expunge_events *events,
				struct mail *mail, struct event *event,
				const struct lazy_expunge_events_look *look);

/* A mail is expunged although it could not be kept
   (lazy_expunge_on_failure = expunge). Logs a warning. */
void lazy_expunge_event_lost(struct mail *mail, const char *error);
/* The same for mails that are no longer at hand: a warning for each. */
void lazy_expunge_event_lost_uids(struct mailbox *box,
				  const ARRAY_TYPE(seq_range) *uids,
				  const char *error);
/* So many mails are not expunged because they could not be kept. mail is the
   one, or NULL if they are no longer at hand. Logs an error with the remedy. */
void lazy_expunge_event_refused(struct mailbox *box, struct mail *mail,
				unsigned int mails, const char *cause,
				const char *error);
/* A mail is not expunged because a user may not do that in the mailbox storage,
   which is as it should be. */
void lazy_expunge_event_protected(struct mail *mail, const char *storage);

/* A mail does not leave the mailbox storage because a hold of this name ("" =
   not known) covers it; what says so for people. warn: nobody else will say
   it. */
void lazy_expunge_event_held(struct mail *mail, const char *storage,
			     const char *name, const char *what, bool warn);
/* A hold is set, or released: until is the end of its grace then, else its own,
   0 = none. */
void lazy_expunge_event_hold(struct event *parent, bool set, const char *name,
			     const char *by, const char *reason, time_t until);

/* What became of a whole account, by which this id names it: name is the event's.
   by, target: "" = nothing to say. paths and bytes are what went for good. */
void lazy_expunge_event_account(const char *name, const char *user,
				const char *id, const char *by,
				const char *target, uint64_t paths,
				uint64_t bytes);
/* Its mail, so many, was copied below the mailbox of another. */
void lazy_expunge_event_account_merged(const char *user, const char *id,
				       const char *by, const char *target,
				       const char *mailbox, uint64_t mails);

/* maintain is done with a user. event was created for it when it began. error
   is the first one, NULL if there was none. */
void lazy_expunge_event_maintained(struct event *event, uint64_t mails,
				   uint64_t bytes, uint64_t failed,
				   const char *error);
/* There was nothing to do for a user, who was not visited for that. */
void lazy_expunge_event_maintained_idle(const char *user);
/* maintain has come to the end of its users, so many, and without a failure. */
void lazy_expunge_event_run_finished(unsigned int users);

#endif
