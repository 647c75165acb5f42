/* What becomes of the mails of a transaction, and looks for copies: names, fields
   and texts. */

#include "lib.h"
#include "array.h"
#include "mail-storage-private.h"
#include "events/events.h"
#include "events/passthrough.h"

enum outcome_type {
	OUTCOME_KEPT,
	OUTCOME_PASSED,
	OUTCOME_EXPIRED,
	OUTCOME_RESTORED
};

static const struct {
	const char *name;
	const char *text;
} outcome_types[] = {
	[OUTCOME_KEPT] = { "lazy_expunge_mail_kept", "Mail is kept" },
	[OUTCOME_PASSED] = { "lazy_expunge_mail_passed", "Mail is not kept" },
	[OUTCOME_EXPIRED] = { "lazy_expunge_mail_expired",
			      "Kept mail is gone for good" },
	[OUTCOME_RESTORED] = { "lazy_expunge_mail_restored",
			       "Kept mail is restored" },
};

struct outcome {
	enum outcome_type type;
	uint32_t uid;
	uoff_t size;
	/* NULL if there is none */
	const char *mailbox, *storage, *origin, *cause, *guid;
};

struct lazy_expunge_events {
	/* the whole transaction, for the sake of the duration */
	struct event *event;
	/* what somebody may listen to, of the last mail that was asked about,
	   and the pool of its names; NULL before the first */
	struct event *asked;
	struct outcome asked_outcome;
	pool_t asked_pool;
	pool_t pool;
	ARRAY(struct outcome) outcomes;
	/* its names are often those of the next one */
	struct outcome last;
	/* somebody listens to looks that took no time; asked once */
	bool quick_look_asked, quick_look_wanted;
};

struct lazy_expunge_events *lazy_expunge_events_init(struct mailbox *box)
{
	struct lazy_expunge_events *events;

	events = i_new(struct lazy_expunge_events, 1);
	events->event = event_create(box->event);
	return events;
}

/* The event with all that is known before the mail is looked at. */
static struct event_passthrough *
outcome_begin(struct lazy_expunge_events *events, const struct outcome *outcome)
{
	struct event_passthrough *e;

	e = lazy_expunge_event_begin(events->event,
				     outcome_types[outcome->type].name)->
		add_str("mailbox", outcome->mailbox)->
		add_str("cause", outcome->cause)->
		add_int("uid", outcome->uid);
	if (outcome->storage != NULL)
		e = e->add_str("storage", outcome->storage);
	if (outcome->origin != NULL)
		e = e->add_str("origin", outcome->origin);
	return e;
}

static bool outcome_is_like_asked(struct lazy_expunge_events *events,
				  const struct outcome *outcome)
{
	const struct outcome *asked = &events->asked_outcome;

	return events->asked != NULL && asked->type == outcome->type &&
		null_strcmp(asked->mailbox, outcome->mailbox) == 0 &&
		null_strcmp(asked->storage, outcome->storage) == 0 &&
		null_strcmp(asked->origin, outcome->origin) == 0 &&
		null_strcmp(asked->cause, outcome->cause) == 0;
}

static void asked_free(struct lazy_expunge_events *events)
{
	event_unref(&events->asked);
	pool_unref(&events->asked_pool);
}

/* What is dear to find out is looked up only if somebody listens. Mails of one
   transaction often differ by their UID alone. */
static bool outcome_is_wanted(struct lazy_expunge_events *events,
			      const struct outcome *outcome)
{
	struct outcome *asked = &events->asked_outcome;
	pool_t pool;

	if (outcome_is_like_asked(events, outcome)) {
		event_add_int(events->asked, "uid", outcome->uid);
		/* else the answer is the one that was given before */
		event_set_min_log_level(events->asked,
			event_get_min_log_level(events->asked));
	} else {
		asked_free(events);
		pool = pool_alloconly_create("lazy_expunge asked", 256);
		events->asked_pool = pool;
		events->asked = outcome_begin(events, outcome)->event();
		*asked = *outcome;
		asked->mailbox = p_strdup(pool, outcome->mailbox);
		asked->storage = p_strdup(pool, outcome->storage);
		asked->origin = p_strdup(pool, outcome->origin);
		asked->cause = p_strdup(pool, outcome->cause);
	}
	return event_want_debug(events->asked);
}

static const char *
name_dup(struct lazy_expunge_events *events, const char *name, const char *last)
{
	return last != NULL && null_strcmp(name, last) == 0 ? last :
		p_strdup(events->pool, name);
}

static void outcome_add(struct lazy_expunge_events *events, struct mail *mail,
			struct outcome *outcome)
{
	const char *guid;

	outcome->uid = mail->uid;
	if (!outcome_is_wanted(events, outcome))
		return;
	if (events->pool == NULL) {
		events->pool = pool_alloconly_create("lazy_expunge events",
						     1024);
		p_array_init(&events->outcomes, events->pool, 16);
	}
	if (mail_get_special(mail, MAIL_FETCH_GUID, &guid) == 0)
		outcome->guid = p_strdup(events->pool, guid);
	if (mail_get_physical_size(mail, &outcome->size) < 0)
		outcome->size = 0;
	outcome->mailbox = name_dup(events, outcome->mailbox,
				    events->last.mailbox);
	outcome->storage = name_dup(events, outcome->storage,
				    events->last.storage);
	outcome->origin = name_dup(events, outcome->origin,
				   events->last.origin);
	outcome->cause = name_dup(events, outcome->cause, events->last.cause);
	array_push_back(&events->outcomes, outcome);
	events->last = *outcome;
}

