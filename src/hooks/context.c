/* What the hooks know of a mailbox and of a transaction. */

#include "lib.h"
#include "array.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "compat/dovecot.h"
#include "settings/excluded.h"
#include "settings/read.h"
#include "events/events.h"
#include "keep/origin.h"
#include "account/storages.h"
#include "hooks/context.h"

struct lazy_expunge_storage_module lazy_expunge_storage_module =
	MODULE_CONTEXT_INIT(&mail_storage_module_register);
struct lazy_expunge_hooks_user_module lazy_expunge_hooks_user_module =
	MODULE_CONTEXT_INIT(&mail_user_module_register);
struct lazy_expunge_mail_module lazy_expunge_mail_module =
	MODULE_CONTEXT_INIT(&mail_module_register);

const struct lazy_expunge_settings *
lazy_expunge_mailbox_settings(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	struct lazy_expunge_settings *set;

	if (lbox->set != NULL)
		return lbox->set;
	if (!lazy_expunge_settings_are_per_mailbox())
		lbox->set = &lbox->luser->set;
	else {
		set = p_new(box->pool, struct lazy_expunge_settings, 1);
		lazy_expunge_settings_read(lbox->luser->user, box->event,
					   box->pool, set);
		lbox->set = set;
	}
	return lbox->set;
}

bool lazy_expunge_mailbox_is_excluded(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);

	if (!lbox->excluded_checked) {
		lbox->excluded = lazy_expunge_settings_exclude_box(
			lazy_expunge_mailbox_settings(box), box);
		lbox->excluded_checked = TRUE;
	}
	return lbox->excluded;
}

bool lazy_expunge_mailbox_is_trash(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	const char *const *uses;

	if (lbox->trash_checked)
		return lbox->trash;
	T_BEGIN {
		uses = lazy_expunge_compat_special_use(box);
		lbox->trash = uses != NULL && lbox->storage == NULL &&
			!lbox->is_virtual &&
			(str_array_icase_find(uses, "\\Trash") ||
			 str_array_icase_find(uses, "\\Junk"));
	} T_END;
	lbox->trash_checked = TRUE;
	return lbox->trash;
}

const char *lazy_expunge_mailbox_vname(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT(box);

	return lbox != NULL && lbox->own_vname != NULL ? lbox->own_vname :
		mailbox_get_vname(box);
}

const char *lazy_expunge_mailbox_origin(struct mail *mail)
{
	struct lazy_expunge_mailbox *lbox =
		LAZY_EXPUNGE_CONTEXT_REQUIRE(mail->box);
	const char *origin = lazy_expunge_origin_get(mail);

	/* in a tree only what came through a Trash has its own */
	if (origin != NULL || lbox->storage == NULL)
		return origin;
	return lazy_expunge_origin_of_tree(lbox->storage,
				lazy_expunge_mailbox_vname(mail->box));
}

bool lazy_expunge_mailbox_is_protected(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);

	return lbox->storage != NULL && !lbox->internal &&
		!lbox->luser->by_admin && !lbox->luser->user->dsyncing &&
		lbox->storage->protect;
}

struct lazy_expunge_transaction *
lazy_expunge_transaction_get(struct mailbox_transaction_context *t)
{
	struct lazy_expunge_transaction *lt = LAZY_EXPUNGE_CONTEXT(t);

	if (lt != NULL)
		return lt;
	lt = i_new(struct lazy_expunge_transaction, 1);
	lt->t = t;
	lt->lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(t->box);
	lt->set = lazy_expunge_mailbox_settings(t->box);
	if (lt->lbox->owner_vname == NULL) {
		lt->lbox->owner = lazy_expunge_origin_owner(t->box);
		lt->lbox->owner_vname = lazy_expunge_origin_vname(t->box);
	}
	lt->events = lazy_expunge_events_init(t->box);
	i_array_init(&lt->kept_uids, 16);
	i_array_init(&lt->linked_uids, 16);
	MODULE_CONTEXT_SET(t, lazy_expunge_storage_module, lt);
	return lt;
}

static void transaction_facts(struct lazy_expunge_transaction *lt)
{
	const struct lazy_expunge_mailbox *lbox = lt->lbox;
	const struct lazy_expunge_user *luser = lbox->luser;
	struct lazy_expunge_facts *facts = &lt->facts;
	struct mailbox *box = lt->t->box;

	facts->dsync = luser->user->dsyncing;
	facts->by_admin = luser->by_admin || lbox->internal;
	facts->settings_failed = luser->set.error != NULL ||
		lt->set->error != NULL;
	if (facts->settings_failed)
		return;
	facts->in_storage = lbox->storage != NULL;
	facts->protect = facts->in_storage && lbox->storage->protect;
	facts->enabled = *lt->set->storage != '\0';
	facts->excluded = lazy_expunge_mailbox_is_excluded(box);
	facts->foreign = !lt->set->shared &&
		box->list->ns->type != MAIL_NAMESPACE_TYPE_PRIVATE;
	facts->only_last_instance = lt->set->only_last_instance;
	lt->from_trash = facts->enabled && !facts->excluded &&
		lazy_expunge_mailbox_is_trash(box);
}

struct lazy_expunge_transaction *
lazy_expunge_transaction_get_expunging(struct mailbox_transaction_context *t)
{
	struct lazy_expunge_transaction *lt = lazy_expunge_transaction_get(t);

	if (!lt->facts_known) {
		lt->facts_known = TRUE;
		transaction_facts(lt);
	}
	return lt;
}

void lazy_expunge_transaction_fail(struct mailbox_transaction_context *t,
				   enum mail_error code, const char *text)
{
	struct lazy_expunge_transaction *lt =
		lazy_expunge_transaction_get(t);

	if (lt->failed)
		return;
	lt->failed = TRUE;
	lt->error_code = code;
	lt->error_text = i_strdup(text);
}
