/* Import boxes: mails are saved as dsync does, with the origin among the
   keywords, which the mail plugin then keeps as it suits the storage. */

#include "lib.h"
#include "array.h"
#include "hash.h"
#include "istream.h"
#include "mail-namespace.h"
#include "mail-search-build.h"
#include "mail-storage-private.h"
#include "compat/dovecot.h"
#include "account/origin-names.h"
#include "account/storages.h"
#include "core/deletion-lines.h"
#include "core/manifest.h"
#include "core/origin-codec.h"
#include "core/origin-id.h"
#include "formats/format.h"
#include "formats/sdbox-files.h"
#include "keep/deletion-id.h"
#include "keep/destination-make.h"
#include "keep/origin.h"
#include "restore/storage-of.h"
#include "restore/target.h"
#include "export/import-box.h"
#include "export/import-mail.h"

/* As Maildir names a letter that it does not know (maildir-keywords.c). */
#define UNKNOWN_KEYWORD "unknown-"

struct lazy_expunge_import_box {
	pool_t pool;
	struct mailbox *box;
	/* NULL = it is none of a storage */
	struct lazy_expunge_storage *storage;
	struct mailbox_transaction_context *t;
	/* GUIDs, in a storage each with its origin; and UIDs, 0 = it was saved
	   just now */
	HASH_TABLE(char *, void *) present;
	unsigned int saved;
};

/* In namespace mode the mailbox tells, but for what went through a Trash. */
static bool has_origin(const struct lazy_expunge_import_box *ibox,
		       const struct lazy_expunge_manifest_mail *mail)
{
	return ibox->storage != NULL &&
		*lazy_expunge_import_origin(mail) != '\0' &&
		(*mail->via != '\0' ||
		 lazy_expunge_storage_has_origins(ibox->storage));
}

static const char *present_key(const char *guid, const char *origin)
{
	return t_strdup_printf("%s\n%s", guid, origin == NULL ? "" : origin);
}

static const char *
present_key_of(const struct lazy_expunge_import_box *ibox,
	       const struct lazy_expunge_manifest_mail *mail)
{
	return present_key(mail->guid, has_origin(ibox, mail) ?
			   lazy_expunge_import_origin(mail) : NULL);
}

static void present_add(struct lazy_expunge_import_box *ibox, const char *key,
			uint32_t uid)
{
	char *copy = p_strdup(ibox->pool, key);

	hash_table_update(ibox->present, copy, POINTER_CAST(uid));
}

/* Returns FALSE if it is not there. */
static bool present_find(struct lazy_expunge_import_box *ibox, const char *key,
			 uint32_t *uid_r)
{
	char *found;
	void *uid;

	if (!hash_table_lookup_full(ibox->present, key, &found, &uid))
		return FALSE;
	*uid_r = POINTER_CAST_TO(uid, uint32_t);
	return TRUE;
}

static int import_box_read(struct lazy_expunge_import_box *ibox,
			   struct lazy_expunge_error *error_r)
{
	struct mail_search_args *all = mail_search_build_init();
	struct mailbox_transaction_context *t;
	struct mail_search_context *search;
	struct mail *mail;
	const char *guid;
	int ret = 0;

	mail_search_build_add_all(all);
	t = mailbox_transaction_begin(ibox->box, 0, "lazy_expunge import");
	search = mailbox_search_init(t, all, NULL, MAIL_FETCH_GUID, NULL);
	mail_search_args_unref(&all);
	while (mailbox_search_next(search, &mail)) T_BEGIN {
		if (mail_get_special(mail, MAIL_FETCH_GUID, &guid) == 0) {
			present_add(ibox, present_key(guid,
				ibox->storage == NULL ? NULL :
				lazy_expunge_origin_get(mail)), mail->uid);
		} else if (!mail->expunged) {
			ret = -1;
		}
	} T_END;
	if (mailbox_search_deinit(&search) < 0)
		ret = -1;
	if (ret < 0)
		lazy_expunge_error_set_box(error_r, "Cannot read", ibox->box);
	mailbox_transaction_rollback(&t);
	return ret;
}

