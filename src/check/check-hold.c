/* Check of holds: can they be read, and is the storage still there? */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "account/storages.h"
#include "hold/holds.h"
#include "check/check.h"

#define OK LAZY_EXPUNGE_FINDING_OK
#define FAIL LAZY_EXPUNGE_FINDING_FAIL

/* FALSE only if it is certain that the mailbox is not the one that was there
   when the hold was set. */
static bool mailbox_is_there(struct lazy_expunge_user *luser,
			     const struct lazy_expunge_hold_mailbox *hbox)
{
	struct mail_namespace *ns =
		mail_namespace_find(luser->user->namespaces, hbox->vname);
	struct lazy_expunge_storage *storage =
		lazy_expunge_storage_match(luser, ns, hbox->vname);
	struct mailbox_metadata metadata;
	struct mailbox *box;
	bool there;

	box = lazy_expunge_mailbox_alloc(luser, ns, storage == NULL ?
		hbox->vname : lazy_expunge_storage_open_vname(storage, ns,
							hbox->vname), 0);
	if (mailbox_get_metadata(box, MAILBOX_METADATA_GUID, &metadata) == 0)
		there = guid_128_equals(metadata.guid, hbox->guid);
	else
		there = mailbox_get_last_mail_error(box) != MAIL_ERROR_NOTFOUND;
	mailbox_free(&box);
	return there;
}

/* The first mailbox of a hold in force that is gone. */
static const struct lazy_expunge_hold_mailbox *
find_missing(struct lazy_expunge_user *luser,
	     const struct lazy_expunge_holds *holds, const char **hold_r)
{
	const struct lazy_expunge_hold_active *active;
	const struct lazy_expunge_hold_mailbox *hbox;

	array_foreach(&holds->active, active) {
		*hold_r = active->hold->name;
		array_foreach(&active->hold->mailboxes, hbox) {
			if (!mailbox_is_there(luser, hbox))
				return hbox;
		}
	}
	return NULL;
}

void lazy_expunge_check_hold(struct lazy_expunge_findings *findings,
			     struct lazy_expunge_user *luser)
{
	const struct lazy_expunge_hold_mailbox *missing;
	struct lazy_expunge_holds *holds = lazy_expunge_holds_get(luser);
	const char *name;

	if (holds == NULL) {
		lazy_expunge_findings_add(findings, "holds", OK, "none", NULL);
	} else if (holds->error != NULL) {
		lazy_expunge_findings_add(findings, "holds", FAIL,
			holds->error, "put the file back from a backup, or "
			"remove it and set the holds again");
	} else if ((missing = find_missing(luser, holds, &name)) != NULL) {
		lazy_expunge_findings_add(findings, "holds", FAIL,
			t_strdup_printf("hold %s: the storage %s was deleted "
				"or made anew since it was set", name,
				missing->vname),
			"find out who changed the files, or ran doveadm "
			"without the plugin, and bring the mailbox back from a backup");
	} else {
		lazy_expunge_findings_add(findings, "holds", OK,
			lazy_expunge_holds_names(holds), NULL);
	}
}
