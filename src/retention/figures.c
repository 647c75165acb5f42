/* Figures: sums over the storages, and the next time of all retention. */

#include "lib.h"
#include "array.h"
#include "mail-storage-private.h"
#include "compat/dovecot.h"
#include "account/storage-cap.h"
#include "account/storage-list.h"
#include "account/storages.h"
#include "hold/cover.h"
#include "hold/holds.h"
#include "retention/due.h"
#include "retention/figures.h"

/* What a byte cap is over: all storages for the first, which is the user's, or one. */
struct figures_cap {
	const struct lazy_expunge_storage *storage;
	uint64_t max, bytes;
};

struct figures {
	struct lazy_expunge_user *luser;
	struct lazy_expunge_catalog_row *row;
	/* NULL if nothing is held, or that is not asked */
	struct lazy_expunge_holds *holds;
	struct lazy_expunge_error *error;
	bool whole;

	/* of the mailboxes that are being read */
	struct lazy_expunge_storage *storage;
	/* empty if none is set */
	ARRAY(struct figures_cap) caps;
	/* there is too much, or that cannot be told */
	bool over_cap;
};

static int figures_failed(struct figures *figures, struct mailbox *box)
{
	enum mail_error code = mailbox_get_last_mail_error(box);

	/* it came and went, or was never there */
	if (code == MAIL_ERROR_NOTFOUND || code == MAIL_ERROR_PARAMS)
		return 0;
	lazy_expunge_error_set_box(figures->error, "Cannot read", box);
	return -1;
}

static uint64_t count_held(struct figures *figures, struct mailbox *box,
			   struct mail *mail, uint32_t count)
{
	struct lazy_expunge_cover *cover;
	uint64_t held = 0;

	if (figures->holds == NULL)
		return 0;
	cover = lazy_expunge_cover_init(figures->holds, box);
	if (cover == NULL)
		return 0;
	if (lazy_expunge_cover_is_all(cover))
		held = count;
	else for (uint32_t seq = 1; seq <= count; seq++) {
		mail_set_seq(mail, seq);
		if (lazy_expunge_cover_find(cover, mail) != NULL)
			held++;
	}
	lazy_expunge_cover_deinit(&cover);
	return held;
}

/* What the list's index does not tell. */
static int figures_add_mails(struct figures *figures, struct mailbox *box)
{
	struct mailbox_transaction_context *t;
	struct mailbox_status status;
	struct mail *mail;
	time_t newest;
	int ret = 0;

	if (mailbox_sync(box, MAILBOX_SYNC_FLAG_FAST) < 0)
		return -1;
	mailbox_get_open_status(box, STATUS_MESSAGES, &status);
	if (status.messages == 0)
		return 0;
	t = mailbox_transaction_begin(box, 0, "lazy_expunge figures");
	mail = mail_alloc(t, MAIL_FETCH_SAVE_DATE, NULL);
	mail_set_seq(mail, status.messages);
	if (mail_get_save_date(mail, &newest) < 0)
		ret = mail->expunged ? 0 : -1;
	else if (newest > figures->row->newest)
		figures->row->newest = newest;
	if (ret == 0) {
		figures->row->held += count_held(figures, box, mail,
						 status.messages);
	}
	mail_free(&mail);
	(void)mailbox_transaction_commit(&t);
	return ret;
}

static void figures_add_to_cap(struct figures *figures,
			       const struct lazy_expunge_storage *storage,
			       uint64_t max, uint64_t bytes)
{
	struct figures_cap *cap, *found = NULL;

	array_foreach_modifiable(&figures->caps, cap) {
		if (cap->storage == storage && cap->max == max) {
			found = cap;
			break;
		}
	}
	cap = found;
	if (cap == NULL) {
		cap = array_append_space(&figures->caps);
		cap->storage = storage;
		cap->max = max;
	}
	cap->bytes += bytes;
	if (max > 0 && cap->bytes > max)
		figures->over_cap = TRUE;
}

/* As maintenance counts them. */
static void figures_add_bytes(struct figures *figures, struct mailbox *box,
			      const char *vname, uint64_t bytes)
{
	struct lazy_expunge_storage *storage = figures->storage;
	struct lazy_expunge_error error;
	uint64_t max;
	bool whole;
	int ret;

	if (!array_is_created(&figures->caps))
		return;
	vname = lazy_expunge_storage_is_many(storage) ?
		lazy_expunge_compat_name_normalize(box->list, vname) :
		lazy_expunge_storage_vname(storage);
	ret = lazy_expunge_storage_read_cap(figures->luser, storage, vname,
					    &max, &whole, &error);
	if (ret < 0 || (ret > 0 && !whole && max > 0 && bytes > max))
		figures->over_cap = TRUE;
	else if (ret == 0)
		figures_add_to_cap(figures, NULL, max, bytes);
	else if (whole)
		figures_add_to_cap(figures, storage, max, bytes);
}