static int import_box_create(struct mailbox *box,
			     struct lazy_expunge_error *error_r)
{
	if (mailbox_open(box) < 0) {
		if (mailbox_get_last_mail_error(box) != MAIL_ERROR_NOTFOUND) {
			lazy_expunge_error_set_box(error_r, "Cannot open", box);
			return -1;
		}
		if (mailbox_create(box, NULL, FALSE) < 0 &&
		    mailbox_get_last_mail_error(box) != MAIL_ERROR_EXISTS) {
			lazy_expunge_error_set_box(error_r,
				"Cannot create the expunge storage", box);
			return -1;
		}
		if (mailbox_open(box) < 0) {
			lazy_expunge_error_set_box(error_r,
				"Cannot open the new expunge storage", box);
			return -1;
		}
	}
	if (mailbox_sync(box, MAILBOX_SYNC_FLAG_FULL_READ) == 0)
		return 0;
	lazy_expunge_error_set_box(error_r, "Cannot sync the expunge storage",
				   box);
	return -1;
}

/* Where mail of this mailbox is kept. */
static int import_box_find(struct lazy_expunge_user *luser, const char *origin,
			   struct lazy_expunge_import_box *ibox,
			   struct lazy_expunge_error *error_r)
{
	struct mail_namespace *ns;
	struct mailbox *source;
	const char *vname;
	int ret = -1;

	if (*origin == '\0')
		origin = "INBOX";
	ns = mail_namespace_find(luser->user->namespaces, origin);
	source = mailbox_alloc(ns->list, origin, MAILBOX_FLAG_IGNORE_ACLS);
	ibox->storage = lazy_expunge_restore_storage_of(luser, source, error_r);
	if (ibox->storage != NULL && ibox->storage->error != NULL) {
		error_r->code = MAIL_ERROR_UNAVAILABLE;
		error_r->text = ibox->storage->error;
	} else if (ibox->storage != NULL) {
		ns = lazy_expunge_destination_find(ibox->storage, source,
						   &vname);
		/* not the plugin's own way, in which nothing takes origins */
		ibox->box = mailbox_alloc(ns->list, vname,
					  MAILBOX_FLAG_IGNORE_ACLS);
		ret = import_box_create(ibox->box, error_r);
	}
	mailbox_free(&source);
	return ret;
}

struct lazy_expunge_import_box *
lazy_expunge_import_box_open(struct lazy_expunge_user *luser,
			     const char *target, const char *origin,
			     struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_import_box *ibox;
	pool_t pool;
	int ret;

	pool = pool_alloconly_create("lazy_expunge import box", 4096);
	ibox = p_new(pool, struct lazy_expunge_import_box, 1);
	ibox->pool = pool;
	hash_table_create(&ibox->present, default_pool, 0, str_hash, strcmp);
	ret = target == NULL ?
		import_box_find(luser, origin, ibox, error_r) :
		lazy_expunge_restore_target_open(luser, target, 0, &ibox->box,
						 error_r);
	if (ret < 0 || import_box_read(ibox, error_r) < 0)
		lazy_expunge_import_box_close(&ibox);
	return ibox;
}

const char *
lazy_expunge_import_box_vname(const struct lazy_expunge_import_box *ibox)
{
	return mailbox_get_vname(ibox->box);
}

bool lazy_expunge_import_box_has(struct lazy_expunge_import_box *ibox,
				 const struct lazy_expunge_manifest_mail *mail)
{
	uint32_t uid;

	return present_find(ibox, present_key_of(ibox, mail), &uid);
}

int lazy_expunge_import_box_find_left(struct lazy_expunge_import_box *ibox,
				      struct lazy_expunge_error *error_r)
{
	if (lazy_expunge_box_format(ibox->box) != LAZY_EXPUNGE_FORMAT_SDBOX)
		return 0;
	if (mailbox_sync(ibox->box, MAILBOX_SYNC_FLAG_FORCE_RESYNC |
			 MAILBOX_SYNC_FLAG_FIX_INCONSISTENT) < 0) {
		lazy_expunge_error_set_box(error_r, "Cannot repair", ibox->box);
		return -1;
	}
	hash_table_clear(ibox->present, FALSE);
	return import_box_read(ibox, error_r);
}

