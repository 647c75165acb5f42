/* Probe: a mail of the live check, saved, deleted, looked for, restored, and taken
   away again. */

#include "lib.h"
#include "array.h"
#include "guid.h"
#include "istream.h"
#include "mail-namespace.h"
#include "mail-search.h"
#include "mail-search-build.h"
#include "mail-storage-private.h"
#include "account/deletions.h"
#include "core/transactions.h"
#include "restore/restore.h"
#include "check/probe.h"

#define PROBE_DOMAIN "@lazy-expunge.invalid"
#define PROBE_TEXT \
	"From: <>\r\nSubject: lazy-expunge probe\r\n" \
	"Message-ID: <%s"PROBE_DOMAIN">\r\n\r\n" \
	"This is a test of the expunge storage, and taken away at once.\r\n"

int lazy_expunge_probe_init(struct lazy_expunge_probe *probe,
			    struct lazy_expunge_user *luser, bool inbox)
{
	struct mail_namespace *ns =
		mail_namespace_find_inbox(luser->user->namespaces);
	guid_128_t guid_128;

	i_zero(probe);
	probe->luser = luser;
	guid_128_generate(guid_128);
	probe->guid = guid_128_to_string(guid_128);
	probe->vname = inbox ? "INBOX" : t_strdup_printf(
		"%s"LAZY_EXPUNGE_PROBE_MAILBOX"%s", ns->prefix, probe->guid);
	probe->before = lazy_expunge_select_init(luser, &probe->error);
	return probe->before == NULL ? -1 : 0;
}

void lazy_expunge_probe_deinit(struct lazy_expunge_probe *probe)
{
	lazy_expunge_select_deinit(&probe->before);
}

const char *lazy_expunge_probe_message_id(struct lazy_expunge_probe *probe)
{
	return t_strdup_printf("<%s"PROBE_DOMAIN">", probe->guid);
}

struct mailbox *lazy_expunge_probe_box(struct lazy_expunge_probe *probe)
{
	struct mail_namespace *ns =
		mail_namespace_find_inbox(probe->luser->user->namespaces);

	return mailbox_alloc(ns->list, probe->vname, MAILBOX_FLAG_IGNORE_ACLS);
}

static int probe_error(struct lazy_expunge_probe *probe, const char *what,
		       struct mailbox *box)
{
	lazy_expunge_error_set_box(&probe->error, what, box);
	return -1;
}

int lazy_expunge_probe_save(struct lazy_expunge_probe *probe,
			    struct mailbox *box)
{
	struct mailbox_transaction_context *t;
	struct mail_save_context *ctx;
	struct istream *input;
	const char *text = t_strdup_printf(PROBE_TEXT, probe->guid);
	ssize_t size;
	int ret;

	ret = mailbox_open(box);
	if (ret < 0 && mailbox_get_last_mail_error(box) == MAIL_ERROR_NOTFOUND) {
		if (mailbox_create(box, NULL, FALSE) < 0)
			return probe_error(probe, "Cannot create", box);
		ret = mailbox_open(box);
	}
	if (ret < 0)
		return probe_error(probe, "Cannot open", box);
	input = i_stream_create_from_data(text, strlen(text));
	t = mailbox_transaction_begin(box, MAILBOX_TRANSACTION_FLAG_EXTERNAL,
				      "lazy_expunge check");
	ctx = mailbox_save_alloc(t);
	/* nobody is to be told of it as new */
	mailbox_save_set_flags(ctx, MAIL_SEEN, NULL);
	mailbox_save_set_guid(ctx, probe->guid);
	ret = mailbox_save_begin(&ctx, input);
	while (ret == 0 && (size = i_stream_read(input)) > 0)
		ret = mailbox_save_continue(ctx);
	if (ret == 0)
		ret = mailbox_save_continue(ctx);
	if (ret == 0)
		ret = mailbox_save_finish(&ctx);
	else if (ctx != NULL)
		mailbox_save_cancel(&ctx);
	i_stream_unref(&input);
	if (ret < 0)
		mailbox_transaction_rollback(&t);
	else
		ret = mailbox_transaction_commit(&t);
	if (ret < 0 || mailbox_sync(box, MAILBOX_SYNC_FLAG_FULL_READ) < 0)
		return probe_error(probe, "Cannot save to", box);
	return 0;
}

int lazy_expunge_probe_expunge(struct lazy_expunge_probe *probe,
			       struct mailbox *box)
{
	struct mailbox_transaction_context *t;
	struct mail_search_context *search;
	struct mail_search_args *args;
	struct mail *mail;
	const char *guid;
	int count = 0;

