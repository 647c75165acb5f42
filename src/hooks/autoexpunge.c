/* Autoexpunge: is it at work, and is there something due? */

#include "lib.h"
#include "ioloop.h"
#include "settings/mailbox-blocks.h"
#include "formats/list-index.h"
#include "hooks/context.h"
#include "account/storage-names.h"
#include "hooks/autoexpunge.h"

/* When a storage in which nothing is due was not opened for so long, or for this
   part of its retention, autoexpunge opens it, so that a Maildir's new mails get
   UIDs and lasting save dates. They get them in the order of their delivery:
   one that was deleted earlier may stay so much longer. */
#define STORAGE_UNSEEN_MAX_SECS (24 * 60 * 60)
#define STORAGE_UNSEEN_PART 24

bool lazy_expunge_is_within_autoexpunge(void)
{
	const struct event *event = event_get_global();
	const char *reasons;
	bool within;

	if (event == NULL)
		return FALSE;
	T_BEGIN {
		reasons = event_find_field_recursive_str(event,
							 EVENT_REASON_CODE);
		within = reasons != NULL &&
			str_array_find(t_strsplit(reasons, ","),
				       "storage:autoexpunge");
	} T_END;
	return within;
}

/* The first mail is the oldest. That others were added since the list's index
   was written does not make it due. Quota asks the same way, though, for sizes
   as they are now. */
static bool mailbox_has_nothing_due(struct mailbox *box,
				    struct mail_index_view *list_view,
				    uint32_t seq)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	struct lazy_expunge_retention set;
	time_t first_saved, seen;

	lazy_expunge_keep_time_get(box->list->ns,
				   lazy_expunge_mailbox_vname(box), &set);
	if (set.autoexpunge == 0 || set.max_mails > 0 ||
	    !lbox->storage->quota_ignore)
		return FALSE;
	first_saved = lazy_expunge_list_index_first_saved(box, list_view, seq);
	if (first_saved == 0 ||
	    first_saved + (time_t)set.autoexpunge <= ioloop_time)
		return FALSE;
	seen = lazy_expunge_list_index_log_time(box->list, box->name);
	return seen != 0 && seen + (time_t)I_MIN(STORAGE_UNSEEN_MAX_SECS,
			set.autoexpunge / STORAGE_UNSEEN_PART) > ioloop_time;
}

bool lazy_expunge_autoexpunge_is_idle(struct mailbox *box,
				      struct mail_index_view *list_view,
				      uint32_t seq)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	bool nothing_due;

	if (!lazy_expunge_is_within_autoexpunge() || lbox->luser->by_admin)
		return FALSE;
	/* have the next answer written */
	box->update_first_saved = TRUE;
	T_BEGIN {
		nothing_due = mailbox_has_nothing_due(box, list_view, seq);
	} T_END;
	return nothing_due;
}