/* Of a mail in the storage: what its save says in keywords. */
static void complete_origin(struct lazy_expunge_import_box *ibox,
			    struct mail *mail,
			    const struct lazy_expunge_manifest_mail *manifest)
{
	const char *origin = lazy_expunge_import_origin(manifest);

	lazy_expunge_origin_names_add(lazy_expunge_origin_owner(ibox->box),
				      origin);
	lazy_expunge_origin_set_id(mail->transaction, mail->seq,
				   lazy_expunge_origin_id(origin));
	lazy_expunge_deletion_id_set(mail->transaction, mail->seq,
		lazy_expunge_deletion_id_parse(manifest->deletion));
}

/* Maildir: a letter whose keyword was not written down yet when the run ended has
   such a name. */
static void complete_unknown(struct lazy_expunge_import_box *ibox,
			     struct mail *mail,
			     const struct lazy_expunge_manifest_mail *manifest)
{
	const char *const *names = mail_get_keywords(mail);
	struct mail_keywords *keywords;
	ARRAY_TYPE(const_string) unknown;

	t_array_init(&unknown, 4);
	for (; *names != NULL; names++) {
		if (str_begins_with(*names, UNKNOWN_KEYWORD) &&
		    !str_array_icase_find(manifest->keywords, *names))
			array_push_back(&unknown, names);
	}
	if (array_count(&unknown) == 0)
		return;
	array_append_zero(&unknown);
	keywords = mail_index_keywords_create(ibox->box->index,
					      array_front(&unknown));
	mail_update_keywords(mail, MODIFY_REMOVE, keywords);
	mailbox_keywords_unref(&keywords);
}

static void complete_mail(struct lazy_expunge_import_box *ibox,
			  struct mail *mail,
			  const struct lazy_expunge_manifest_mail *manifest)
{
	const enum mail_flags flags = lazy_expunge_import_flags(manifest);
	const char *const *names = mail_get_keywords(mail), *const *name;
	struct mail_keywords *keywords;

	complete_unknown(ibox, mail, manifest);
	if ((mail_get_flags(mail) & flags) != flags)
		mail_update_flags(mail, MODIFY_ADD, flags);
	for (name = manifest->keywords; *name != NULL; name++) {
		if (!str_array_icase_find(names, *name))
			break;
	}
	if (*name != NULL) {
		keywords = mail_index_keywords_create(ibox->box->index,
						      manifest->keywords);
		mail_update_keywords(mail, MODIFY_ADD, keywords);
		mailbox_keywords_unref(&keywords);
	}
}

int lazy_expunge_import_box_complete(
	struct lazy_expunge_import_box *ibox,
	const struct lazy_expunge_manifest_mail *manifest,
	struct lazy_expunge_error *error_r)
{
	struct mailbox_transaction_context *t;
	struct mail *mail;
	uint32_t uid;
	bool bare = FALSE;
	int ret;

	if (!present_find(ibox, present_key_of(ibox, manifest), &uid)) {
		bare = has_origin(ibox, manifest);
		if (!bare || !present_find(ibox, present_key(manifest->guid,
							     NULL), &uid))
			return 0;
	}
	if (uid == 0)
		return 1;
	t = mailbox_transaction_begin(ibox->box, 0, "lazy_expunge import");
	mail = mail_alloc(t, 0, NULL);
	ret = mail_set_uid(mail, uid) ? 1 : 0;
	if (ret > 0) {
		if (bare)
			complete_origin(ibox, mail, manifest);
		complete_mail(ibox, mail, manifest);
	}
	mail_free(&mail);
	if (mailbox_transaction_commit(&t) < 0) {
		lazy_expunge_error_set_box(error_r, "Cannot complete a mail in",
					   ibox->box);
		return -1;
	}
	if (bare)
		present_add(ibox, present_key_of(ibox, manifest), 0);
	return ret;
}

