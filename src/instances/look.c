/* The look for instances: in which order, and within which bounds. */

#include "lib.h"
#include "array.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mailbox-list-private.h"
#include "compat/dovecot.h"
#include "core/deletion.h"
#include "account/lock.h"
#include "account/user.h"
#include "formats/refcount.h"
#include "instances/guids.h"
#include "instances/boxes.h"
#include "account/storage-box.h"
#include "instances/look.h"

/* The mail for which others are looked for, and the look. */
struct instance_self {
	struct mailbox *box;
	guid_128_t mailbox_guid;
	uint32_t uid;

	struct lazy_expunge_budget budget;
	struct lazy_expunge_looked *looked;
};

/* Search what is known of the mailbox. */
static bool instance_box_search(struct lazy_expunge_instances *inst,
				struct instance_box *ibox, const char *guid,
				const struct instance_self *self)
{
	struct lazy_expunge_guid_iter iter;
	uint32_t uid;

	lazy_expunge_guids_lookup_init(ibox->guids, guid, &iter);
	while (lazy_expunge_guids_lookup_next(ibox->guids, &iter, &uid)) {
		if (uid == self->uid &&
		    guid_128_equals(ibox->guid, self->mailbox_guid))
			continue;
		if (lazy_expunge_instance_is_live(inst, ibox, uid, guid) &&
		    (guid_128_equals(ibox->guid, self->mailbox_guid) ||
		     !lazy_expunge_instance_box_shows(ibox, self->box))) {
			e_debug(ibox->box->event, "lazy_expunge: UID %u "
				"(GUID %s) is another instance", uid, guid);
			return TRUE;
		}
	}
	return FALSE;
}

/* Only where something is found, for it costs calls. */
static bool instance_box_is_storage(struct lazy_expunge_instances *inst,
				    struct instance_box *ibox)
{
	if (!ibox->is_told) {
		ibox->in_storage = lazy_expunge_storage_has_box(inst->luser,
								ibox->box);
		ibox->is_told = TRUE;
	}
	return ibox->in_storage;
}

static bool instance_box_may_have(struct instance_box *ibox, const char *guid)
{
	struct lazy_expunge_guid_iter iter;
	uint32_t uid;

	lazy_expunge_guids_lookup_init(ibox->guids, guid, &iter);
	return lazy_expunge_guids_lookup_next(ibox->guids, &iter, &uid);
}

static bool instance_box_look(struct lazy_expunge_instances *inst,
			      struct instance_box *ibox, bool sync,
			      const char *guid, struct instance_self *self)
{
	struct lazy_expunge_budget *budget = &self->budget;
	const bool is_closed = !ibox->tried;
	unsigned int read;

	if (ibox->in_storage)
		return FALSE;
	/* opening many mailboxes takes time, too: once the budget is spent, only
	   those in which something is known to be found */
	if (!ibox->tried && lazy_expunge_budget_is_spent(budget) &&
	    !instance_box_may_have(ibox, guid)) {
		budget->cut_short = TRUE;
		return FALSE;
	}
	if (!lazy_expunge_instance_box_open(inst, ibox, sync))
		return FALSE;
	if (is_closed)
		self->looked->mailboxes_opened++;
	if (!ibox->is_protected)
		return FALSE;
	read = budget->read;
	do {
		if (instance_box_search(inst, ibox, guid, self)) {
			if (instance_box_is_storage(inst, ibox))
				return FALSE;
			inst->last_hit = ibox;
			self->looked->remembered = budget->read == read;
			return TRUE;
		}
	} while (lazy_expunge_guids_read(ibox->guids, ibox->box, READ_CHUNK,
					 budget));
	return FALSE;
}

static bool instances_find(struct lazy_expunge_instances *inst,
			   const char *guid, struct instance_self *self)
{
	struct instance_box *ibox, *first;
	struct mail_namespace *ns;
	const char *trash;

	lazy_expunge_instances_budget(inst, &self->budget);
	/* likely places first, without listing the account, and without a sync:
	   what was copied there is in the index */
	if (inst->last_hit != NULL &&
	    instance_box_look(inst, inst->last_hit, FALSE, guid, self))
		return TRUE;
	ns = mail_namespace_find_inbox(inst->luser->user->namespaces);
	trash = lazy_expunge_compat_special_use_name(ns, "\\Trash");
	if (trash != NULL) {
		first = lazy_expunge_instance_box_get(inst, ns,
					 t_strconcat(ns->prefix, trash, NULL));
		if (instance_box_look(inst, first, FALSE, guid, self))
			return TRUE;
	}
	lazy_expunge_instances_list(inst);
	array_foreach_elem(&inst->boxes, ibox) {
		if (instance_box_look(inst, ibox, TRUE, guid, self))
			return TRUE;
	}
	return FALSE;
}

enum lazy_expunge_instance
lazy_expunge_instances_look(struct lazy_expunge_user *luser,
			    struct lazy_expunge_deletion *deletion,
			    struct lazy_expunge_looked *looked_r)
{
	struct mail *mail = deletion->mail;
	struct mailbox_metadata metadata;
	struct instance_self self;
	bool found = FALSE;

	i_zero(looked_r);
	/* Another account's mail has its instances there; its lock is not
	   ours. */
	if (!lazy_expunge_lock_is_held(luser) ||
	    mail->box->list->ns->type != MAIL_NAMESPACE_TYPE_PRIVATE)
		return LAZY_EXPUNGE_INSTANCE_LAST;
	if (lazy_expunge_refcount_is_single(luser, deletion)) {
		looked_r->method = LAZY_EXPUNGE_LOOKED_REFCOUNT;
		return LAZY_EXPUNGE_INSTANCE_LAST;
	}
	looked_r->event = event_create(mail->box->event);
	if (mail_get_special(mail, MAIL_FETCH_GUID, &deletion->guid) < 0 ||
	    *deletion->guid == '\0' ||
	    mailbox_get_metadata(mail->box, MAILBOX_METADATA_GUID,
				 &metadata) < 0)
		return LAZY_EXPUNGE_INSTANCE_LAST;
	looked_r->method = LAZY_EXPUNGE_LOOKED_READING;
	i_zero(&self);
	self.box = mail->box;
	self.uid = mail->uid;
	self.looked = looked_r;
	guid_128_copy(self.mailbox_guid, metadata.guid);
	T_BEGIN {
		found = instances_find(lazy_expunge_instances_get(luser),
				       deletion->guid, &self);
	} T_END;
	looked_r->mails_read = self.budget.read;
	looked_r->cut_short = !found && self.budget.cut_short;
	return found ? LAZY_EXPUNGE_INSTANCE_OTHER : LAZY_EXPUNGE_INSTANCE_LAST;
}

void lazy_expunge_instances_close(struct lazy_expunge_user *luser)
{
	lazy_expunge_instance_boxes_close(luser);
}
