/* Maintenance: the steps, in the order in which each makes work for the next. */

#include "lib.h"
#include "array.h"
#include "file-lock.h"
#include "mail-namespace.h"
#include "mail-autoexpunge.h"
#include "mail-storage-private.h"
#include "compat/dovecot.h"
#include "formats/format.h"
#include "retention/cap.h"
#include "retention/due.h"
#include "retention/figures.h"
#include "events/events.h"
#include "hold/holds.h"
#include "retention/idle.h"
#include "retention/logs.h"
#include "account/files.h"
#include "account/never-used.h"
#include "formats/save-date.h"
#include "settings/mailbox-blocks.h"
#include "retention/names.h"
#include "retention/stamp.h"
#include "retention/watch.h"
#include "account/storages.h"
#include "retention/maintain.h"

#define MAINTAIN_LOCK_FNAME "dovecot.lazy-expunge-maintain.lock"
#define MAINTAIN_DOTLOCK_FNAME "dovecot.lazy-expunge-maintain.dotlock"
/* What goes from one mailbox may be kept in another whose turn is over. */
#define MAINTAIN_AUTOEXPUNGE_ROUNDS 2
/* what is known of a visit that could read nothing */
#define ROW_VISITED \
	(LAZY_EXPUNGE_CATALOG_BIT(LAZY_EXPUNGE_CATALOG_MAINTAINED) | \
	 LAZY_EXPUNGE_CATALOG_BIT(LAZY_EXPUNGE_CATALOG_FAILED))

struct maintain {
	struct lazy_expunge_user *luser;
	struct lazy_expunge_maintain_result *result;
	enum mail_error error;
	/* the first one, NULL if there was none */
	const char *error_text;
	time_t now;
	/* when there may be something to do again, 0 = never */
	time_t next;
	bool plan, with_row;
	/* NULL = not known */
	const char *lookup;
};

static void maintain_add_next(struct maintain *maintain, time_t next)
{
	if (next != 0 && (maintain->next == 0 || next < maintain->next))
		maintain->next = next;
}

static void maintain_failed(struct maintain *maintain, uint64_t count,
			    enum mail_error error, const char *text)
{
	if (count == 0)
		return;
	if (maintain->error_text == NULL) {
		maintain->error_text =
			p_strdup(maintain->luser->user->pool, text);
	}
	maintain->result->failed += count;
	if (maintain->error == MAIL_ERROR_NONE)
		maintain->error = error == MAIL_ERROR_NONE ?
			MAIL_ERROR_TEMP : error;
}

/* Autoexpunge goes around what is held only with the mail plugin's hooks.
   Returns FALSE if they are missing and something is held. */
static bool maintain_can_hold(struct maintain *maintain)
{
	struct lazy_expunge_user *luser = maintain->luser;
	struct lazy_expunge_holds *holds;
	const char *text = "Mail is held, which needs the mail plugin: add "
		"lazy_expunge to mail_plugins of doveadm, too";

	if (array_count(lazy_expunge_user_storages(luser)) == 0)
		return TRUE;
	holds = lazy_expunge_holds_get(luser);
	if (holds == NULL)
		return TRUE;
	maintain_add_next(maintain, holds->next_end);
	if (lazy_expunge_compat_user_has_plugin(luser->user, "lazy_expunge"))
		return TRUE;
	e_error(luser->user->event, "lazy_expunge: %s", text);
	maintain_failed(maintain, 1, MAIL_ERROR_NOTPOSSIBLE, text);
	return FALSE;
}