static struct mail_keywords *
import_keywords(struct lazy_expunge_import_box *ibox,
		const struct lazy_expunge_manifest_mail *mail)
{
	const char *const *name, *keyword;
	ARRAY_TYPE(const_string) names;
	uint32_t deletion;

	t_array_init(&names, 8);
	for (name = mail->keywords; *name != NULL; name++)
		array_push_back(&names, name);
	if (has_origin(ibox, mail)) {
		keyword = lazy_expunge_origin_encode(
			lazy_expunge_import_origin(mail));
		array_push_back(&names, &keyword);
	}
	if (has_origin(ibox, mail) && *mail->via != '\0') {
		keyword = lazy_expunge_origin_encode_via(mail->via);
		array_push_back(&names, &keyword);
	}
	deletion = lazy_expunge_deletion_id_parse(mail->deletion);
	if (ibox->storage != NULL && deletion != 0) {
		keyword = lazy_expunge_origin_encode_deletion(deletion);
		array_push_back(&names, &keyword);
	}
	if (array_count(&names) == 0)
		return NULL;
	array_append_zero(&names);
	return mail_index_keywords_create(ibox->box->index,
					  array_front(&names));
}

static struct mail_save_context *
import_begin(struct lazy_expunge_import_box *ibox,
	     const struct lazy_expunge_manifest_mail *mail)
{
	struct mail_save_context *ctx;
	struct mail_keywords *keywords;

	if (ibox->t == NULL) {
		ibox->t = mailbox_transaction_begin(ibox->box,
					MAILBOX_TRANSACTION_FLAG_EXTERNAL,
					"lazy_expunge import");
	}
	keywords = import_keywords(ibox, mail);
	ctx = mailbox_save_alloc(ibox->t);
	mailbox_save_set_flags(ctx, lazy_expunge_import_flags(mail), keywords);
	if (keywords != NULL)
		mailbox_keywords_unref(&keywords);
	mailbox_save_set_received_date(ctx, mail->received, 0);
	if (ibox->storage != NULL && mail->deleted != 0)
		mailbox_save_set_save_date(ctx, mail->deleted);
	mailbox_save_set_guid(ctx, mail->guid);
	return ctx;
}

int lazy_expunge_import_box_save(struct lazy_expunge_import_box *ibox,
				 const struct lazy_expunge_manifest_mail *mail,
				 struct istream *input,
				 struct lazy_expunge_error *error_r)
{
	struct mail_save_context *ctx = import_begin(ibox, mail);
	bool failed = mailbox_save_begin(&ctx, input) < 0;

	while (!failed) {
		failed = mailbox_save_continue(ctx) < 0;
		if (i_stream_read(input) == -1)
			break;
	}
	if (!failed && input->stream_errno != 0) {
		error_r->code = MAIL_ERROR_TEMP;
		error_r->text = t_strdup_printf("read(%s) failed: %s",
			i_stream_get_name(input), i_stream_get_error(input));
		mailbox_save_cancel(&ctx);
		return -1;
	}
	if (!failed)
		failed = mailbox_save_finish(&ctx) < 0;
	if (ctx != NULL)
		mailbox_save_cancel(&ctx);
	if (failed) {
		lazy_expunge_error_set_box(error_r, "Cannot save to",
					   ibox->box);
		return -1;
	}
	present_add(ibox, present_key_of(ibox, mail), 0);
	ibox->saved++;
	return 0;
}

int lazy_expunge_import_box_commit(struct lazy_expunge_import_box *ibox,
				   struct lazy_expunge_error *error_r)
{
	struct mail_transaction_commit_changes changes;
	int ret;

	if (ibox->t == NULL)
		return 0;
	i_zero(&changes);
	ret = lazy_expunge_saved_commit(&ibox->t, &changes);
	pool_unref(&changes.pool);
	if (ret < 0) {
		lazy_expunge_error_set_box(error_r, "Cannot save to",
					   ibox->box);
	} else {
		ret = (int)ibox->saved;
	}
	ibox->saved = 0;
	return ret;
}

void lazy_expunge_import_box_close(struct lazy_expunge_import_box **_ibox)
{
	struct lazy_expunge_import_box *ibox = *_ibox;

	if (ibox == NULL)
		return;
	*_ibox = NULL;
	if (ibox->t != NULL)
		mailbox_transaction_rollback(&ibox->t);
	if (ibox->box != NULL)
		mailbox_free(&ibox->box);
	hash_table_destroy(&ibox->present);
	pool_unref(&ibox->pool);
}
