/* Merge: mailbox by mailbox, as an import does it. */

#include "lib.h"
#include "array.h"
#include "istream.h"
#include "mail-namespace.h"
#include "mail-search-build.h"
#include "mail-storage-private.h"
#include "mailbox-list-iter.h"
#include "account/lock.h"
#include "account/storages.h"
#include "account/user.h"
#include "compat/dovecot.h"
#include "core/deletion-lines.h"
#include "core/manifest.h"
#include "keep/deletion-id.h"
#include "keep/origin.h"
#include "export/export-metadata.h"
#include "export/import-box.h"
#include "merge/names.h"
#include "merge/source.h"
#include "merge/merge.h"

/* Mails of one commit. */
#define MERGE_BATCH_SIZE 500

/* Where mail of one origin goes. */
struct merge_target {
	const char *origin;
	struct lazy_expunge_import_box *box;
	/* the first one with this box */
	bool own;
};

struct merge {
	struct lazy_expunge_user *luser;
	const struct lazy_expunge_merge_params *params;
	struct lazy_expunge_merged *merged;
	/* below the target's mailbox */
	struct lazy_expunge_merge_names *names;
	const struct lazy_expunge_account_namespace *ns;
	/* the account's, while that namespace is open */
	struct mail_user *source;
	bool failed;
};

/* A mailbox that is copied. */
struct merge_box {
	struct merge *merge;
	struct mailbox *box;
	/* the mailbox it goes to, NULL = the target's storages */
	const char *target;
	/* what the name of a storage's mailbox says */
	const char *origin;
	pool_t pool;
	ARRAY(struct merge_target) targets;
	unsigned int saved;
	bool locked;
};

static void merge_fail(struct merge *merge, enum mail_error code,
		       const char *error)
{
	merge->failed = TRUE;
	merge->params->failed(merge->params->context, code, error);
}

static int target_add(struct merge_box *mbox, const char *origin,
		      struct lazy_expunge_error *error_r)
{
	struct merge_target target = {
		.origin = p_strdup(mbox->pool, origin), .own = TRUE,
	};
	const struct merge_target *other;

	target.box = lazy_expunge_import_box_open(mbox->merge->luser,
						  mbox->target, origin,
						  error_r);
	if (target.box == NULL)
		return -1;
	if (mbox->merge->params->resumed &&
	    lazy_expunge_import_box_find_left(target.box, error_r) < 0) {
		lazy_expunge_import_box_close(&target.box);
		return -1;
	}
	array_foreach(&mbox->targets, other) {
		if (target.own && strcmp(
			lazy_expunge_import_box_vname(other->box),
			lazy_expunge_import_box_vname(target.box)) == 0) {
			lazy_expunge_import_box_close(&target.box);
			target.box = other->box;
			target.own = FALSE;
		}
	}
	array_push_back(&mbox->targets, &target);
	return 0;
}

/* Returns NULL and the error. */
static struct lazy_expunge_import_box *
target_get(struct merge_box *mbox, const char *origin,
	   struct lazy_expunge_error *error_r)
{
	const struct merge_target *target;

	array_foreach(&mbox->targets, target) {
		if (strcmp(target->origin, origin) == 0)
			return target->box;
	}
	if (target_add(mbox, origin, error_r) < 0)
		return NULL;
	target = array_back(&mbox->targets);
	return target->box;
}

/* Commit what was saved, and let others have the account. */
static int merge_commit(struct merge_box *mbox,
			struct lazy_expunge_error *error_r)
{
	const struct merge_target *target;
	int count, ret = 0;

	array_foreach(&mbox->targets, target) {
		if (ret < 0 || !target->own)
			continue;
		count = lazy_expunge_import_box_commit(target->box, error_r);
		if (count < 0)
			ret = -1;
		else
			mbox->merge->merged->copied += (unsigned int)count;
	}
	mbox->saved = 0;
	if (mbox->locked)
		lazy_expunge_lock_put(mbox->merge->luser);
	mbox->locked = FALSE;
	return ret;
}

/* As for a delete: a commit to mdbox is marked by who holds the account's
   lock. */
static int merge_lock(struct merge_box *mbox,
		      struct lazy_expunge_error *error_r)
{
	const char *error;
	int ret;

