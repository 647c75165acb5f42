/* Due mails: walks through the mailboxes that have autoexpunge as Dovecot does
   itself, and counts instead of expunging. */

#include "lib.h"
#include "array.h"
#include "imap-match.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mail-storage-settings.h"
#include "account/storage-list.h"
#include "compat/dovecot.h"
#include "settings/mailbox-blocks.h"
#include "hold/cover.h"
#include "hold/holds.h"
#include "account/storages.h"
#include "retention/due.h"

struct due_context {
	struct lazy_expunge_user *luser;
	time_t now;
	struct lazy_expunge_due *due;
	enum mail_error error;
};

struct due_seen {
	pool_t pool;
	struct lazy_expunge_user *luser;
	ARRAY_TYPE(const_string) vnames;
	lazy_expunge_due_callback_t *callback;
	void *context;
};

/* Several blocks may name one mailbox. */
static void due_call_once(struct due_seen *seen, struct mail_namespace *ns,
			  const char *vname)
{
	const char *name;

	array_foreach_elem(&seen->vnames, name) {
		if (strcmp(name, vname) == 0)
			return;
	}
	name = p_strdup(seen->pool, vname);
	array_push_back(&seen->vnames, &name);
	seen->callback(ns, name, seen->context);
}

enum mailbox_list_iter_flags
lazy_expunge_due_list_flags(struct lazy_expunge_user *luser,
			    struct mail_namespace *ns)
{
	enum mailbox_list_iter_flags flags = MAILBOX_LIST_ITER_NO_AUTO_BOXES |
		MAILBOX_LIST_ITER_SKIP_ALIASES |
		MAILBOX_LIST_ITER_RETURN_NO_FLAGS;

	/* as the mail plugin has autoexpunge do there */
	if (lazy_expunge_is_storage_namespace(luser, ns))
		flags |= MAILBOX_LIST_ITER_RAW_LIST;
	return flags;
}

struct due_hidden {
	struct due_seen *seen;
	struct imap_match_glob *glob;
};

static int due_add_hidden_listed(struct mail_namespace *ns, const char *vname,
				 void *context)
{
	struct due_hidden *hidden = context;

	if (imap_match(hidden->glob, vname) == IMAP_MATCH_YES)
		due_call_once(hidden->seen, ns, vname);
	return 0;
}

/* A storage that an ACL hides is not listed, and has its retention as well. */
static void due_add_hidden(struct due_seen *seen, struct mail_namespace *ns,
			   const char *pattern)
{
	struct lazy_expunge_storage *storage;
	struct imap_match_glob *glob;
	const char *vname, *error;
	enum mail_error code;

	glob = imap_match_init(default_pool, pattern, FALSE,
			       mail_namespace_get_sep(ns));
	array_foreach_elem(lazy_expunge_user_storages(seen->luser), storage) {
		if (storage->ns_mode || storage->ns != ns)
			continue;
		if (storage->tree) {
			struct due_hidden hidden = {
				.seen = seen,
				.glob = glob,
			};

			/* what fails here failed before */
			(void)lazy_expunge_storage_list(seen->luser, storage,
				due_add_hidden_listed, &hidden, &error, &code);
			continue;
		}
		vname = lazy_expunge_storage_vname(storage);
		if (imap_match(glob, vname) == IMAP_MATCH_YES)
			due_call_once(seen, ns, vname);
	}
	imap_match_deinit(&glob);
}

static int due_list(struct due_seen *seen, struct mail_namespace *ns,
		    const char *pattern, struct lazy_expunge_error *error_r)
{
	struct mailbox_list_iterate_context *iter;
	const struct mailbox_info *info;

	iter = mailbox_list_iter_init(ns->list, pattern,
		lazy_expunge_due_list_flags(seen->luser, ns));
	while ((info = mailbox_list_iter_next(iter)) != NULL) T_BEGIN {
		due_call_once(seen, ns, info->vname);
	} T_END;
	if (mailbox_list_iter_deinit(&iter) < 0) {
		error_r->text = t_strdup_printf("Cannot list %s: %s", pattern,
			mailbox_list_get_last_internal_error(ns->list,
							     &error_r->code));
		return -1;
	}
	due_add_hidden(seen, ns, pattern);
	return 0;
}

