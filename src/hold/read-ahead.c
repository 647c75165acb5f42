/* Reading ahead: the header fields that holds ask for, into the index cache. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "mail-search.h"
#include "mail-storage-private.h"
#include "account/storage-list.h"
#include "account/storages.h"
#include "account/user.h"
#include "settings/mailbox-blocks.h"
#include "hold/fields.h"
#include "hold/holds.h"
#include "hold/read-ahead.h"

/* Mails of one transaction. */
#define READ_AHEAD_BATCH_SIZE 1000
/* At the end of a session: what is more than that is left to retention, and so is
   what earlier ones have left, but for as many. */
#define READ_AHEAD_MAX_KEPT 20000
#define READ_AHEAD_MAX_LEFT 1000
/* Nobody can end it then: the process does not hear of signals. */
#define READ_AHEAD_MAX_SECS 10

struct read_ahead {
	struct lazy_expunge_user *luser;
	struct lazy_expunge_holds *holds;
	struct lazy_expunge_storage *storage;
	/* it ends when this says so; NULL = at a time */
	bool (*is_killed)(void);
	time_t until;
	/* so many that came last, and what is before them up to one that was
	   read; 0 = all */
	unsigned int newest;
};

static bool read_ahead_is_over(const struct read_ahead *ahead)
{
	return ahead->is_killed != NULL ? ahead->is_killed() :
		time(NULL) >= ahead->until;
}

/* In the alternative storage of dbox, which may be slow, or away: then Dovecot
   makes the whole storage anew. */
static bool has_mails_elsewhere(struct mailbox *box)
{
	const uint32_t count =
		mail_index_get_header(box->view)->messages_count;

	for (uint32_t seq = 1; seq <= count; seq++) {
		if ((mail_index_lookup(box->view, seq)->flags &
		     MAIL_INDEX_MAIL_FLAG_BACKEND) != 0)
			return TRUE;
	}
	return FALSE;
}

/* What the holds by fields ask for. */
static struct lazy_expunge_fields *
read_ahead_begin(struct read_ahead *ahead, struct mailbox *box)
{
	const struct lazy_expunge_hold_active *active;
	const struct mail_search_arg **queries;
	unsigned int count = 0;

	queries = t_new(const struct mail_search_arg *,
			array_count(&ahead->holds->active) + 1);
	array_foreach(&ahead->holds->active, active) {
		if (active->fields)
			queries[count++] = active->args->args;
	}
	return lazy_expunge_fields_init(box, queries, count);
}

static uint32_t
read_ahead_find_first(struct read_ahead *ahead, struct mailbox *box,
		      uint32_t count)
{
	struct lazy_expunge_fields *fields;
	uint32_t last, first = count + 1;

	if (ahead->newest == 0)
		return 1;
	fields = read_ahead_begin(ahead, box);
	last = I_MIN(count, ahead->newest + READ_AHEAD_MAX_LEFT);
	for (uint32_t n = 0; n < last; n++) {
		if (!lazy_expunge_fields_are_cached(fields, count - n))
			first = count - n;
		else if (n >= ahead->newest)
			break;
	}
	(void)lazy_expunge_fields_deinit(&fields);
	return first;
}

/* Returns FALSE if it is not to go on. */
static bool read_ahead_batch(struct read_ahead *ahead, struct mailbox *box,
			     uint32_t first, uint32_t last)
{
	struct lazy_expunge_fields *fields = read_ahead_begin(ahead, box);
	bool over = FALSE;

	for (uint32_t seq = first; seq <= last && !over; seq++) {
		if (!lazy_expunge_fields_are_cached(fields, seq))
			lazy_expunge_fields_read(fields, seq);
		over = read_ahead_is_over(ahead);
	}
	return lazy_expunge_fields_deinit(&fields) == 0 && !over;
}