	if (mbox->locked)
		return 0;
	ret = lazy_expunge_lock_get(mbox->merge->luser,
				    LAZY_EXPUNGE_LOCK_TIMEOUT_SECS, &error);
	if (ret > 0) {
		mbox->locked = TRUE;
		return 0;
	}
	error_r->code = ret == 0 ? MAIL_ERROR_INUSE : MAIL_ERROR_TEMP;
	error_r->text = t_strdup_printf("Cannot lock the account: %s", error);
	return -1;
}

/* Returns 0, or -1 if the mail cannot be read. */
static int merge_describe(struct merge_box *mbox, struct mail *mail,
			  struct lazy_expunge_manifest_mail *manifest_r)
{
	struct merge *merge = mbox->merge;
	const char sep = lazy_expunge_merge_source_separator(
		merge->params->account);
	const char *origin, *via;
	uint32_t deletion;

	i_zero(manifest_r);
	manifest_r->origin = manifest_r->via = manifest_r->deletion = "";
	manifest_r->mailbox = "";
	if (lazy_expunge_export_metadata(mail, manifest_r) < 0)
		return -1;
	if (mbox->target != NULL)
		return 0;
	if (mail_get_save_date(mail, &manifest_r->deleted) < 0)
		return -1;
	origin = lazy_expunge_origin_get(mail);
	if (origin != NULL)
		manifest_r->origin = lazy_expunge_merge_names_get(
			merge->names, origin, sep);
	else if (*mbox->origin != '\0') {
		manifest_r->origin = lazy_expunge_merge_names_get(
			merge->names, mbox->origin, merge->ns->separator);
	}
	via = lazy_expunge_origin_get_via(mail);
	if (via != NULL)
		manifest_r->via = lazy_expunge_merge_names_get(
			merge->names, via, sep);
	deletion = lazy_expunge_deletion_id_get(mail);
	if (deletion != 0) {
		manifest_r->deletion =
			lazy_expunge_deletion_id_to_text(deletion);
	}
	return 0;
}

/* Returns 1 if the target has it, 0 if not, -1 and the error. */
static int merge_is_there(struct merge_box *mbox,
			  struct lazy_expunge_import_box *ibox,
			  const struct lazy_expunge_manifest_mail *manifest,
			  struct lazy_expunge_error *error_r)
{
	if (!mbox->merge->params->resumed)
		return lazy_expunge_import_box_has(ibox, manifest) ? 1 : 0;
	if (merge_lock(mbox, error_r) < 0)
		return -1;
	return lazy_expunge_import_box_complete(ibox, manifest, error_r);
}

static int merge_save(struct merge_box *mbox,
		      struct lazy_expunge_import_box *ibox, struct mail *mail,
		      const struct lazy_expunge_manifest_mail *manifest,
		      struct lazy_expunge_error *error_r)
{
	struct istream *input;

	if (merge_lock(mbox, error_r) < 0)
		return -1;
	if (mail_get_stream(mail, NULL, NULL, &input) < 0) {
		/* the rest may fare better */
		lazy_expunge_error_set_box(error_r, t_strdup_printf(
			"Cannot read UID %u of", mail->uid), mbox->box);
		merge_fail(mbox->merge, error_r->code, error_r->text);
		return 0;
	}
	i_stream_seek(input, 0);
	if (lazy_expunge_import_box_save(ibox, manifest, input, error_r) < 0)
		return -1;
	return ++mbox->saved < MERGE_BATCH_SIZE ? 0 :
		merge_commit(mbox, error_r);
}

/* Returns 0 also if this mail alone failed, which was said, -1 and the error. */
static int merge_mail(struct merge_box *mbox, struct mail *mail,
		      struct lazy_expunge_error *error_r)
{
	struct merge *merge = mbox->merge;
	struct lazy_expunge_manifest_mail manifest;
	struct lazy_expunge_import_box *ibox;
	int ret;

	if (merge->params->is_killed != NULL && merge->params->is_killed()) {
		error_r->code = MAIL_ERROR_TEMP;
		error_r->text = "Killed";
		return -1;
	}
	if (merge_describe(mbox, mail, &manifest) < 0) {
		lazy_expunge_error_set_box(error_r, t_strdup_printf(
			"Cannot read UID %u of", mail->uid), mbox->box);
		merge_fail(merge, error_r->code, error_r->text);
		return 0;
	}
	ibox = target_get(mbox, manifest.origin, error_r);
	if (ibox == NULL)
		return -1;
	ret = merge_is_there(mbox, ibox, &manifest, error_r);
	if (ret == 0)
		return merge_save(mbox, ibox, mail, &manifest, error_r);
	if (ret > 0)
		merge->merged->present++;
	return ret < 0 ? -1 : 0;
}