static void maintain_autoexpunge(struct maintain *maintain)
{
	struct lazy_expunge_due due, left;
	enum mail_error error;
	uint64_t expunged;

	if (!maintain_can_hold(maintain))
		return;
	if (lazy_expunge_due_read(maintain->luser, maintain->now, &due,
				  &error) < 0)
		maintain_failed(maintain, due.failed, error,
				"The retention of a mailbox cannot be read");
	maintain_add_next(maintain, due.next);
	maintain->result->held = due.held;
	if (maintain->plan) {
		maintain->result->expunged += due.messages;
		maintain->result->bytes += due.bytes;
		return;
	}
	for (unsigned int i = 0; i < MAINTAIN_AUTOEXPUNGE_ROUNDS; i++) {
		if (due.messages == 0)
			return;
		expunged = mail_user_autoexpunge(maintain->luser->user);
		(void)lazy_expunge_due_read(maintain->luser, maintain->now,
					    &left, &error);
		/* what went around held mails is not in Dovecot's number */
		if (left.messages < due.messages) {
			expunged = I_MAX(expunged,
					 due.messages - left.messages);
		}
		maintain->result->expunged += expunged;
		if (expunged >= due.messages)
			maintain->result->bytes += due.bytes;
		else if (left.bytes < due.bytes)
			maintain->result->bytes += due.bytes - left.bytes;
		due = left;
	}
	if (due.messages > 0) {
		e_error(maintain->luser->user->event, "lazy_expunge: %"PRIu64
			" mails should have been expunged and are still there",
			due.messages);
	}
	maintain_failed(maintain, due.messages, MAIL_ERROR_TEMP,
			"Mails should have been expunged and are still there");
}

static void maintain_cap(struct maintain *maintain)
{
	struct lazy_expunge_cap_result cap;
	struct lazy_expunge_error error;

	if (lazy_expunge_cap_apply(maintain->luser, maintain->plan, &cap,
				   &error) < 0) {
		e_error(maintain->luser->user->event, "lazy_expunge: %s",
			error.text);
		maintain_failed(maintain, I_MAX(cap.messages, 1), error.code,
				error.text);
		return;
	}
	maintain->result->expunged += cap.messages;
	maintain->result->bytes += cap.bytes;
}

/* Expunged mail of mdbox takes space until its storage is purged. Namespaces
   may share a storage. */
static void maintain_purge(struct maintain *maintain)
{
	struct mail_namespace *ns, *other;
	struct mail_storage *storage;
	enum mail_error error;
	const char *text;

	for (ns = maintain->luser->user->namespaces; ns != NULL; ns = ns->next) {
		if (ns->type != MAIL_NAMESPACE_TYPE_PRIVATE ||
		    ns->alias_for != NULL)
			continue;
		storage = mail_namespace_get_default_storage(ns);
		for (other = maintain->luser->user->namespaces; other != ns;
		     other = other->next) {
			if (other->type == MAIL_NAMESPACE_TYPE_PRIVATE &&
			    other->alias_for == NULL &&
			    mail_namespace_get_default_storage(other) == storage)
				break;
		}
		if (other != ns || mail_storage_purge(storage) == 0)
			continue;
		text = mail_storage_get_last_internal_error(storage, &error);
		e_error(maintain->luser->user->event, "lazy_expunge: Cannot "
			"purge the storage of namespace %s: %s", ns->prefix,
			text);
		maintain_failed(maintain, 1, error, text);
	}
}

/* Where Dovecot does not cache save dates, retention goes by the ctime of files,
   which a backup by hard links or a chown renews each night. */
static void maintain_save_dates(struct mail_namespace *ns, const char *vname,
				void *context)
{
	struct maintain *maintain = context;
	struct lazy_expunge_retention set;
	struct mailbox *box;

	lazy_expunge_keep_time_get(ns, vname, &set);
	/* the mail plugin sees to those of a storage */
	if (set.autoexpunge == 0 ||
	    lazy_expunge_storage_match(maintain->luser, ns, vname) != NULL)
		return;
	box = mailbox_alloc(ns->list, vname, MAILBOX_FLAG_IGNORE_ACLS);
	/* errors were said when the same mailboxes were expunged */
	if (lazy_expunge_box_format(box) != LAZY_EXPUNGE_FORMAT_MDBOX &&
	    mailbox_open(box) == 0 && mailbox_sync(box, 0) == 0)
		(void)lazy_expunge_save_date_cache_all(box);
	mailbox_free(&box);
}

static void maintain_all_save_dates(struct maintain *maintain)
{
	struct lazy_expunge_error error;

	(void)lazy_expunge_due_mailboxes(maintain->luser, maintain_save_dates,
					 maintain, &error);
}