bool lazy_expunge_due_has_retention(const struct mailbox_settings *block)
{
	return block->autoexpunge > 0 || block->autoexpunge_max_mails > 0;
}

static int due_namespace(struct due_seen *seen, struct mail_namespace *ns,
			 struct lazy_expunge_error *error_r)
{
	const struct mailbox_settings *block;
	const char *vname;
	int ret = 0;

	for (unsigned int i = 0; ret == 0; i++) {
		block = lazy_expunge_compat_mailbox_settings(ns, i);
		if (block == NULL)
			break;
		if (!lazy_expunge_due_has_retention(block))
			continue;
		vname = t_strconcat(ns->prefix, block->name, NULL);
		if (strpbrk(block->name, "*?") != NULL)
			ret = due_list(seen, ns, vname, error_r);
		else if (block->name[0] != '\0')
			due_call_once(seen, ns, vname);
		else if (ns->prefix_len > 0) {
			due_call_once(seen, ns, t_strndup(ns->prefix,
							  ns->prefix_len - 1));
		}
	}
	return ret;
}

int lazy_expunge_due_mailboxes(struct lazy_expunge_user *luser,
			       lazy_expunge_due_callback_t *callback,
			       void *context, struct lazy_expunge_error *error_r)
{
	struct due_seen seen = {
		.luser = luser,
		.callback = callback,
		.context = context,
	};
	struct mail_namespace *ns;
	int ret = 0;

	seen.pool = pool_alloconly_create("lazy_expunge due", 1024);
	p_array_init(&seen.vnames, seen.pool, 16);
	for (ns = luser->user->namespaces; ns != NULL && ret == 0;
	     ns = ns->next) {
		if (ns->alias_for == NULL)
			ret = due_namespace(&seen, ns, error_r);
	}
	pool_unref(&seen.pool);
	return ret;
}

static void due_add_next(struct lazy_expunge_due *due, time_t next)
{
	if (due->next == 0 || next < due->next)
		due->next = next;
}

/* Returns 1 if something may be due, 0 if not, -1 if that cannot be told. */
static int due_box_check(struct mailbox *box,
			 const struct lazy_expunge_retention *set, time_t now,
			 struct lazy_expunge_due *due)
{
	struct mailbox_status status;
	struct mailbox_metadata metadata;
	enum mail_error error;

	if (mailbox_get_status(box, STATUS_MESSAGES, &status) < 0) {
		/* a name that is not allowed is that of no mailbox: a block for
		   the storage of users for whom the plugin is on */
		error = mailbox_get_last_mail_error(box);
		return error == MAIL_ERROR_NOTFOUND ||
			error == MAIL_ERROR_PARAMS ? 0 : -1;
	}
	if (status.messages == 0)
		return 0;
	if (set->max_mails > 0 && status.messages > set->max_mails)
		return 1;
	if (set->autoexpunge == 0)
		return 0;
	if (mailbox_get_metadata(box, MAILBOX_METADATA_FIRST_SAVE_DATE,
				 &metadata) < 0)
		return -1;
	if (metadata.first_save_date == (time_t)-1)
		return 0;
	if (metadata.first_save_date + (time_t)set->autoexpunge <= now)
		return 1;
	due_add_next(due, metadata.first_save_date + (time_t)set->autoexpunge);
	return 0;
}

/* cover is NULL if nothing is held there. */
static int due_box_count(struct mailbox *box, struct lazy_expunge_cover *cover,
			 const struct lazy_expunge_retention *set, time_t now,
			 struct lazy_expunge_due *due)
{
	struct lazy_expunge_retention_mail rmail = {
		.position = 1,
	};
	struct mailbox_transaction_context *t;
	struct mailbox_status status;
	struct mail *mail;
	uoff_t size;
	int ret = 0;