static int merge_mails(struct merge_box *mbox,
		       struct lazy_expunge_error *error_r)
{
	struct mailbox_transaction_context *t;
	struct mail_search_args *args = mail_search_build_init();
	struct mail_search_context *search;
	struct mail *mail;
	int ret = 0;

	mail_search_build_add_all(args);
	t = mailbox_transaction_begin(mbox->box, 0, "lazy_expunge merge");
	search = mailbox_search_init(t, args, NULL, 0, NULL);
	mail_search_args_unref(&args);
	while (ret == 0 && mailbox_search_next(search, &mail)) T_BEGIN {
		ret = merge_mail(mbox, mail, error_r);
	} T_END_PASS_STR_IF(ret < 0, &error_r->text);
	if (mailbox_search_deinit(&search) < 0 && ret == 0) {
		lazy_expunge_error_set_box(error_r, "Cannot read", mbox->box);
		ret = -1;
	}
	/* what was read need not be cached */
	mailbox_transaction_rollback(&t);
	return ret < 0 ? -1 : merge_commit(mbox, error_r);
}

static void merge_close(struct merge_box *mbox)
{
	struct merge_target *target;

	array_foreach_modifiable(&mbox->targets, target) {
		if (target->own)
			lazy_expunge_import_box_close(&target->box);
	}
	if (mbox->locked)
		lazy_expunge_lock_put(mbox->merge->luser);
	pool_unref(&mbox->pool);
}

/* Returns 0, or -1 and the error. */
static int merge_open_box(struct merge *merge, struct mailbox *box,
			  const char *name, const char *vname,
			  struct lazy_expunge_error *error_r)
{
	struct merge_box mbox = { .merge = merge, .box = box };
	int ret = 0;

	mbox.pool = pool_alloconly_create("lazy_expunge merge", 1024);
	p_array_init(&mbox.targets, mbox.pool, 4);
	if (!lazy_expunge_merge_source_is_storage(merge->ns, name, vname,
						  &mbox.origin)) {
		mbox.target = lazy_expunge_merge_names_get(merge->names,
			strcmp(name, "INBOX") == 0 && merge->ns->inbox ? name :
			t_strconcat(merge->ns->prefix, name, NULL),
			merge->ns->separator);
		/* also one without mail */
		ret = target_add(&mbox, "", error_r);
	}
	if (ret == 0)
		ret = merge_mails(&mbox, error_r);
	merge_close(&mbox);
	return ret;
}

static void merge_mailbox(struct merge *merge, const char *vname)
{
	struct lazy_expunge_error error;
	struct mailbox *box;
	const char *name;

	box = mailbox_alloc(merge->source->namespaces->list, vname,
			    MAILBOX_FLAG_IGNORE_ACLS |
			    LAZY_EXPUNGE_COMPAT_FLAG_RAW_NAME);
	name = lazy_expunge_merge_source_name(merge->ns, merge->source, vname);
	if (mailbox_open(box) < 0 ||
	    mailbox_sync(box, MAILBOX_SYNC_FLAG_FULL_READ) < 0) {
		lazy_expunge_error_set_box(&error, "Cannot open", box);
		/* the INBOX is listed when there is none */
		if (error.code != MAIL_ERROR_NOTFOUND)
			merge_fail(merge, error.code, error.text);
	} else if (merge_open_box(merge, box, name, vname, &error) < 0) {
		merge_fail(merge, error.code,
			   t_strdup_printf("%s: %s", name, error.text));
	}
	mailbox_free(&box);
}

