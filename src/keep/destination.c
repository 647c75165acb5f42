/* The destination: copies mails of one mailbox into that of the storage. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mailbox-list-private.h"
#include "compat/dovecot.h"
#include "settings/mailbox-blocks.h"
#include "formats/commit-syncs.h"
#include "formats/letters.h"
#include "formats/list-index.h"
#include "formats/maildir-link.h"
#include "keep/deletion-id.h"
#include "keep/origin.h"
#include "core/deletion.h"
#include "keep/origin-carrier.h"
#include "core/origin-codec.h"
#include "formats/save-date.h"
#include "formats/sdbox-files.h"
#include "account/user.h"
#include "account/storages.h"
#include "keep/destination.h"
#include "keep/destination-make.h"

#include <sys/stat.h>
#include <unistd.h>

struct lazy_expunge_destination {
	struct lazy_expunge_user *luser;
	struct mailbox *box;
	/* of mails of the source, and of those that came to it from elsewhere */
	struct lazy_expunge_origin_carriers *origin;
	ARRAY(struct lazy_expunge_origin_carriers *) trail_origins;
	/* the source's name, for the latter. NULL if origins are not recorded. */
	char *via;
	unsigned int save_date_field;
	/* registered with the first mail that has a number */
	unsigned int deletion_field;
	bool deletion_field_known;
	/* non-NULL: mails are linked into it, and it is opened only when one
	   needs the ordinary way */
	struct lazy_expunge_maildir *maildir;
	/* NULL if it is no Maildir */
	struct lazy_expunge_letters *letters;
	bool opened;
	/* where the mails are that are copied to it */
	struct mail_storage *source_storage;
	/* what is hidden or protected is its owner's alone */
	bool withheld;
	/* mails were committed of which the list's index has not heard */
	bool list_index_old;
	/* others than administrators read the copy of STATUS that it has */
	bool status_is_read;
	/* the directory that was opened */
	const char *path;
	dev_t dev;
	ino_t ino;
};

struct lazy_expunge_destination_transaction {
	struct lazy_expunge_destination *dest;
	/* NULL until a mail needs the ordinary way */
	struct mailbox_transaction_context *t;
	/* files that were linked into the destination */
	pool_t pool;
	ARRAY_TYPE(const_string) links;
};

/* Returns FALSE if there is no such directory. */
static bool destination_remember_path(struct lazy_expunge_destination *dest)
{
	struct stat st;

	dest->path = NULL;
	if (mailbox_get_path_to(dest->box, MAILBOX_LIST_PATH_TYPE_MAILBOX,
				&dest->path) <= 0 ||
	    stat(dest->path, &st) < 0) {
		dest->path = NULL;
		return FALSE;
	}
	dest->dev = st.st_dev;
	dest->ino = st.st_ino;
	return TRUE;
}

static int destination_need_open(struct lazy_expunge_destination *dest,
				 struct lazy_expunge_error *error_r)
{
	if (dest->opened)
		return 0;
	if (lazy_expunge_destination_make(dest->luser, dest->box,
					  dest->withheld, error_r) < 0)
		return -1;
	dest->opened = TRUE;
	lazy_expunge_commit_syncs_init(dest->box, dest->source_storage);
	dest->save_date_field = lazy_expunge_save_date_register(dest->box);
	(void)destination_remember_path(dest);
	return 0;
}

/* However the configuration brings that about: the mail would be kept in the
   mailbox that it is expunged from. */
static bool destination_is_source(struct lazy_expunge_destination *dest,
				  struct mailbox *source,
				  struct lazy_expunge_error *error_r)
{
	const char *path, *dest_path;
	struct stat st;

	if ((mailbox_get_path_to(source, MAILBOX_LIST_PATH_TYPE_MAILBOX,
				 &path) <= 0 || stat(path, &st) < 0 ||
	     st.st_ino != dest->ino || !CMP_DEV_T(st.st_dev, dest->dev)) &&
	    (mailbox_get_path_to(source, MAILBOX_LIST_PATH_TYPE_INDEX,
				 &path) <= 0 ||
	     mailbox_get_path_to(dest->box, MAILBOX_LIST_PATH_TYPE_INDEX,
				 &dest_path) <= 0 ||
	     strcmp(path, dest_path) != 0))
		return FALSE;
	error_r->code = MAIL_ERROR_UNAVAILABLE;
	error_r->text = t_strdup_printf("%s and its expunge storage %s are one "
		"mailbox, at %s: "LE_PATHS_REMEDY, mailbox_get_vname(source),
		mailbox_get_vname(dest->box), dest->path);
	return TRUE;
}

