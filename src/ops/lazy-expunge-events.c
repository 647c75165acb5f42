/* Events and log lines: names, fields and texts in one place. */

#include "lib.h"
#include "array.h"
#include "mail-storage-private.h"
#include "lazy-expunge-events.h"

static struct event_category event_category_lazy_expunge = {
	.name = "lazy_expunge",
};

static struct event_passthrough *
mail_event_begin(struct mail *mail, const char *name)
{
	return event_create_passthrough(mail_event(mail))->
		add_category(&event_category_lazy_expunge)->
		set_name(name)->
		add_int("uid", mail->uid);
}

/* What is dear to find out is looked up only if somebody listens. */
static bool mail_event_is_wanted(struct mail *mail, const char *name)
{
	struct event_passthrough *e =
		event_create_passthrough(mail_event(mail))->
		add_category(&event_category_lazy_expunge)->
		set_name(name);
	struct event *event = e->event();
	bool wanted = event_want_debug(event);

	event_unref(&event);
	return wanted;
}

void lazy_expunge_event_kept(struct mail *mail, struct mailbox *dest,
			     const char *origin)
{
	struct event_passthrough *e;
	const char *guid = "";
	uoff_t size = 0;

	if (!mail_event_is_wanted(mail, "lazy_expunge_mail_kept"))
		return;
	(void)mail_get_special(mail, MAIL_FETCH_GUID, &guid);
	(void)mail_get_physical_size(mail, &size);
	e = mail_event_begin(mail, "lazy_expunge_mail_kept")->
		add_str("storage", mailbox_get_vname(dest))->
		add_str("guid", guid)->
		add_int("size", size);
	if (origin != NULL)
		e = e->add_str("origin", origin);
	e_debug(e->event(), "lazy_expunge: Mail (GUID %s) is kept in %s",
		guid, mailbox_get_vname(dest));
}

void lazy_expunge_event_passed(struct mail *mail,
			       enum lazy_expunge_reason reason)
{
	const char *name = lazy_expunge_reason_name(reason);

	e_debug(mail_event_begin(mail, "lazy_expunge_mail_passed")->
		add_str("cause", name)->event(),
		"lazy_expunge: Mail is not kept: %s", name);
}

void lazy_expunge_event_lost(struct mail *mail, const char *error)
{
	e_warning(mail_event_begin(mail, "lazy_expunge_mail_lost")->
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
		e_warning(event_create_passthrough(box->event)->
			  add_category(&event_category_lazy_expunge)->
			  set_name("lazy_expunge_mail_lost")->
			  add_int("uid", uid)->
			  add_str("error", error)->event(),
			  "lazy_expunge: UID %u: Deleted mail was not kept "
			  "(lazy_expunge_on_failure = expunge): %s",
			  uid, error);
	} T_END;
}

void lazy_expunge_event_refused(struct mailbox *box, struct mail *mail,
				const char *cause, const char *error)
{
	struct event_passthrough *e;

	e = event_create_passthrough(mail != NULL ? mail_event(mail) :
				     box->event)->
		add_category(&event_category_lazy_expunge)->
		set_name("lazy_expunge_mail_refused")->
		add_str("cause", cause)->
		add_str("error", error);
	if (mail != NULL)
		e = e->add_int("uid", mail->uid);
	e_error(e->event(), "lazy_expunge: Mail was not deleted because it "
		"cannot be kept: %s (correct this, or set "
		"lazy_expunge_on_failure = expunge to delete without keeping)",
		error);
}