static void maintain_stamp(struct maintain *maintain,
			   struct lazy_expunge_watch *watch)
{
	struct lazy_expunge_stamp stamp = {
		.time = maintain->now,
		.expunged = maintain->result->expunged,
		.bytes = maintain->result->bytes,
		.failed = maintain->result->failed,
	};
	const char *error;

	/* figures that were not read are not those of the next run */
	if ((maintain->result->row.known & LAZY_EXPUNGE_CATALOG_BIT(
				LAZY_EXPUNGE_CATALOG_MESSAGES)) != 0) {
		stamp.row = lazy_expunge_catalog_row_line(
			&maintain->result->row);
	}
	if (stamp.expunged == 0 && stamp.failed == 0) {
		lazy_expunge_idle_end(maintain->luser, watch, maintain->now,
				      maintain->next, &stamp);
		/* with a catalog the user is to be visited */
		if (!maintain->with_row)
			stamp.lookup = maintain->lookup;
	}
	if (lazy_expunge_stamp_write(maintain->luser->user, &stamp,
				     &error) < 0) {
		e_error(maintain->luser->user->event, "lazy_expunge: Cannot "
			"record the maintenance: %s", error);
		maintain_failed(maintain, 1, MAIL_ERROR_TEMP, error);
	}
}

/* What the last run read, of which nothing has changed. */
static bool maintain_row_of_stamp(struct maintain *maintain,
				  const struct lazy_expunge_stamp *stamp)
{
	struct lazy_expunge_catalog_row *row = &maintain->result->row;

	if (!maintain->with_row)
		return TRUE;
	if (stamp->row == NULL ||
	    lazy_expunge_catalog_row_parse_line(stamp->row, row) < 0)
		return FALSE;
	row->maintained = maintain->now;
	return TRUE;
}

/* The time of this run, and for the next one by which lookup it was. */
static int maintain_note_idle(struct maintain *maintain,
			      struct lazy_expunge_stamp *stamp)
{
	struct mail_user *user = maintain->luser->user;
	const char *error;

	if (maintain->lookup != NULL && !maintain->with_row &&
	    null_strcmp(stamp->lookup, maintain->lookup) != 0) {
		stamp->time = maintain->now;
		stamp->lookup = maintain->lookup;
		stamp->row = NULL;
		/* on a full disk there is no room for more than the time */
		if (lazy_expunge_stamp_write(user, stamp, &error) == 0)
			return 0;
	}
	return lazy_expunge_stamp_touch(user, maintain->now, &error);
}

/* Returns TRUE if the last run knew that there is nothing to do now. */
static bool maintain_is_idle(struct maintain *maintain)
{
	struct mail_user *user = maintain->luser->user;
	struct lazy_expunge_stamp stamp;
	const char *error;

	/* a stamp that cannot be read is written anew; one that says that mail
	   went has something else to say */
	return lazy_expunge_stamp_read(user, &stamp, &error) > 0 &&
		lazy_expunge_idle_holds(maintain->luser, &stamp,
					maintain->now) &&
		maintain_row_of_stamp(maintain, &stamp) &&
		maintain_note_idle(maintain, &stamp) == 0;
}

bool lazy_expunge_maintain_is_done(const char *home, const char *lookup,
				   time_t now)
{
	struct lazy_expunge_stamp stamp;
	const char *error;

	/* with a row of the catalog, that row is to be looked at, too */
	return lazy_expunge_stamp_read_in(home, &stamp, &error) > 0 &&
		stamp.row == NULL &&
		lazy_expunge_idle_holds_by_lookup(&stamp, lookup, now) &&
		lazy_expunge_stamp_touch_in(home, now, &error) == 0;
}

