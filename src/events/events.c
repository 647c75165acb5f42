/* Events that are said at once: names, fields and texts. */

#include "lib.h"
#include "array.h"
#include "mail-storage-private.h"
#include "events/events.h"
#include "events/passthrough.h"

struct event_category event_category_lazy_expunge = {
	.name = "lazy_expunge",
};

void lazy_expunge_event_lost(struct mail *mail, const char *error)
{
	e_warning(lazy_expunge_event_begin(mail_event(mail),
					   "lazy_expunge_mail_lost")->
		  add_str("mailbox", mailbox_get_vname(mail->box))->
		  add_int("uid", mail->uid)->
		  add_str("cause", "storage")->
		  add_str("error", error)->event(),
		  "lazy_expunge: Deleted mail was not kept "
		  "(lazy_expunge_on_failure = expunge): %s", error);
}

void lazy_expunge_event_lost_uids(struct mailbox *box,
				  const ARRAY_TYPE(seq_range) *uids,
				  const char *error)
{
	struct seq_range_iter iter;
	unsigned int n = 0;
	uint32_t uid;

	seq_range_array_iter_init(&iter, uids);
	while (seq_range_array_iter_nth(&iter, n++, &uid)) T_BEGIN {
		e_warning(lazy_expunge_event_begin(box->event,
						   "lazy_expunge_mail_lost")->
			  add_str("mailbox", mailbox_get_vname(box))->
			  add_int("uid", uid)->
			  add_str("cause", "storage")->
			  add_str("error", error)->event(),
			  "lazy_expunge: UID %u: Deleted mail was not kept "
			  "(lazy_expunge_on_failure = expunge): %s",
			  uid, error);
	} T_END;
}

void lazy_expunge_event_refused(struct mailbox *box, struct mail *mail,
				unsigned int mails, const char *cause,
				const char *error)
{
	struct event_passthrough *e;

	e = lazy_expunge_event_begin(mail != NULL ? mail_event(mail) :
				     box->event, "lazy_expunge_mail_refused")->
		add_str("mailbox", mailbox_get_vname(box))->
		add_int("mails", mails)->
		add_str("cause", cause)->
		add_str("error", error);
	if (mail != NULL)
		e = e->add_int("uid", mail->uid);
	e_error(e->event(), "lazy_expunge: Mail was not deleted because it "
		"cannot be kept: %s (correct this, or set "
		"lazy_expunge_on_failure = expunge to delete without keeping)",
		error);
}

void lazy_expunge_event_protected(struct mail *mail, const char *storage)
{
	e_debug(lazy_expunge_event_begin(mail_event(mail),
					 "lazy_expunge_mail_refused")->
		add_str("mailbox", storage)->
		add_int("uid", mail->uid)->
		add_int("mails", 1)->
		add_str("cause", lazy_expunge_reason_name(
				LAZY_EXPUNGE_REASON_PROTECTED))->event(),
		"lazy_expunge: Mail was not deleted: a user may only move it "
		"out of the storage");
}

void lazy_expunge_event_held(struct mail *mail, const char *storage,
			     const char *name, const char *what, bool warn)
{
	struct event_passthrough *e;

	e = lazy_expunge_event_begin(mail_event(mail),
				     "lazy_expunge_mail_refused")->
		add_str("mailbox", storage)->
		add_int("uid", mail->uid)->
		add_int("mails", 1)->
		add_str("hold", name)->
		add_str("cause", lazy_expunge_reason_name(
				LAZY_EXPUNGE_REASON_HELD));
	if (warn) {
		e_warning(e->event(), "lazy_expunge: Mail that was deleted on "
			  "another side stays here, because it is held: %s",
			  what);
	} else {
		e_debug(e->event(), "lazy_expunge: Mail was not deleted, "
			"because it is held: %s", what);
	}
}

void lazy_expunge_event_hold(struct event *parent, bool set, const char *name,
			     const char *by, const char *reason, time_t until)
{
	struct event *event = event_create(parent);
	struct event_passthrough *e;

	e = lazy_expunge_event_begin(event, set ? "lazy_expunge_hold_set" :
				     "lazy_expunge_hold_released")->
		add_str("hold", name)->
		add_str("by", by)->
		add_int("until", until);
	if (*reason != '\0')
		e = e->add_str("reason", reason);
	e_debug(e->event(), "lazy_expunge: Hold %s is %s by %s", name,
	       set ? "set" : "released", by);
	event_unref(&event);
}

void lazy_expunge_event_maintained(struct event *event, uint64_t mails,
				   uint64_t bytes, uint64_t failed,
				   const char *error)
{
	struct event_passthrough *e;

	e = lazy_expunge_event_begin(event, "lazy_expunge_maintain_finished")->
		add_int("mails", mails)->
		add_int("bytes", bytes)->
		add_int("failed", failed);
	if (error != NULL)
		e = e->add_str("error", error);
	e_debug(e->event(), "lazy_expunge: Maintenance is done: %"PRIu64
		" mails expunged, %"PRIu64" failed", mails, failed);
}

void lazy_expunge_event_maintained_idle(const char *user)
{
	struct event *event = event_create(NULL);

	event_add_str(event, "user", user);
	event_set_append_log_prefix(event, t_strconcat(user, ": ", NULL));
	lazy_expunge_event_maintained(event, 0, 0, 0, NULL);
	event_unref(&event);
}

void lazy_expunge_event_run_finished(unsigned int users)
{
	struct event *event = event_create(NULL);

	e_debug(lazy_expunge_event_begin(event, "lazy_expunge_run_finished")->
		add_int("users", users)->event(),
		"lazy_expunge: Maintenance of %u users has come to its end",
		users);
	event_unref(&event);
}

void lazy_expunge_event_account(const char *name, const char *user,
				const char *id, const char *by,
				const char *target, uint64_t paths,
				uint64_t bytes)
{
	struct event *event = event_create(NULL);
	struct event_passthrough *e;

	e = lazy_expunge_event_begin(event, name)->
		add_str("user", user)->
		add_str("account", id);
	if (*by != '\0')
		e = e->add_str("by", by);
	if (*target != '\0')
		e = e->add_str("target", target);
	if (paths > 0)
		e = e->add_int("paths", paths)->add_int("bytes", bytes);
	e_debug(e->event(), "lazy_expunge: Account %s of %s: %s", id, user,
		name);
	event_unref(&event);
}

void lazy_expunge_event_account_merged(const char *user, const char *id,
				       const char *by, const char *target,
				       const char *mailbox, uint64_t mails)
{
	struct event *event = event_create(NULL);
	struct event_passthrough *e;

	e = lazy_expunge_event_begin(event, "lazy_expunge_account_merged")->
		add_str("user", user)->
		add_str("account", id)->
		add_str("target", target)->
		add_str("mailbox", mailbox)->
		add_int("mails", mails);
	if (*by != '\0')
		e = e->add_str("by", by);
	e_debug(e->event(), "lazy_expunge: Account %s of %s: %"PRIu64" mails "
		"copied to %s of %s", id, user, mails, mailbox, target);
	event_unref(&event);
}
