/* Which mailbox of a storage takes the mails of another, opened, and made when it is
   not there. */

#include "lib.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mail-storage-settings.h"
#include "mailbox-list-private.h"
#include "compat/dovecot.h"
#include "keep/origin.h"
#include "core/origin-codec.h"
#include "account/acl.h"
#include "account/storage-names.h"
#include "account/storage-spelling.h"
#include "account/user.h"
#include "account/storages.h"
#include "keep/destination-make.h"

/* How often it is tried to make a storage that is not there. */
#define DESTINATION_CREATE_TRIES 3
#define DESTINATION_LOG_MAX_SIZE (128 * 1024)

/* The owner's user object comes with no other namespace than that of its mail. */
int lazy_expunge_destination_to_owner(struct lazy_expunge_user **luser,
				      struct lazy_expunge_storage **storage,
				      struct mailbox *source,
				      struct lazy_expunge_error *error_r)
{
	struct mail_user *owner = mailbox_get_namespace(source)->owner;
	struct lazy_expunge_user *lowner = lazy_expunge_user_get(owner);
	struct lazy_expunge_storage *own;
	const char *error;

	own = lazy_expunge_user_storage_find(lowner, (*storage)->setting);
	if (own == NULL || own->error != NULL) {
		if (lazy_expunge_compat_namespace_add(owner, (*storage)->ns,
						      &error) < 0) {
			error_r->code = MAIL_ERROR_UNAVAILABLE;
			error_r->text = t_strdup_printf(
				"Cannot open the storage of the owner %s: %s",
				owner->username, error);
			return -1;
		}
		own = lazy_expunge_user_storage_find(lowner,
						     (*storage)->setting);
	}
	if (own == NULL || own->error != NULL) {
		error_r->code = MAIL_ERROR_UNAVAILABLE;
		error_r->text = t_strdup_printf(
			"The owner %s has no storage %s",
			owner->username, (*storage)->setting);
		return -1;
	}
	*storage = own;
	*luser = lowner;
	return 0;
}

struct mail_namespace *
lazy_expunge_destination_find(struct lazy_expunge_storage *storage,
			      struct mailbox *source, const char **vname_r)
{
	struct mail_namespace *ns = mailbox_get_namespace(source);
	const char *name;

	if (!storage->ns_mode) {
		/* a shared mailbox's mail stays with its owner: the owner's
		   storage is below the shared prefix */
		if (ns->type != MAIL_NAMESPACE_TYPE_SHARED)
			ns = storage->ns;
		*vname_r = t_strconcat(ns->prefix, !storage->tree ?
			storage->name :
			lazy_expunge_storage_tree_name(storage,
				lazy_expunge_origin_to_name(
					lazy_expunge_origin_vname(source),
					mail_namespace_get_sep(
						mailbox_get_namespace(source)),
					mail_namespace_get_sep(ns))), NULL);
		return ns;
	}
	if (storage->root) {
		*vname_r = lazy_expunge_storage_vname(storage);
		return storage->ns;
	}
	/* the inbox namespace's prefix is not part of the tree, that of
	   others is */
	if (source->inbox_user)
		name = "INBOX";
	else if (ns->type == MAIL_NAMESPACE_TYPE_SHARED)
		name = lazy_expunge_origin_vname(source);
	else if ((ns->flags & NAMESPACE_FLAG_INBOX_USER) != 0) {
		name = lazy_expunge_name_without_prefix(ns,
						mailbox_get_vname(source));
	} else {
		name = mailbox_get_vname(source);
	}
	name = lazy_expunge_origin_to_name(name, mail_namespace_get_sep(ns),
				mail_namespace_get_sep(storage->ns));
	*vname_r = t_strconcat(storage->ns->prefix, name, NULL);
	return storage->ns;
}

/* A mailbox that is empty or has lost its index must be synced once, so that
   its UIDVALIDITY is set everywhere. It costs little then. */
static int destination_prepare(struct mailbox *box,
			       struct lazy_expunge_error *error_r)
{
	const struct mail_index_header *hdr = mail_index_get_header(box->view);

	if (hdr->uid_validity != 0 && hdr->next_uid > 1)
		return 0;
	if (mailbox_sync(box, 0) < 0) {
		lazy_expunge_error_set_box(error_r,
			"Cannot sync the expunge storage", box);
		return -1;
	}
	return 0;
}

/* Who opens the storage reads its log from the beginning, and Dovecot lets that
   grow to 1 MB within five minutes. The index is written anew after as much. */
static void destination_bound_log(struct mailbox *box)
{
	struct mail_index_optimization_settings set;

	i_zero(&set);
	set.log.max_size = I_MIN(box->storage->set->mail_index_log_rotate_max_size,
				 DESTINATION_LOG_MAX_SIZE);
	mail_index_set_optimization_settings(box->index, &set);
}

static void destination_withhold(struct mailbox *box)
{
	if (lazy_expunge_acl_forget_parent(box) < 0) {
		e_error(box->event, "lazy_expunge: Others may have got rights "
			"in the expunge storage %s from the mailbox above it",
			mailbox_get_vname(box));
	}
}

static bool destination_is_there(struct mailbox *box)
{
	enum mailbox_existence existence;

	return mailbox_exists(box, FALSE, &existence) == 0 &&
		existence == MAILBOX_EXISTENCE_SELECT;
}

/* withheld: others than its owner have no rights there by default. */
static int destination_create_and_open(struct mailbox *box, bool withheld,
				       struct lazy_expunge_error *error_r)
{
	bool created;

	created = mailbox_create(box, NULL, FALSE) == 0;
	if (!created &&
	    mailbox_get_last_mail_error(box) != MAIL_ERROR_EXISTS) {
		lazy_expunge_error_set_box(error_r,
			"Cannot create the expunge storage", box);
		/* nobody creates it again if only a sync failed */
		if (withheld && destination_is_there(box))
			destination_withhold(box);
		return -1;
	}
	if (created && withheld)
		destination_withhold(box);
	/* after EXISTS: another session was quicker */
	if (mailbox_open(box) < 0) {
		lazy_expunge_error_set_box(error_r,
			"Cannot open the new expunge storage", box);
		return -1;
	}
	return 0;
}

int lazy_expunge_destination_make(struct lazy_expunge_user *luser,
				  struct mailbox *box, bool withheld,
				  struct lazy_expunge_error *error_r)
{
	int ret = mailbox_open(box);

	if (ret < 0) {
		lazy_expunge_error_set_box(error_r,
			"Cannot open the expunge storage", box);
	}
	if (ret < 0 && error_r->code == MAIL_ERROR_NOTFOUND &&
	    lazy_expunge_spelling_mend(luser, box->list->ns, box->vname) > 0)
		ret = mailbox_open(box);
	/* While another session makes it, it may be there for the one call and
	   not for the next. */
	for (unsigned int tries = 0; tries < DESTINATION_CREATE_TRIES &&
	     ret < 0 && error_r->code == MAIL_ERROR_NOTFOUND; tries++)
		ret = destination_create_and_open(box, withheld, error_r);
	if (ret < 0 || destination_prepare(box, error_r) < 0)
		return -1;
	destination_bound_log(box);
	return 0;
}