static void merge_namespace(struct merge *merge)
{
	struct mail_namespace *ns = merge->source->namespaces;
	struct mailbox_list_iterate_context *iter;
	const struct mailbox_info *info;
	ARRAY_TYPE(const_string) names;
	const char *name;

	t_array_init(&names, 32);
	iter = mailbox_list_iter_init(ns->list, "*",
		MAILBOX_LIST_ITER_RAW_LIST | MAILBOX_LIST_ITER_NO_AUTO_BOXES |
		MAILBOX_LIST_ITER_SKIP_ALIASES |
		MAILBOX_LIST_ITER_RETURN_NO_FLAGS |
		LAZY_EXPUNGE_COMPAT_ITER_NO_RENAMING);
	while ((info = mailbox_list_iter_next(iter)) != NULL) {
		if ((info->flags & (MAILBOX_NONEXISTENT |
				    MAILBOX_NOSELECT)) != 0)
			continue;
		name = t_strdup(info->vname);
		array_push_back(&names, &name);
	}
	if (mailbox_list_iter_deinit(&iter) < 0) {
		merge_fail(merge, MAIL_ERROR_TEMP,
			   t_strdup_printf("Cannot list %s: %s",
			merge->ns->prefix, mailbox_list_get_last_internal_error(
				ns->list, NULL)));
	}
	array_foreach_elem(&names, name) T_BEGIN {
		merge_mailbox(merge, name);
	} T_END;
}

static void merge_open_namespace(struct merge *merge)
{
	struct lazy_expunge_user *luser;
	const char *error;
	int ret;

	ret = lazy_expunge_merge_source_open(merge->params->service,
		merge->luser->user, merge->params->account, merge->ns,
		&merge->source, &error);
	if (ret < 0)
		merge_fail(merge, MAIL_ERROR_TEMP, error);
	if (ret <= 0)
		return;
	luser = lazy_expunge_user_get(merge->source);
	merge_namespace(merge);
	lazy_expunge_user_release(luser);
	mail_user_deinit(&merge->source);
}

/* Returns FALSE and the error if it will never be possible. */
static bool merge_check(struct lazy_expunge_user *luser,
			const struct lazy_expunge_merge_params *params,
			struct mail_namespace *ns,
			struct lazy_expunge_error *error_r)
{
	const char *error;

	error_r->code = MAIL_ERROR_PARAMS;
	/* Dovecot's own, for names that no namespace has */
	if ((ns->flags & NAMESPACE_FLAG_UNUSABLE) != 0) {
		ns = mail_namespace_find_inbox(ns->user->namespaces);
		error_r->text = t_strdup_printf("-m %s: no namespace of the user "
			"has such a name, but %s%s could be one", params->mailbox,
			ns->prefix, params->mailbox);
		return FALSE;
	}
	if (ns->type != MAIL_NAMESPACE_TYPE_PRIVATE) {
		error_r->text = t_strdup_printf("-m %s: the mailbox must be one of "
			"the user's own", params->mailbox);
		return FALSE;
	}
	if (lazy_expunge_storage_match(luser, ns, params->mailbox) != NULL) {
		error_r->text = t_strdup_printf("-m %s: this is the expunge "
			"storage", params->mailbox);
		return FALSE;
	}
	if (!lazy_expunge_merge_names_can_be(luser, ns, params->mailbox,
					     &error)) {
		error_r->text = t_strdup_printf("-m %s: there can be no mailbox "
			"of this name: %s", params->mailbox, error);
		return FALSE;
	}
	return lazy_expunge_merge_source_check(params->account, error_r);
}

int lazy_expunge_merge_check(struct lazy_expunge_user *luser,
			     const struct lazy_expunge_merge_params *params)
{
	struct merge merge = { .luser = luser, .params = params };
	struct mail_namespace *ns = mail_namespace_find(
		luser->user->namespaces, params->mailbox);
	struct lazy_expunge_error error;

	if (!merge_check(luser, params, ns, &error)) {
		merge_fail(&merge, error.code, error.text);
		return -1;
	}
	return 0;
}

int lazy_expunge_merge(struct lazy_expunge_user *luser,
		       const struct lazy_expunge_merge_params *params,
		       struct lazy_expunge_merged *merged_r)
{
	struct merge merge = {
		.luser = luser, .params = params, .merged = merged_r,
	};
	struct mail_namespace *ns = mail_namespace_find(
		luser->user->namespaces, params->mailbox);
	const struct lazy_expunge_account_namespace *old;

	i_zero(merged_r);
	if (lazy_expunge_merge_check(luser, params) < 0)
		return -1;
	merge.names = lazy_expunge_merge_names_init(luser, ns, params->mailbox);
	array_foreach(&params->account->namespaces, old) T_BEGIN {
		merge.ns = old;
		merge_open_namespace(&merge);
	} T_END;
	lazy_expunge_merge_names_deinit(&merge.names);
	return merge.failed ? -1 : 0;
}