	if (mailbox_sync(box, MAILBOX_SYNC_FLAG_FULL_READ) < 0)
		return probe_error(probe, "Cannot read", box);
	args = mail_search_build_init();
	mail_search_build_add_all(args);
	t = mailbox_transaction_begin(box, 0, LAZY_EXPUNGE_TRANSACTION_CHECK);
	search = mailbox_search_init(t, args, NULL, MAIL_FETCH_GUID, NULL);
	mail_search_args_unref(&args);
	while (mailbox_search_next(search, &mail)) T_BEGIN {
		if (mail_get_special(mail, MAIL_FETCH_GUID, &guid) == 0 &&
		    strcmp(guid, probe->guid) == 0) {
			mail_expunge(mail);
			count++;
		}
	} T_END;
	if (mailbox_search_deinit(&search) < 0) {
		mailbox_transaction_rollback(&t);
		return probe_error(probe, "Cannot search", box);
	}
	if (mailbox_transaction_commit(&t) < 0 || mailbox_sync(box, 0) < 0)
		return probe_error(probe, "Cannot expunge from", box);
	return count;
}

/* The probe in the storages. Returns NULL if they cannot be read. */
static struct lazy_expunge_select *
probe_select(struct lazy_expunge_probe *probe)
{
	struct lazy_expunge_select *select;
	struct mail_search_args *args;
	struct mail_search_arg *arg;

	select = lazy_expunge_select_init(probe->luser, &probe->error);
	if (select == NULL)
		return NULL;
	args = mail_search_build_init();
	arg = mail_search_build_add(args, SEARCH_GUID);
	arg->value.str = p_strdup(args->pool, probe->guid);
	if (lazy_expunge_select_find(select, args, NULL, 0, &probe->error) < 0)
		lazy_expunge_select_deinit(&select);
	mail_search_args_unref(&args);
	return select;
}

int lazy_expunge_probe_is_kept(struct lazy_expunge_probe *probe)
{
	struct lazy_expunge_select *select = probe_select(probe);
	int ret;

	if (select == NULL)
		return -1;
	ret = array_count(&select->mails) > 0 ? 1 : 0;
	lazy_expunge_select_deinit(&select);
	return ret;
}

static int probe_restore_found(struct lazy_expunge_probe *probe,
			       struct lazy_expunge_select *select)
{
	const struct lazy_expunge_restore_params params = {
		.target = probe->vname,
		.ignore_acls = TRUE,
	};
	ARRAY_TYPE(lazy_expunge_restore_row) rows;
	const struct lazy_expunge_restore_row *row;
	unsigned int restored = 0;
	int ret;

	if (array_count(&select->mails) == 0) {
		probe->error.text = "the deleted probe is not in the storage";
		return -1;
	}
	t_array_init(&rows, 1);
	ret = lazy_expunge_restore(select, &params, &rows);
	array_foreach(&rows, row) {
		restored += row->restored;
		if (row->error.text != NULL)
			probe->error.text = t_strdup(row->error.text);
	}
	if (ret == 0 && restored != 1) {
		probe->error.text = t_strdup_printf(
			"%u probes came back, and not one", restored);
		ret = -1;
	}
	return ret;
}

int lazy_expunge_probe_restore(struct lazy_expunge_probe *probe)
{
	struct lazy_expunge_select *select = probe_select(probe);
	int ret;

	if (select == NULL)
		return -1;
	ret = probe_restore_found(probe, select);
	lazy_expunge_select_deinit(&select);
	return ret;
}

static bool probe_box_was_there(struct lazy_expunge_probe *probe,
				const char *vname)
{
	const struct lazy_expunge_select_box *sbox;

	array_foreach(&probe->before->boxes, sbox) {
		if (strcmp(sbox->vname, vname) == 0)
			return TRUE;
	}
	return FALSE;
}

int lazy_expunge_probe_clean(struct lazy_expunge_probe *probe,
			     struct mailbox *box)
{
	const struct lazy_expunge_select_box *sbox;
	struct lazy_expunge_select *select;
	int ret = 0;

	/* Deleting it goes through the storage again. */
	if (mailbox_open(box) == 0 && lazy_expunge_probe_expunge(probe, box) < 0)
		ret = -1;
	if (strcmp(probe->vname, "INBOX") != 0) {
		if (ret == 0 && mailbox_delete_empty(box) < 0 &&
		    mailbox_get_last_mail_error(box) != MAIL_ERROR_NOTFOUND)
			ret = probe_error(probe, "Cannot delete", box);
		(void)mailbox_set_subscribed(box, FALSE);
	}
	select = lazy_expunge_select_init(probe->luser, &probe->error);
	if (select == NULL)
		return -1;
	array_foreach(&select->boxes, sbox) {
		if (lazy_expunge_probe_expunge(probe, sbox->box) < 0)
			ret = -1;
		else if (!probe_box_was_there(probe, sbox->vname))
			(void)mailbox_delete_empty(sbox->box);
	}
	lazy_expunge_select_deinit(&select);
	return ret;
}

void lazy_expunge_probe_take_from(struct lazy_expunge_probe *probe,
				  struct lazy_expunge_user *luser)
{
	const struct lazy_expunge_select_box *sbox;
	struct lazy_expunge_select *select;
	struct lazy_expunge_error error;

	select = lazy_expunge_select_init(luser, &error);
	if (select == NULL)
		return;
	array_foreach(&select->boxes, sbox)
		(void)lazy_expunge_probe_expunge(probe, sbox->box);
	lazy_expunge_select_deinit(&select);
}