static void read_ahead_mails(struct read_ahead *ahead, struct mailbox *box)
{
	const uint32_t count =
		mail_index_get_header(box->view)->messages_count;
	uint32_t first, last;
	bool goes_on = TRUE;

	first = read_ahead_find_first(ahead, box, count);
	for (; first <= count && goes_on; first = last + 1) {
		last = I_MIN(count, first + READ_AHEAD_BATCH_SIZE - 1);
		T_BEGIN {
			goes_on = read_ahead_batch(ahead, box, first, last);
		} T_END;
	}
}

static int read_ahead_listed(struct mail_namespace *ns, const char *vname,
			     void *context)
{
	struct read_ahead *ahead = context;
	struct mailbox *box;

	if (!lazy_expunge_storage_is_many(ahead->storage))
		vname = lazy_expunge_storage_vname(ahead->storage);
	box = lazy_expunge_mailbox_alloc(ahead->luser, ns, vname, 0);
	if (mailbox_open(box) == 0 &&
	    mailbox_sync(box, MAILBOX_SYNC_FLAG_FAST) == 0 &&
	    !has_mails_elsewhere(box)) T_BEGIN {
		read_ahead_mails(ahead, box);
	} T_END;
	mailbox_free(&box);
	return read_ahead_is_over(ahead) ? -1 : 0;
}

/* name: NULL = any of them */
static bool holds_by_fields(const struct lazy_expunge_holds *holds,
			    const char *name)
{
	const struct lazy_expunge_hold_active *active;

	if (holds == NULL || holds->everything != NULL)
		return FALSE;
	array_foreach(&holds->active, active) {
		if (active->fields &&
		    (name == NULL || strcmp(active->hold->name, name) == 0))
			return TRUE;
	}
	return FALSE;
}

static void read_ahead_storage(struct read_ahead *ahead)
{
	const char *error;
	enum mail_error code;

	/* what cannot be listed is said by those who need it */
	(void)lazy_expunge_storage_list(ahead->luser, ahead->storage,
					read_ahead_listed, ahead, &error,
					&code);
}

void lazy_expunge_hold_read_ahead(struct lazy_expunge_user *luser,
				  const char *name, bool (*is_killed)(void))
{
	struct read_ahead ahead = { .luser = luser, .is_killed = is_killed };

	/* have the file looked at again */
	io_loop_time_refresh();
	ahead.holds = lazy_expunge_holds_get(luser);
	if (!holds_by_fields(ahead.holds, name))
		return;
	lazy_expunge_holds_ref(ahead.holds);
	array_foreach_elem(lazy_expunge_user_storages(luser), ahead.storage) {
		if (ahead.storage->ns != NULL)
			read_ahead_storage(&ahead);
	}
	lazy_expunge_holds_unref(&ahead.holds);
}

/* Will retention ask which mails of the storage are held? */
static bool storage_is_asked(struct lazy_expunge_user *luser,
			     struct lazy_expunge_storage *storage)
{
	struct lazy_expunge_retention set;

	if (storage->ns == NULL)
		return FALSE;
	/* of many mailboxes any may have one */
	if (lazy_expunge_storage_is_many(storage) ||
	    lazy_expunge_user_has_cap(luser))
		return TRUE;
	lazy_expunge_keep_time_get(storage->ns,
				   lazy_expunge_storage_vname(storage), &set);
	return set.autoexpunge > 0 || set.max_mails > 0;
}

void lazy_expunge_hold_read_kept(struct lazy_expunge_user *luser)
{
	struct read_ahead ahead = {
		.luser = luser,
		.newest = I_MIN(luser->kept, READ_AHEAD_MAX_KEPT),
		.until = time(NULL) + READ_AHEAD_MAX_SECS,
	};

	if (luser->kept == 0 || luser->user->autocreated ||
	    luser->user->dsyncing || luser->user->namespaces == NULL)
		return;
	array_foreach_elem(lazy_expunge_user_storages(luser), ahead.storage) {
		if (!storage_is_asked(luser, ahead.storage))
			continue;
		ahead.holds = lazy_expunge_holds_known(luser);
		if (!holds_by_fields(ahead.holds, NULL))
			break;
		lazy_expunge_holds_ref(ahead.holds);
		read_ahead_storage(&ahead);
		lazy_expunge_holds_unref(&ahead.holds);
	}
}
