/* The catalog: a session remembers that there is something to write, reads it once
   at its end, when the client has hung up, and hands it to the writer. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "account/storages.h"
#include "catalog/writer.h"
#include "formats/format.h"
#include "keep/origin.h"
#include "retention/figures.h"
#include "settings/mailbox-blocks.h"
#include "hooks/context.h"
#include "hooks/catalog-hooks.h"

void lazy_expunge_catalog_committed(struct lazy_expunge_transaction *lt)
{
	struct lazy_expunge_user *luser = lt->lbox->luser;

	/* a guest's own storages are as they were */
	if (lt->lbox->owner != luser->user)
		return;
	if (array_count(&lt->kept_uids) > 0) {
		luser->kept += seq_range_count(&lt->kept_uids);
		luser->catalog_changed = TRUE;
	} else if (lt->lbox->storage != NULL)
		luser->catalog_changed = TRUE;
}

/* How many mails the mailbox had before what was saved, as far as its index knows. */
static uint32_t
messages_before(struct mailbox *box,
		const struct mail_transaction_commit_changes *changes)
{
	const struct seq_range *saved = array_front(&changes->saved_uids);
	uint32_t seq1, seq2;

	if (saved->seq1 <= 1 ||
	    !mail_index_lookup_seq_range(box->view, 1, saved->seq1 - 1,
					 &seq1, &seq2))
		return 0;
	return seq2 - seq1 + 1;
}

/* A retention by age goes by the oldest mail, which is the same one unless the
   mailbox was empty. */
static bool
saved_changes_due(struct mailbox *box,
		  const struct mail_transaction_commit_changes *changes,
		  const struct lazy_expunge_retention *set)
{
	uint64_t before = messages_before(box, changes);

	if (set->autoexpunge > 0 && before == 0)
		return TRUE;
	if (set->max_mails == 0)
		return FALSE;
	/* what is delivered to a Maildir need not be in its index yet */
	return lazy_expunge_box_format(box) == LAZY_EXPUNGE_FORMAT_MAILDIR ||
		before + seq_range_count(&changes->saved_uids) > set->max_mails;
}

void lazy_expunge_catalog_saved(
	struct mailbox *box,
	const struct mail_transaction_commit_changes *changes)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	struct lazy_expunge_retention set;

	if (lbox->luser->catalog_changed ||
	    !array_is_created(&changes->saved_uids) ||
	    array_count(&changes->saved_uids) == 0 ||
	    lazy_expunge_origin_owner(box) != lbox->luser->user)
		return;
	lazy_expunge_keep_time_get(box->list->ns,
				   lazy_expunge_mailbox_vname(box), &set);
	lbox->luser->catalog_changed = lbox->storage != NULL ||
		saved_changes_due(box, changes, &set);
}

static void session_write(struct lazy_expunge_user *luser)
{
	struct lazy_expunge_catalog_row row;
	struct lazy_expunge_error error;

	if (lazy_expunge_figures_read(luser, ioloop_time, FALSE, &row,
				      &error) < 0) {
		e_debug(luser->user->event, "lazy_expunge: No row for the "
			"catalog: %s", error.text);
		return;
	}
	if (luser->kept > 0) {
		row.newest = ioloop_time;
		row.known |=
			LAZY_EXPUNGE_CATALOG_BIT(LAZY_EXPUNGE_CATALOG_NEWEST);
	}
	lazy_expunge_catalog_write(luser, &row);
}

void lazy_expunge_catalog_session_end(struct lazy_expunge_user *luser)
{
	if (!luser->catalog_changed || luser->user->autocreated ||
	    luser->user->namespaces == NULL)
		return;
	luser->catalog_changed = FALSE;
	if (array_count(lazy_expunge_user_storages(luser)) > 0 &&
	    lazy_expunge_catalog_is_set(luser))
		session_write(luser);
}
