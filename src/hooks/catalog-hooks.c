/* The catalog: a session remembers that there is something to write, reads it once
   at its end, when the client has hung up, and hands it to the writer. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "account/storages.h"
#include "catalog/writer.h"
#include "retention/figures.h"
#include "settings/mailbox-blocks.h"
#include "hooks/context.h"
#include "hooks/catalog-hooks.h"

void lazy_expunge_catalog_committed(struct lazy_expunge_transaction *lt)
{
	struct lazy_expunge_user *luser = lt->lbox->luser;

	if (array_count(&lt->kept_uids) > 0) {
		luser->catalog_kept = TRUE;
		luser->catalog_changed = TRUE;
	} else if (lt->lbox->storage != NULL)
		luser->catalog_changed = TRUE;
}

void lazy_expunge_catalog_saved(
	struct mailbox *box,
	const struct mail_transaction_commit_changes *changes)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	struct lazy_expunge_retention set;

	if (lbox->luser->catalog_changed ||
	    !array_is_created(&changes->saved_uids) ||
	    array_count(&changes->saved_uids) == 0)
		return;
	lazy_expunge_keep_time_get(box->list->ns,
				   lazy_expunge_mailbox_vname(box), &set);
	lbox->luser->catalog_changed = lbox->storage != NULL ||
		set.autoexpunge > 0 || set.max_mails > 0;
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
	if (luser->catalog_kept) {
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