/* Returns TRUE if it is for this run to look after the user. */
static bool maintain_lock(struct maintain *maintain, struct file_lock **lock_r)
{
	struct mail_user *user = maintain->luser->user;
	const char *fname, *error;
	int ret;

	fname = lazy_expunge_place_lock_name(user, MAINTAIN_LOCK_FNAME,
					     MAINTAIN_DOTLOCK_FNAME);
	ret = lazy_expunge_place_lock(user, fname, 0, lock_r, &error);
	if (ret < 0) {
		/* it may be what makes space on a full disk, and two runs at
		   once do no harm */
		e_debug(user->event, "lazy_expunge: Cannot lock maintenance: "
			"%s", error);
	} else if (ret > 0) {
		/* creating it each time is dear */
		file_lock_set_unlink_on_free(*lock_r, FALSE);
	}
	return ret != 0;
}

static void maintain_row(struct maintain *maintain)
{
	struct lazy_expunge_catalog_row *row = &maintain->result->row;
	struct lazy_expunge_error error;
	bool failed;

	if (!maintain->with_row)
		return;
	failed = lazy_expunge_figures_read(maintain->luser, maintain->now, TRUE,
					   row, &error) < 0;
	if (failed) {
		i_zero(row);
		e_debug(maintain->luser->user->event, "lazy_expunge: No "
			"figures for the catalog: %s", error.text);
		/* it is known at least that the user was visited */
	}
	row->maintained = maintain->now;
	row->failed = maintain->result->failed + (failed ? 1 : 0);
	row->known |= ROW_VISITED;
}

/* One line for what would be one of each file. */
static bool maintain_is_closed(struct maintain *maintain)
{
	struct lazy_expunge_catalog_row *row = &maintain->result->row;
	struct mail_user *user = maintain->luser->user;
	const char *error;

	if (!lazy_expunge_user_home_is_closed(user, &error))
		return FALSE;
	e_error(user->event, "lazy_expunge: The home cannot be entered: %s",
		error);
	maintain_failed(maintain, 1, MAIL_ERROR_TEMP, error);
	if (maintain->with_row) {
		row->maintained = maintain->now;
		row->failed = maintain->result->failed;
		row->known |= ROW_VISITED;
	}
	return TRUE;
}

static void maintain_all(struct maintain *maintain)
{
	struct lazy_expunge_watch *watch;

	watch = lazy_expunge_idle_begin(maintain->luser, maintain->now,
					maintain->with_row);
	maintain_autoexpunge(maintain);
	maintain_all_save_dates(maintain);
	maintain_cap(maintain);
	maintain_purge(maintain);
	maintain_add_next(maintain,
			  lazy_expunge_logs_maintain(maintain->luser,
						     maintain->now));
	lazy_expunge_names_maintain(maintain->luser, maintain->now);
	maintain_row(maintain);
	maintain_stamp(maintain, watch);
	lazy_expunge_watch_deinit(&watch);
}

int lazy_expunge_maintain(struct lazy_expunge_user *luser,
			  const struct lazy_expunge_maintain_params *params,
			  struct lazy_expunge_maintain_result *result_r,
			  enum mail_error *error_r)
{
	struct maintain maintain = {
		.luser = luser,
		.result = result_r,
		.now = params->now,
		.plan = params->plan,
		.with_row = params->with_row,
		.lookup = params->lookup,
	};
	struct file_lock *lock = NULL;
	struct event_reason *reason;
	struct event *event;

	i_zero(result_r);
	event = event_create(luser->user->event);
	reason = event_reason_begin("lazy_expunge:maintain");
	if (!params->plan && maintain_is_idle(&maintain))
		; /* nothing is due */
	else if (lazy_expunge_user_never_used(luser->user)) {
		/* to open a mailbox makes its directories, or fails */
		result_r->never_used = TRUE;
	} else if (maintain_is_closed(&maintain)) {
		; /* which was said */
	} else if (params->plan) {
		maintain_autoexpunge(&maintain);
		maintain_cap(&maintain);
	} else if (maintain_lock(&maintain, &lock))
		maintain_all(&maintain);
	else
		result_r->skipped = TRUE;
	event_reason_end(&reason);
	if (!params->plan && !result_r->skipped) {
		lazy_expunge_event_maintained(event, result_r->expunged,
					      result_r->bytes, result_r->failed,
					      maintain.error_text);
	}
	event_unref(&event);
	file_lock_free(&lock);
	*error_r = maintain.error;
	return result_r->failed > 0 ? -1 : 0;
}