	if (mailbox_sync(box, MAILBOX_SYNC_FLAG_FAST) < 0)
		return -1;
	mailbox_get_open_status(box, STATUS_MESSAGES, &status);
	rmail.count = status.messages;
	rmail.renamed = lazy_expunge_keep_time_renamed(box);
	t = mailbox_transaction_begin(box, 0, "lazy_expunge due");
	mail = mail_alloc(t, MAIL_FETCH_SAVE_DATE | MAIL_FETCH_VIRTUAL_SIZE,
			  NULL);
	for (; rmail.position <= rmail.count && ret == 0; rmail.position++) {
		mail_set_seq(mail, rmail.position);
		if (mail_get_save_date(mail, &rmail.saved) < 0) {
			ret = mail->expunged ? 0 : -1;
			continue;
		}
		if (!lazy_expunge_retention_goes(set, &rmail, now)) {
			if (set->autoexpunge > 0) {
				due_add_next(due,
					lazy_expunge_retention_expiry(set,
								      &rmail));
			}
			break;
		}
		if (cover != NULL &&
		    lazy_expunge_cover_find(cover, mail) != NULL) {
			due->held++;
			continue;
		}
		due->messages++;
		if (mail_get_virtual_size(mail, &size) == 0)
			due->bytes += size;
	}
	mail_free(&mail);
	(void)mailbox_transaction_commit(&t);
	return ret;
}

/* A storage whose name the layout forbids is found by the one that it has on
   disk also where the mail plugin is off, for the user or for doveadm. */
static const char *
due_open_vname(struct lazy_expunge_user *luser, struct mail_namespace *ns,
	       const char *vname)
{
	struct lazy_expunge_storage *storage;

	storage = lazy_expunge_storage_match(luser, ns, vname);
	return storage == NULL || storage->ns != ns ? vname :
		lazy_expunge_storage_open_vname(storage, ns, vname);
}

/* What is held in the mailbox, NULL if nothing is. */
static struct lazy_expunge_cover *
due_cover(struct lazy_expunge_user *luser, struct mail_namespace *ns,
	  const char *vname, struct mailbox *box)
{
	struct lazy_expunge_holds *holds;

	if (lazy_expunge_storage_match(luser, ns, vname) == NULL)
		return NULL;
	holds = lazy_expunge_holds_get(luser);
	return holds == NULL ? NULL : lazy_expunge_cover_init(holds, box);
}

static void due_add_mailbox(struct mail_namespace *ns, const char *vname,
			    void *context)
{
	struct due_context *ctx = context;
	struct lazy_expunge_retention set;
	struct lazy_expunge_cover *cover;
	struct mailbox *box;
	const char *text;
	int ret;

	lazy_expunge_keep_time_get(ns, vname, &set);
	box = mailbox_alloc(ns->list, due_open_vname(ctx->luser, ns, vname),
			    MAILBOX_FLAG_IGNORE_ACLS);
	ret = due_box_check(box, &set, ctx->now, ctx->due);
	if (ret > 0) {
		cover = due_cover(ctx->luser, ns, vname, box);
		ret = due_box_count(box, cover, &set, ctx->now, ctx->due);
		lazy_expunge_cover_deinit(&cover);
	}
	if (ret < 0) {
		text = mailbox_get_last_internal_error(box, &ctx->error);
		e_error(box->event, "lazy_expunge: Cannot read: %s", text);
		ctx->due->failed++;
	}
	mailbox_free(&box);
}

int lazy_expunge_due_read(struct lazy_expunge_user *luser, time_t now,
			  struct lazy_expunge_due *due_r,
			  enum mail_error *error_r)
{
	struct due_context ctx = {
		.luser = luser,
		.now = now,
		.due = due_r,
	};
	struct lazy_expunge_error error;

	i_zero(due_r);
	if (lazy_expunge_due_mailboxes(luser, due_add_mailbox, &ctx,
				       &error) < 0) {
		e_error(luser->user->event, "lazy_expunge: %s", error.text);
		ctx.error = error.code;
		due_r->failed++;
	}
	*error_r = ctx.error;
	return due_r->failed > 0 ? -1 : 0;
}
