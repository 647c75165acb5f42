/* Live check: a probe mail goes the way of a deleted mail, there and back. */

#include "lib.h"
#include "array.h"
#include "guid.h"
#include "istream.h"
#include "mail-namespace.h"
#include "mail-search.h"
#include "mail-search-build.h"
#include "mail-storage-private.h"
#include "events/events.h"
#include "restore/restore.h"
#include "check/check.h"

#define PROBE_TEXT \
	"From: <>\r\nSubject: lazy-expunge probe\r\n" \
	"Message-ID: <%s@lazy-expunge.invalid>\r\n\r\n" \
	"This is a test of the expunge storage, and taken away at once.\r\n"

struct probe {
	struct lazy_expunge_user *luser;
	/* the name of its mailbox, and its GUID */
	const char *vname, *guid;
	/* the storage's mailboxes before */
	struct lazy_expunge_select *before;
	struct lazy_expunge_error error;
};

static struct mailbox *probe_box(struct probe *probe)
{
	struct mail_namespace *ns =
		mail_namespace_find_inbox(probe->luser->user->namespaces);

	return mailbox_alloc(ns->list, probe->vname, MAILBOX_FLAG_IGNORE_ACLS);
}

static int probe_error(struct probe *probe, const char *what,
		       struct mailbox *box)
{
	lazy_expunge_error_set_box(&probe->error, what, box);
	return -1;
}

static int probe_save(struct probe *probe, struct mailbox *box)
{
	struct mailbox_transaction_context *t;
	struct mail_save_context *ctx;
	struct istream *input;
	const char *text = t_strdup_printf(PROBE_TEXT, probe->guid);
	ssize_t size;
	int ret;

	if (mailbox_create(box, NULL, FALSE) < 0)
		return probe_error(probe, "Cannot create", box);
	if (mailbox_open(box) < 0)
		return probe_error(probe, "Cannot open", box);
	input = i_stream_create_from_data(text, strlen(text));
	t = mailbox_transaction_begin(box, MAILBOX_TRANSACTION_FLAG_EXTERNAL,
				      "lazy_expunge check");
	ctx = mailbox_save_alloc(t);
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

/* Expunge the probe wherever it is in the mailbox. Returns how many there were,
   -1 on failure. */
static int probe_expunge(struct probe *probe, struct mailbox *box)
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

static int probe_restore(struct probe *probe)
{
	const struct lazy_expunge_restore_params params = {
		.target = probe->vname,
	};
	ARRAY_TYPE(lazy_expunge_restore_row) rows;
	const struct lazy_expunge_restore_row *row;
	struct lazy_expunge_select *select;
	struct mail_search_args *args;
	struct mail_search_arg *arg;
	unsigned int restored = 0;
	int ret;

	select = lazy_expunge_select_init(probe->luser, &probe->error);
	if (select == NULL)
		return -1;
	args = mail_search_build_init();
	arg = mail_search_build_add(args, SEARCH_GUID);
	arg->value.str = p_strdup(args->pool, probe->guid);
	ret = lazy_expunge_select_find(select, args, NULL, 0, &probe->error);
	mail_search_args_unref(&args);
	if (ret == 0 && array_count(&select->mails) == 0) {
		probe->error.text = "the deleted probe is not in the storage";
		ret = -1;
	}
	t_array_init(&rows, 1);
	if (ret == 0)
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
	lazy_expunge_select_deinit(&select);
	return ret;
}

static bool probe_box_was_there(struct probe *probe, const char *vname)
{
	const struct lazy_expunge_select_box *sbox;

	array_foreach(&probe->before->boxes, sbox) {
		if (strcmp(sbox->vname, vname) == 0)
			return TRUE;
	}
	return FALSE;
}

/* Take away the probe and every mailbox that was made for it. */
static int probe_clean(struct probe *probe, struct mailbox *box)
{
	const struct lazy_expunge_select_box *sbox;
	struct lazy_expunge_select *select;
	int ret = 0;

	/* Deleting it goes through the storage again. */
	if (mailbox_open(box) == 0 && probe_expunge(probe, box) < 0)
		ret = -1;
	if (ret == 0 && mailbox_delete_empty(box) < 0 &&
	    mailbox_get_last_mail_error(box) != MAIL_ERROR_NOTFOUND)
		ret = probe_error(probe, "Cannot delete", box);
	(void)mailbox_set_subscribed(box, FALSE);
	select = lazy_expunge_select_init(probe->luser, &probe->error);
	if (select == NULL)
		return -1;
	array_foreach(&select->boxes, sbox) {
		if (probe_expunge(probe, sbox->box) < 0)
			ret = -1;
		else if (!probe_box_was_there(probe, sbox->vname))
			(void)mailbox_delete_empty(sbox->box);
	}
	lazy_expunge_select_deinit(&select);
	return ret;
}

static int probe_run(struct probe *probe, struct mailbox *box)
{
	int ret;

	if (probe_save(probe, box) < 0)
		return -1;
	ret = probe_expunge(probe, box);
	if (ret == 0)
		probe->error.text = "the probe is not in its mailbox";
	if (ret <= 0)
		return -1;
	return probe_restore(probe);
}

void lazy_expunge_check_live(struct lazy_expunge_findings *findings,
			     struct lazy_expunge_user *luser)
{
	struct mail_namespace *ns;
	guid_128_t guid_128;
	struct probe probe = { .luser = luser };
	struct mailbox *box;
	const char *failed = NULL;

	if (luser->set.error != NULL ||
	    array_count(lazy_expunge_user_storages(luser)) == 0)
		return;
	probe.before = lazy_expunge_select_init(luser, &probe.error);
	if (probe.before == NULL) {
		lazy_expunge_findings_add(findings, "live",
			LAZY_EXPUNGE_FINDING_FAIL, probe.error.text,
			"correct the cause");
		return;
	}
	ns = mail_namespace_find_inbox(luser->user->namespaces);
	guid_128_generate(guid_128);
	probe.guid = guid_128_to_string(guid_128);
	probe.vname = t_strdup_printf("%slazy-expunge-probe-%s", ns->prefix,
				      probe.guid);
	box = probe_box(&probe);
	if (probe_run(&probe, box) < 0)
		failed = probe.error.text;
	mailbox_free(&box);

	box = probe_box(&probe);
	if (probe_clean(&probe, box) < 0 && failed == NULL) {
		failed = t_strdup_printf("the probe in %s could not be taken "
			"away: %s", probe.vname, probe.error.text);
	}
	mailbox_free(&box);
	lazy_expunge_select_deinit(&probe.before);
	lazy_expunge_findings_add(findings, "live", failed == NULL ?
		LAZY_EXPUNGE_FINDING_OK : LAZY_EXPUNGE_FINDING_FAIL,
		failed == NULL ? "a probe mail was deleted, kept and restored" :
		failed, "look at the rows above, and at the log");
}