/* Clients, quota and autoexpunge_max_mails. Autoexpunge by age needs it no more
   than once a day. */
static bool status_is_read(struct lazy_expunge_storage *storage,
			   struct mail_namespace *ns, const char *vname)
{
	struct lazy_expunge_retention set;

	if (!storage->hidden || !storage->quota_ignore)
		return TRUE;
	lazy_expunge_keep_time_get(ns, vname, &set);
	return set.max_mails > 0;
}

struct lazy_expunge_destination *
lazy_expunge_destination_open(struct lazy_expunge_user *luser,
			      struct lazy_expunge_storage *storage,
			      struct mailbox *source,
			      struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_destination *dest;
	struct mail_namespace *ns;
	const char *vname, *origin;

	if (storage->error != NULL) {
		error_r->code = MAIL_ERROR_UNAVAILABLE;
		error_r->text = storage->error;
		return NULL;
	}
	if (storage->ns_mode && mailbox_get_namespace(source)->type ==
	    MAIL_NAMESPACE_TYPE_SHARED &&
	    lazy_expunge_destination_to_owner(&luser, &storage, source,
					      error_r) < 0)
		return NULL;
	ns = lazy_expunge_destination_find(storage, source, &vname);
	dest = i_new(struct lazy_expunge_destination, 1);
	dest->luser = luser;
	dest->source_storage = source->storage;
	dest->box = lazy_expunge_mailbox_alloc(luser, ns, vname,
					       MAILBOX_FLAG_SAVEONLY |
					       MAILBOX_FLAG_DROP_RECENT);
	dest->withheld = storage->hidden || storage->protect;
	dest->status_is_read = status_is_read(storage, ns, vname);
	dest->letters = lazy_expunge_letters_init(dest->box);
	origin = luser->set.origin && lazy_expunge_storage_has_origins(storage) ?
		lazy_expunge_origin_vname(source) : NULL;
	dest->origin = lazy_expunge_origin_carriers_init(dest->box,
						dest->letters, origin, NULL);
	if (luser->set.origin)
		dest->via = i_strdup(lazy_expunge_origin_vname(source));
	i_array_init(&dest->trail_origins, 1);
	if (destination_remember_path(dest) &&
	    destination_is_source(dest, source, error_r))
		lazy_expunge_destination_close(&dest);
	else if (dest->path != NULL) {
		dest->maildir = lazy_expunge_maildir_init(luser, storage, source,
							  dest->box,
							  dest->letters);
	}
	if (dest != NULL && dest->maildir == NULL &&
	    destination_need_open(dest, error_r) < 0)
		lazy_expunge_destination_close(&dest);
	return dest;
}

bool lazy_expunge_destination_is_valid(struct lazy_expunge_destination *dest)
{
	struct stat st;

	if (dest->opened && (dest->box->mailbox_deleted ||
			     mail_index_is_deleted(dest->box->index)))
		return FALSE;
	if (dest->path == NULL)
		return TRUE;
	return stat(dest->path, &st) == 0 && st.st_ino == dest->ino &&
		CMP_DEV_T(st.st_dev, dest->dev);
}

void lazy_expunge_destination_close(struct lazy_expunge_destination **_dest)
{
	struct lazy_expunge_destination *dest = *_dest;
	struct lazy_expunge_origin_carriers **carriers;

	if (dest == NULL)
		return;
	*_dest = NULL;
	if (dest->list_index_old && dest->status_is_read &&
	    lazy_expunge_destination_is_valid(dest))
		lazy_expunge_list_index_update(dest->box);
	lazy_expunge_maildir_deinit(&dest->maildir);
	lazy_expunge_origin_carriers_deinit(&dest->origin);
	array_foreach_modifiable(&dest->trail_origins, carriers)
		lazy_expunge_origin_carriers_deinit(carriers);
	array_free(&dest->trail_origins);
	lazy_expunge_letters_deinit(&dest->letters);
	mailbox_free(&dest->box);
	i_free(dest->via);
	i_free(dest);
}

