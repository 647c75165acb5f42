/* The storage holds a mail once: an instance that was there before the mail was
   copied out and deleted again gives way to the newest. */

#include "lib.h"
#include "array.h"
#include "mail-storage-private.h"
#include "core/transactions.h"
#include "hold/holds.h"
#include "instances/guids.h"
#include "account/lock.h"
#include "account/user.h"
#include "instances/boxes.h"
#include "instances/supersede.h"

struct supersede {
	struct instance_box *ibox;
	uint32_t uid;
	time_t saved;
};
ARRAY_DEFINE_TYPE(supersede, struct supersede);

/* TRUE if the mailbox, which is open, was looked through by another name, such as
   that in a second namespace: an instance must not give way to itself. */
static bool supersede_was_seen(struct lazy_expunge_instances *inst,
			       struct instance_box *ibox)
{
	struct instance_box *other;

	array_foreach_elem(&inst->boxes, other) {
		if (other == ibox)
			return FALSE;
		if (other->in_storage && other->box != NULL &&
		    (guid_128_equals(other->guid, ibox->guid) ||
		     lazy_expunge_instance_box_shows(other, ibox->box)))
			return TRUE;
	}
	return FALSE;
}

/* Collect the instances of a mailbox of the storage. */
static void supersede_collect(struct lazy_expunge_instances *inst,
			      struct instance_box *ibox, const char *guid,
			      struct lazy_expunge_budget *budget,
			      ARRAY_TYPE(supersede) *found)
{
	struct lazy_expunge_guid_iter iter;
	struct supersede *s;
	uint32_t uid;

	if (!lazy_expunge_instance_box_open(inst, ibox, TRUE) ||
	    supersede_was_seen(inst, ibox))
		return;
	while (lazy_expunge_guids_read(ibox->guids, ibox->box, READ_CHUNK,
				       budget)) ;
	lazy_expunge_guids_lookup_init(ibox->guids, guid, &iter);
	while (lazy_expunge_guids_lookup_next(ibox->guids, &iter, &uid)) {
		if (!lazy_expunge_instance_is_live(inst, ibox, uid, guid))
			continue;
		s = array_append_space(found);
		s->ibox = ibox;
		s->uid = uid;
	}
}

static void supersede_stat(struct supersede *s)
{
	struct mailbox_transaction_context *t;
	struct mail *mail;

	t = mailbox_transaction_begin(s->ibox->box, 0, "lazy_expunge");
	mail = mail_alloc(t, MAIL_FETCH_SAVE_DATE, NULL);
	if (!mail_set_uid(mail, s->uid) ||
	    mail_get_save_date(mail, &s->saved) < 0)
		s->saved = (time_t)-1;
	mail_free(&mail);
	(void)mailbox_transaction_commit(&t);
}

/* Before anything goes: what is told may lie in the same mailbox. */
static void supersede_tell(const struct supersede *s,
			   const struct supersede *newest,
			   lazy_expunge_superseded_t *callback, void *context)
{
	struct mailbox_transaction_context *t, *t_newest;
	struct mail *mail, *newer;

	t = mailbox_transaction_begin(s->ibox->box, 0, "lazy_expunge");
	t_newest = mailbox_transaction_begin(newest->ibox->box, 0,
					     "lazy_expunge");
	mail = mail_alloc(t, 0, NULL);
	newer = mail_alloc(t_newest, 0, NULL);
	if (mail_set_uid(mail, s->uid) && mail_set_uid(newer, newest->uid)) T_BEGIN {
		callback(context, mail, s->saved, newer);
	} T_END;
	mail_free(&newer);
	mail_free(&mail);
	(void)mailbox_transaction_commit(&t_newest);
	(void)mailbox_transaction_commit(&t);
}

static void supersede_expunge(const struct supersede *s)
{
	struct mailbox *box = s->ibox->box;
	struct mailbox_transaction_context *t;
	struct mail *mail;

	t = mailbox_transaction_begin(box, 0,
				      LAZY_EXPUNGE_TRANSACTION_SUPERSEDE);
	mail = mail_alloc(t, 0, NULL);
	if (mail_set_uid(mail, s->uid))
		mail_expunge(mail);
	mail_free(&mail);
	if (mailbox_transaction_commit(&t) < 0 ||
	    mailbox_sync(box, MAILBOX_SYNC_FLAG_FAST) < 0) {
		e_debug(box->event, "lazy_expunge: An older copy stays: %s",
			mailbox_get_last_internal_error(box, NULL));
	}
}

void lazy_expunge_instances_supersede(struct lazy_expunge_user *luser,
				      const char *guid,
				      lazy_expunge_superseded_t *callback,
				      void *context)
{
	struct lazy_expunge_instances *inst = lazy_expunge_instances_get(luser);
	struct lazy_expunge_budget budget;
	struct instance_box *ibox;
	struct supersede *s, *newest = NULL;
	ARRAY_TYPE(supersede) found;

	if (!lazy_expunge_lock_is_held(luser))
		return;
	/* with a hold each copy says where and when it was deleted */
	if (lazy_expunge_holds_get(luser) != NULL)
		return;
	t_array_init(&found, 4);
	lazy_expunge_instances_budget(inst, &budget);
	lazy_expunge_instances_list(inst);
	array_foreach_elem(&inst->boxes, ibox) {
		if (ibox->in_storage)
			supersede_collect(inst, ibox, guid, &budget, &found);
	}
	if (array_count(&found) < 2)
		return;
	array_foreach_modifiable(&found, s) {
		supersede_stat(s);
		/* which is newest must be certain before anything goes */
		if (s->saved == (time_t)-1)
			return;
		if (newest == NULL || s->saved > newest->saved ||
		    (s->saved == newest->saved && s->ibox == newest->ibox &&
		     s->uid > newest->uid))
			newest = s;
	}
	array_foreach_modifiable(&found, s) {
		if (s != newest)
			supersede_tell(s, newest, callback, context);
	}
	array_foreach_modifiable(&found, s) {
		if (s != newest)
			supersede_expunge(s);
	}
}
