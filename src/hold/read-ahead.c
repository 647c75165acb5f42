/* Reading ahead: asks for each mail whether it is held. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "mail-storage-private.h"
#include "account/storage-list.h"
#include "account/storages.h"
#include "account/user.h"
#include "hold/cover.h"
#include "hold/holds.h"
#include "hold/read-ahead.h"

struct read_ahead {
	struct lazy_expunge_user *luser;
	struct lazy_expunge_holds *holds;
	struct lazy_expunge_storage *storage;
	bool (*is_killed)(void);
};

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

static void read_ahead_mails(struct read_ahead *ahead, struct mailbox *box)
{
	struct lazy_expunge_cover *cover =
		lazy_expunge_cover_init(ahead->holds, box);
	const uint32_t count =
		mail_index_get_header(box->view)->messages_count;
	struct mailbox_transaction_context *t =
		mailbox_transaction_begin(box, 0, "lazy_expunge hold");
	struct mail *mail = mail_alloc(t, 0, NULL);

	for (uint32_t seq = 1; seq <= count && !ahead->is_killed(); seq++) {
		mail_set_seq(mail, seq);
		(void)lazy_expunge_cover_find(cover, mail);
	}
	mail_free(&mail);
	mailbox_transaction_rollback(&t);
	lazy_expunge_cover_deinit(&cover);
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
	    !has_mails_elsewhere(box))
		read_ahead_mails(ahead, box);
	mailbox_free(&box);
	return 0;
}

static bool holds_by_fields(const struct lazy_expunge_holds *holds,
			    const char *name)
{
	const struct lazy_expunge_hold_active *active;

	if (holds == NULL || holds->everything != NULL)
		return FALSE;
	array_foreach(&holds->active, active) {
		if (strcmp(active->hold->name, name) == 0)
			return active->fields;
	}
	return FALSE;
}

void lazy_expunge_hold_read_ahead(struct lazy_expunge_user *luser,
				  const char *name, bool (*is_killed)(void))
{
	struct read_ahead ahead = { .luser = luser, .is_killed = is_killed };
	const char *error;
	enum mail_error code;

	/* have the file looked at again */
	io_loop_time_refresh();
	ahead.holds = lazy_expunge_holds_get(luser);
	if (!holds_by_fields(ahead.holds, name))
		return;
	lazy_expunge_holds_ref(ahead.holds);
	array_foreach_elem(lazy_expunge_user_storages(luser), ahead.storage) {
		if (ahead.storage->ns == NULL)
			continue;
		/* what cannot be listed is said by those who need it */
		(void)lazy_expunge_storage_list(luser, ahead.storage,
						read_ahead_listed, &ahead,
						&error, &code);
	}
	lazy_expunge_holds_unref(&ahead.holds);
}