struct mailbox *
lazy_expunge_destination_get_box(struct lazy_expunge_destination *dest)
{
	return dest->box;
}

struct lazy_expunge_destination_transaction *
lazy_expunge_destination_begin(struct lazy_expunge_destination *dest)
{
	struct lazy_expunge_destination_transaction *dt;

	dt = i_new(struct lazy_expunge_destination_transaction, 1);
	dt->dest = dest;
	return dt;
}

/* Mails of one origin follow one another more often than not. */
static struct lazy_expunge_origin_carriers *
destination_carriers(struct lazy_expunge_destination *dest, const char *origin,
		     const char *via)
{
	struct lazy_expunge_origin_carriers *carriers;

	if (origin == NULL || dest->via == NULL ||
	    (via != NULL && *via == '\0' && strcmp(origin, dest->via) == 0))
		return dest->origin;
	if (via == NULL)
		via = dest->via;
	else if (*via == '\0')
		via = NULL;
	for (unsigned int i = array_count(&dest->trail_origins); i > 0; i--) {
		carriers = array_idx_elem(&dest->trail_origins, i - 1);
		if (lazy_expunge_origin_carriers_match(carriers, origin, via))
			return carriers;
	}
	carriers = lazy_expunge_origin_carriers_init(dest->box, dest->letters,
						     origin, via);
	array_push_back(&dest->trail_origins, &carriers);
	return carriers;
}

static bool destination_link(struct lazy_expunge_destination_transaction *dt,
			     struct lazy_expunge_deletion *deletion,
			     struct lazy_expunge_origin_carriers *carriers)
{
	const struct lazy_expunge_origin_carrier *carrier;
	const char *path;

	carrier = lazy_expunge_origin_carrier_for_link(carriers);
	path = carrier == NULL ? NULL :
		lazy_expunge_maildir_link(dt->dest->maildir, deletion, carrier);
	if (path == NULL)
		return FALSE;
	if (dt->pool == NULL) {
		dt->pool = pool_alloconly_create("lazy_expunge links", 1024);
		p_array_init(&dt->links, dt->pool, 16);
	}
	path = p_strdup(dt->pool, path);
	array_push_back(&dt->links, &path);
	return TRUE;
}

/* Unreference the result; NULL if there are none. */
static struct mail_keywords *
destination_keywords(struct mailbox *dest, struct mail *mail,
		     const struct lazy_expunge_origin_carrier *carrier)
{
	if (carrier->keyword == NULL || carrier->via != NULL ||
	    *mail_get_keywords(mail) != NULL) {
		return lazy_expunge_origin_keywords_create(dest, mail,
							   carrier);
	}
	mailbox_keywords_ref(carrier->alone);
	return carrier->alone;
}

static void destination_number(struct lazy_expunge_destination_transaction *dt,
			       uint32_t id)
{
	struct lazy_expunge_destination *dest = dt->dest;

	if (!dest->deletion_field_known) {
		dest->deletion_field =
			lazy_expunge_deletion_id_register(dest->box);
		dest->deletion_field_known = TRUE;
	}
	lazy_expunge_deletion_id_add(dt->t, dt->t->save_ctx->dest_mail->seq,
				     id, dest->deletion_field);
}

static int destination_copy(struct lazy_expunge_destination_transaction *dt,
			    const struct lazy_expunge_deletion *deletion,
			    struct lazy_expunge_origin_carriers *carriers,
			    struct lazy_expunge_error *error_r)
{
	struct mail *mail = deletion->mail;
	struct lazy_expunge_destination *dest = dt->dest;
	const struct lazy_expunge_origin_carrier *carrier;
	struct mail_save_context *ctx;
	struct mail_keywords *keywords;
	enum mail_flags flags;
	int ret;