static void outcome_send(struct lazy_expunge_events *events,
			 const struct outcome *outcome)
{
	struct event_passthrough *e = outcome_begin(events, outcome)->
		add_int("size", outcome->size);

	if (outcome->guid != NULL)
		e = e->add_str("guid", outcome->guid);
	e_debug(e->event(), "lazy_expunge: UID %u: %s: %s", outcome->uid,
		outcome_types[outcome->type].text, outcome->cause);
}

void lazy_expunge_events_deinit(struct lazy_expunge_events **_events,
				bool committed)
{
	struct lazy_expunge_events *events = *_events;
	const struct outcome *outcome;

	if (events == NULL)
		return;
	*_events = NULL;
	if (committed && array_is_created(&events->outcomes)) {
		array_foreach(&events->outcomes, outcome) T_BEGIN {
			outcome_send(events, outcome);
		} T_END;
	}
	asked_free(events);
	event_unref(&events->event);
	pool_unref(&events->pool);
	i_free(events);
}

void lazy_expunge_events_drop_kept(struct lazy_expunge_events *events,
				   const ARRAY_TYPE(seq_range) *uids)
{
	const struct outcome *outcome;

	if (!array_is_created(&events->outcomes))
		return;
	for (unsigned int i = array_count(&events->outcomes); i > 0; i--) {
		outcome = array_idx(&events->outcomes, i - 1);
		if (outcome->type == OUTCOME_KEPT &&
		    seq_range_exists(uids, outcome->uid))
			array_delete(&events->outcomes, i - 1, 1);
	}
}

void lazy_expunge_events_kept(struct lazy_expunge_events *events,
			      struct mail *mail, const char *storage,
			      const char *origin,
			      enum lazy_expunge_reason reason)
{
	struct outcome outcome = {
		.type = OUTCOME_KEPT,
		.mailbox = mailbox_get_vname(mail->box),
		.storage = storage,
		.origin = origin,
		.cause = lazy_expunge_reason_name(reason),
	};

	outcome_add(events, mail, &outcome);
}

void lazy_expunge_events_passed(struct lazy_expunge_events *events,
				struct mail *mail,
				enum lazy_expunge_reason reason)
{
	struct outcome outcome = {
		.type = OUTCOME_PASSED,
		.mailbox = mailbox_get_vname(mail->box),
		.cause = lazy_expunge_reason_name(reason),
	};

	outcome_add(events, mail, &outcome);
}

void lazy_expunge_events_expired(struct lazy_expunge_events *events,
				 struct mail *mail, const char *storage,
				 const char *origin, const char *cause)
{
	struct outcome outcome = {
		.type = OUTCOME_EXPIRED,
		.mailbox = storage,
		.storage = storage,
		.origin = origin,
		.cause = cause,
	};

	outcome_add(events, mail, &outcome);
}

void lazy_expunge_events_restored(struct lazy_expunge_events *events,
				  struct mail *mail, const char *storage,
				  const char *target, const char *origin,
				  const char *cause)
{
	struct outcome outcome = {
		.type = OUTCOME_RESTORED,
		.mailbox = target,
		.storage = storage,
		.origin = origin,
		.cause = cause,
	};

	outcome_add(events, mail, &outcome);
}

static struct event_passthrough *
look_begin(struct event *parent, struct mail *mail,
	   const struct lazy_expunge_events_look *look)
{
	return lazy_expunge_event_begin(parent, "lazy_expunge_look_finished")->
		add_str("mailbox", mailbox_get_vname(mail->box))->
		add_str("verdict", lazy_expunge_reason_name(look->verdict))->
		add_str("found_by", look->found_by)->
		add_int("mails_read", look->mails_read)->
		add_int("mailboxes_opened", look->mailboxes_opened)->
		add_str("remembered", look->remembered ? "yes" : "no")->
		add_str("cut_short", look->cut_short ? "yes" : "no");
}

/* Most looks end with the count of references and differ in nothing that can
   be asked for. */
static bool quick_look_is_wanted(struct lazy_expunge_events *events,
				 struct mail *mail,
				 const struct lazy_expunge_events_look *look)
{
	struct event *asked;

	if (!events->quick_look_asked) {
		events->quick_look_asked = TRUE;
		asked = look_begin(mail->box->event, mail, look)->event();
		events->quick_look_wanted = event_want_debug(asked);
		event_unref(&asked);
	}
	return events->quick_look_wanted;
}

void lazy_expunge_events_looked(struct lazy_expunge_events *events,
				struct mail *mail, struct event *event,
				const struct lazy_expunge_events_look *look)
{
	struct event *own = NULL;

	if (event == NULL) {
		if (!quick_look_is_wanted(events, mail, look))
			return;
		event = own = event_create(mail->box->event);
	}
	e_debug(look_begin(event, mail, look)->event(),
		"lazy_expunge: UID %u: Looked for other copies (%s): %s, "
		"%u mails read, %u mailboxes opened%s%s", mail->uid,
		look->found_by, lazy_expunge_reason_name(look->verdict),
		look->mails_read, look->mailboxes_opened,
		look->remembered ? ", found in what was remembered" : "",
		look->cut_short ? ", cut short" : "");
	event_unref(&own);
}