static int figures_add_box(struct figures *figures, struct mailbox *box,
			   const char *vname)
{
	struct lazy_expunge_catalog_row *row = figures->row;
	struct mailbox_metadata metadata;
	struct mailbox_status status;
	time_t oldest;

	if (mailbox_get_status(box, STATUS_MESSAGES, &status) < 0)
		return figures_failed(figures, box);
	if (status.messages == 0)
		return 0;
	if (mailbox_get_metadata(box, MAILBOX_METADATA_VIRTUAL_SIZE |
				 MAILBOX_METADATA_FIRST_SAVE_DATE,
				 &metadata) < 0 ||
	    (figures->whole && figures_add_mails(figures, box) < 0))
		return figures_failed(figures, box);
	oldest = metadata.first_save_date;
	row->messages += status.messages;
	row->bytes += metadata.virtual_size;
	figures_add_bytes(figures, box, vname, metadata.virtual_size);
	if (oldest != (time_t)-1 && (row->oldest == 0 || oldest < row->oldest))
		row->oldest = oldest;
	return 0;
}

static int figures_add(struct mail_namespace *ns, const char *vname,
		       void *context)
{
	struct figures *figures = context;
	struct mailbox *box;
	int ret;

	T_BEGIN {
		box = lazy_expunge_mailbox_alloc(figures->luser, ns, vname,
					LAZY_EXPUNGE_COMPAT_FLAG_RAW_NAME);
		ret = figures_add_box(figures, box, vname);
		mailbox_free(&box);
	} T_END_PASS_STR_IF(ret < 0, &figures->error->text);
	return ret;
}

static int figures_storages(struct figures *figures)
{
	struct lazy_expunge_storage *storage;
	const char *error;
	int ret = 0;

	array_foreach_elem(lazy_expunge_user_storages(figures->luser), storage) {
		if (ret < 0)
			break;
		if (storage->ns == NULL || storage->error != NULL) {
			figures->error->code = MAIL_ERROR_UNAVAILABLE;
			figures->error->text = storage->error;
			return -1;
		}
		figures->storage = storage;
		ret = lazy_expunge_storage_list(figures->luser, storage,
						figures_add, figures, &error,
						&figures->error->code);
		if (error != NULL)
			figures->error->text = error;
	}
	return ret;
}

static void figures_due(struct figures *figures, time_t now)
{
	struct lazy_expunge_catalog_row *row = figures->row;
	struct lazy_expunge_holds *holds;
	struct lazy_expunge_due due;
	enum mail_error code;

	/* what cannot be read is said, and is due: maintenance says it, too */
	if (lazy_expunge_due_read(figures->luser, now, &due, &code) < 0 ||
	    due.messages > 0 || figures->over_cap) {
		row->due = now;
		return;
	}
	row->due = due.next == 0 ? LAZY_EXPUNGE_CATALOG_NEVER : due.next;
	holds = array_count(lazy_expunge_user_storages(figures->luser)) == 0 ?
		NULL : lazy_expunge_holds_get(figures->luser);
	if (holds != NULL && holds->next_end != 0 &&
	    holds->next_end < row->due)
		row->due = holds->next_end;
}

int lazy_expunge_figures_read(struct lazy_expunge_user *luser, time_t now,
			      bool whole,
			      struct lazy_expunge_catalog_row *row_r,
			      struct lazy_expunge_error *error_r)
{
	struct figures figures = {
		.luser = luser,
		.row = row_r,
		.error = error_r,
		.whole = whole,
	};
	int ret;

	i_zero(row_r);
	row_r->known = LAZY_EXPUNGE_CATALOG_BIT(LAZY_EXPUNGE_CATALOG_DUE) |
		LAZY_EXPUNGE_CATALOG_BIT(LAZY_EXPUNGE_CATALOG_MESSAGES) |
		LAZY_EXPUNGE_CATALOG_BIT(LAZY_EXPUNGE_CATALOG_BYTES) |
		LAZY_EXPUNGE_CATALOG_BIT(LAZY_EXPUNGE_CATALOG_OLDEST) |
		LAZY_EXPUNGE_CATALOG_BIT(LAZY_EXPUNGE_CATALOG_HOLDS);
	row_r->holds = lazy_expunge_holds_count(luser);
	if (whole) {
		row_r->known |=
			LAZY_EXPUNGE_CATALOG_BIT(LAZY_EXPUNGE_CATALOG_NEWEST) |
			LAZY_EXPUNGE_CATALOG_BIT(LAZY_EXPUNGE_CATALOG_HELD);
		figures.holds = lazy_expunge_holds_get(luser);
		if (figures.holds != NULL)
			lazy_expunge_holds_ref(figures.holds);
	}
	if (lazy_expunge_user_has_cap(luser))
		i_array_init(&figures.caps, 4);
	ret = figures_storages(&figures);
	if (array_is_created(&figures.caps))
		array_free(&figures.caps);
	lazy_expunge_holds_unref(&figures.holds);
	if (ret == 0)
		figures_due(&figures, now);
	return ret;
}