	if (destination_need_open(dest, error_r) < 0)
		return -1;
	if (dt->t == NULL) {
		dt->t = mailbox_transaction_begin(dest->box,
			MAILBOX_TRANSACTION_FLAG_EXTERNAL, "lazy_expunge");
	}
	flags = mail_get_flags(mail) & ENUM_NEGATE(MAIL_DELETED | MAIL_RECENT);
	carrier = lazy_expunge_origin_carrier_for_save(carriers);
	keywords = destination_keywords(dest->box, mail, carrier);
	ctx = mailbox_save_alloc(dt->t);
	mailbox_save_set_flags(ctx, flags, keywords);
	mailbox_save_set_save_date(ctx, ioloop_time);
	if (keywords != NULL)
		mailbox_keywords_unref(&keywords);
	ret = mailbox_copy(&ctx, mail);
	if (ret == 0) {
		lazy_expunge_save_date_add(dt->t, dest->save_date_field);
		if (deletion->id != 0)
			destination_number(dt, deletion->id);
		if (carrier->id != 0) {
			lazy_expunge_origin_set_id(dt->t,
				dt->t->save_ctx->dest_mail->seq, carrier->id);
		}
	} else if (mail->expunged) {
		error_r->code = MAIL_ERROR_EXPUNGED;
		error_r->text = "Mail is already expunged";
	} else {
		lazy_expunge_error_set_box(error_r, "Cannot copy to",
					   dest->box);
	}
	return ret;
}

int lazy_expunge_destination_copy(
	struct lazy_expunge_destination_transaction *dt,
	struct lazy_expunge_deletion *deletion,
	struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_origin_carriers *carriers =
		destination_carriers(dt->dest, deletion->origin,
				     deletion->via);
	bool linked = FALSE;

	if (dt->dest->maildir != NULL) T_BEGIN {
		linked = destination_link(dt, deletion, carriers);
	} T_END;
	return linked ? 1 :
		destination_copy(dt, deletion, carriers, error_r);
}

static void destination_transaction_free(
	struct lazy_expunge_destination_transaction *dt)
{
	struct lazy_expunge_origin_carriers *carriers;

	lazy_expunge_origin_carriers_committed(dt->dest->origin);
	array_foreach_elem(&dt->dest->trail_origins, carriers)
		lazy_expunge_origin_carriers_committed(carriers);
	pool_unref(&dt->pool);
	i_free(dt);
}

/* The source still has the mails: at worst they are there twice. */
static void
destination_unlink(struct lazy_expunge_destination_transaction *dt)
{
	const char *path;

	if (!array_is_created(&dt->links))
		return;
	array_foreach_elem(&dt->links, path)
		(void)i_unlink_if_exists(path);
}

/* The list's index hears of the mails when the destination is closed, and not
   at each commit; when nobody reads it there, whoever next syncs the storage
   tells it. */
static int
destination_commit_saved(struct lazy_expunge_destination_transaction *dt)
{
	struct lazy_expunge_destination *dest = dt->dest;
	bool suspended = lazy_expunge_list_index_suspend(dest->box);
	int ret;

	ret = lazy_expunge_saved_commit(&dt->t, NULL);
	if (suspended) {
		lazy_expunge_list_index_resume(dest->box);
		dest->list_index_old = TRUE;
	}
	return ret;
}

int lazy_expunge_destination_commit(
	struct lazy_expunge_destination_transaction **_dt, bool partial,
	struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_destination_transaction *dt = *_dt;
	int ret = 0;

	*_dt = NULL;
	if (dt->t != NULL && destination_commit_saved(dt) < 0) {
		lazy_expunge_error_set_box(error_r,
			"Cannot save to the expunge storage", dt->dest->box);
		if (!partial)
			destination_unlink(dt);
		ret = -1;
	}
	destination_transaction_free(dt);
	return ret;
}

void lazy_expunge_destination_rollback(
	struct lazy_expunge_destination_transaction **_dt)
{
	struct lazy_expunge_destination_transaction *dt = *_dt;

	if (dt == NULL)
		return;
	*_dt = NULL;
	if (dt->t != NULL)
		mailbox_transaction_rollback(&dt->t);
	destination_unlink(dt);
	destination_transaction_free(dt);
}
