/* Report: sums over the storages. The plain one reads what Dovecot keeps of a
   mailbox as a whole, and two mails of each; mails of a storage have UIDs in
   the order in which they were deleted. */

#include "lib.h"
#include "array.h"
#include "mail-search.h"
#include "mail-search-build.h"
#include "mail-storage-private.h"
#include "hold/cover.h"
#include "hold/holds.h"
#include "retention/cap.h"
#include "settings/mailbox-blocks.h"
#include "account/storages.h"
#include "report/report.h"
#include "report/together.h"

void lazy_expunge_report_add(struct lazy_expunge_report_sum *dest,
			     const struct lazy_expunge_report_sum *src)
{
	dest->messages += src->messages;
	dest->bytes += src->bytes;
	if (src->oldest > 0 &&
	    (dest->oldest == 0 || src->oldest < dest->oldest))
		dest->oldest = src->oldest;
	if (src->newest > dest->newest)
		dest->newest = src->newest;
}

static void report_next(struct lazy_expunge_report *report,
			enum lazy_expunge_report_next next, uint32_t uid,
			time_t when)
{
	if (report->next != LAZY_EXPUNGE_NEXT_NONE &&
	    report->next_time <= when)
		return;
	report->next = next;
	report->next_uid = uid;
	report->next_time = when;
}

static void report_together(struct lazy_expunge_report *report,
			    enum lazy_expunge_report_next cap,
			    uint64_t together, uint64_t room, time_t since)
{
	if (together <= room / 2 || together <= 1)
		return;
	report->together_of = cap;
	report->together = together;
	report->room = room;
	report->together_since = since;
}

static void retention_add(struct lazy_expunge_report *report,
			  const struct lazy_expunge_retention *set)
{
	struct lazy_expunge_retention *dest = &report->retention;

	if (set->autoexpunge == 0)
		report->retention_missing = TRUE;
	else if (dest->autoexpunge == 0 ||
		 set->autoexpunge < dest->autoexpunge)
		dest->autoexpunge = set->autoexpunge;
	if (set->max_mails > 0 &&
	    (dest->max_mails == 0 || set->max_mails < dest->max_mails))
		dest->max_mails = set->max_mails;
}

static bool mail_is_held(struct lazy_expunge_cover *cover, struct mail *mail)
{
	return cover != NULL && lazy_expunge_cover_find(cover, mail) != NULL;
}

/* How many of the first mails go now although they are not old enough. */
static unsigned int
box_count_too_young(struct mail *mail, struct lazy_expunge_cover *cover,
		    const struct lazy_expunge_retention *set,
		    unsigned int count, time_t renamed, time_t now)
{
	struct lazy_expunge_retention_mail rmail = {
		.count = count,
		.renamed = renamed,
	};
	unsigned int too_young = 0;

	for (rmail.position = 1; rmail.position <= count; rmail.position++) {
		if (!lazy_expunge_retention_goes_by_count(set, &rmail))
			break;
		mail_set_seq(mail, rmail.position);
		if (!mail_is_held(cover, mail) &&
		    mail_get_save_date(mail, &rmail.saved) >= 0 &&
		    lazy_expunge_retention_expiry(set, &rmail) > now)
			too_young++;
	}
	return too_young;
}

/* The mails that are held. *first_free_r is the first that is not, 0 = all
   are. */
static uint64_t box_count_held(struct mail *mail,
			       struct lazy_expunge_cover *cover,
			       uint32_t count, uint32_t *first_free_r)
{
	uint64_t held = 0;

	*first_free_r = 1;
	if (cover == NULL)
		return 0;
	*first_free_r = 0;
	if (lazy_expunge_cover_is_all(cover))
		return count;
	for (uint32_t seq = 1; seq <= count; seq++) {
		mail_set_seq(mail, seq);
		if (mail_is_held(cover, mail))
			held++;
		else if (*first_free_r == 0)
			*first_free_r = seq;
	}
	return held;
}

static int report_box_mails(struct lazy_expunge_report *report,
			    struct lazy_expunge_report_sum *sum,
			    const struct lazy_expunge_retention *set,
			    struct mailbox *box, struct mail *mail,
			    struct lazy_expunge_cover *cover, time_t now)
{
	struct lazy_expunge_retention_mail rmail = {
		.count = sum->messages,
		.renamed = lazy_expunge_keep_time_renamed(box),
	};
	uint32_t first_free, together;
	time_t since;

	mail_set_seq(mail, sum->messages);
	if (mail_get_save_date(mail, &sum->newest) < 0)
		return -1;
	mail_set_seq(mail, 1);
	if (mail_get_save_date(mail, &sum->oldest) < 0)
		return -1;
	report->held += box_count_held(mail, cover, sum->messages, &first_free);
	if (first_free == 0)
		return 0;
	mail_set_seq(mail, first_free);
	if (mail_get_save_date(mail, &rmail.saved) < 0)
		return -1;
	rmail.position = first_free;
	if (lazy_expunge_retention_goes_by_count(set, &rmail)) {
		report_next(report, LAZY_EXPUNGE_NEXT_MAX_MAILS, mail->uid,
			    now);
	} else if (set->autoexpunge > 0) {
		report_next(report, LAZY_EXPUNGE_NEXT_AGE, mail->uid,
			    I_MAX(now, lazy_expunge_retention_expiry(set,
								     &rmail)));
	}
	if (set->max_mails > 0 && sum->messages > set->max_mails / 2) {
		/* the newest, which stay */
		together = lazy_expunge_together_mails(mail,
			sum->messages - I_MIN(sum->messages, set->max_mails) + 1,
			sum->messages, &since);
		report_together(report, LAZY_EXPUNGE_NEXT_MAX_MAILS, together,
				set->max_mails, since);
	}
	if (set->autoexpunge > 0) {
		report->too_young += box_count_too_young(mail, cover, set,
				sum->messages, rmail.renamed, now);
	}
	return 0;
}

/* cover is NULL if nothing is held. */
static int report_box(struct lazy_expunge_report *report,
		      struct lazy_expunge_cover *cover,
		      const struct lazy_expunge_select_box *sbox, time_t now,
		      struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_report_sum sum;
	struct lazy_expunge_retention set;
	struct mailbox_transaction_context *t;
	struct mailbox_metadata metadata;
	struct mailbox_status status;
	struct mail *mail;
	int ret = 0;

	i_zero(&sum);
	lazy_expunge_keep_time_get(sbox->storage->ns, sbox->vname, &set);
	retention_add(report, &set);
	mailbox_get_open_status(sbox->box, STATUS_MESSAGES, &status);
	if (status.messages == 0)
		return 0;
	sum.messages = status.messages;
	ret = mailbox_get_metadata(sbox->box, MAILBOX_METADATA_VIRTUAL_SIZE,
				   &metadata);
	if (ret == 0) {
		sum.bytes = metadata.virtual_size;
		t = mailbox_transaction_begin(sbox->box, 0,
					      "lazy_expunge report");
		mail = mail_alloc(t, MAIL_FETCH_SAVE_DATE, NULL);
		ret = report_box_mails(report, &sum, &set, sbox->box, mail,
				       cover, now);
		mail_free(&mail);
		(void)mailbox_transaction_commit(&t);
	}
	if (ret < 0)
		lazy_expunge_error_set_box(error_r, "Cannot read", sbox->box);
	lazy_expunge_report_add(&report->sum, &sum);
	return ret;
}

/* A byte cap is over several mailboxes: what goes, and what of it is younger than
   the retention? Who has most of it? Done only when half of it is taken. */
static int report_cap(struct lazy_expunge_report *report,
		      struct lazy_expunge_select *select, unsigned int cap_idx,
		      time_t now, struct lazy_expunge_error *error_r)
{
	const struct lazy_expunge_select_cap *cap =
		array_idx(&select->caps, cap_idx);
	const unsigned int autoexpunge = report->retention.autoexpunge;
	ARRAY_TYPE(lazy_expunge_cap_mail) mails;
	const struct lazy_expunge_cap_mail *mail;
	unsigned int count, goes;
	uint64_t bytes, total;
	time_t since = 0;

	if (cap->max == 0)
		return 0;
	if (report->max_storage == 0 || cap->max < report->max_storage)
		report->max_storage = cap->max;
	if (lazy_expunge_cap_sum(select, cap_idx, &total, error_r) < 0)
		return -1;
	if (total <= cap->max / 2)
		return 0;
	i_array_init(&mails, 1024);
	if (lazy_expunge_cap_read(select, cap_idx, &mails, error_r) < 0) {
		array_free(&mails);
		return -1;
	}
	mail = array_get(&mails, &count);
	goes = total <= cap->max ? 0 :
		lazy_expunge_cap_count(mail, count, cap->max, &bytes);
	bytes = lazy_expunge_cap_together(mail + goes, count - goes, &since);
	report_together(report, LAZY_EXPUNGE_NEXT_MAX_STORAGE, bytes, cap->max,
			since);
	if (goes > 0) {
		report->next = LAZY_EXPUNGE_NEXT_MAX_STORAGE;
		report->next_uid = mail->uid;
		report->next_time = now;
	}
	for (unsigned int i = 0; autoexpunge > 0 && i < goes; i++) {
		if (mail[i].saved + (time_t)autoexpunge > now)
			report->cap_too_young++;
	}
	array_free(&mails);
	return 0;
}

int lazy_expunge_report(struct lazy_expunge_user *luser, time_t now,
			struct lazy_expunge_report *report_r,
			struct lazy_expunge_error *error_r)
{
	const struct lazy_expunge_select_box *sbox;
	struct lazy_expunge_select *select;
	struct lazy_expunge_retention set;
	struct lazy_expunge_storage *storage;
	struct lazy_expunge_holds *holds = lazy_expunge_holds_get(luser);
	struct lazy_expunge_cover *cover = NULL;
	int ret = 0;

	i_zero(report_r);
	select = lazy_expunge_select_init(luser, error_r);
	if (select == NULL)
		return -1;
	array_foreach(&select->boxes, sbox) {
		if (ret < 0)
			break;
		if (holds != NULL)
			cover = lazy_expunge_cover_init(holds, sbox->box);
		ret = report_box(report_r, cover, sbox, now, error_r);
		lazy_expunge_cover_deinit(&cover);
	}
	if (array_count(&select->boxes) == 0) {
		/* nothing was kept yet: what will hold? */
		array_foreach_elem(lazy_expunge_user_storages(luser), storage) {
			lazy_expunge_keep_time_get(storage->ns,
				lazy_expunge_storage_vname(storage), &set);
			retention_add(report_r, &set);
		}
	}
	for (unsigned int i = 0; ret == 0 && i < array_count(&select->caps);
	     i++)
		ret = report_cap(report_r, select, i, now, error_r);
	report_r->too_young = I_MAX(report_r->too_young,
				    report_r->cap_too_young);
	lazy_expunge_select_deinit(&select);
	return ret;
}

static int origin_add_mail(struct lazy_expunge_report_origin *row,
			   const struct lazy_expunge_select_mail *smail,
			   struct mail *mail)
{
	struct lazy_expunge_report_sum sum = {
		.messages = 1,
		.oldest = smail->saved,
		.newest = smail->saved,
	};
	uoff_t size;

	if (!mail_set_uid(mail, smail->uid))
		return 0;
	if (mail_get_virtual_size(mail, &size) < 0)
		return mail->expunged ? 0 : -1;
	sum.bytes = size;
	lazy_expunge_report_add(&row->sum, &sum);
	return 0;
}

/* The mails of one mailbox. */
static int origins_add_box(struct lazy_expunge_select *select,
			   unsigned int box_idx,
			   struct lazy_expunge_report_origin *rows,
			   struct lazy_expunge_error *error_r)
{
	const struct lazy_expunge_select_box *sbox =
		array_idx(&select->boxes, box_idx);
	const struct lazy_expunge_select_mail *smail;
	struct mailbox_transaction_context *t;
	struct mail *mail;
	int ret = 0;

	t = mailbox_transaction_begin(sbox->box, 0, "lazy_expunge report");
	mail = mail_alloc(t, MAIL_FETCH_VIRTUAL_SIZE, NULL);
	array_foreach(&select->mails, smail) {
		if (smail->box != box_idx || ret < 0)
			continue;
		T_BEGIN {
			ret = origin_add_mail(&rows[smail->origin], smail,
					      mail);
		} T_END;
	}
	if (ret < 0)
		lazy_expunge_error_set_box(error_r, "Cannot read", sbox->box);
	mail_free(&mail);
	(void)mailbox_transaction_commit(&t);
	return ret;
}

static int origin_cmp(const struct lazy_expunge_report_origin *r1,
		      const struct lazy_expunge_report_origin *r2)
{
	if (r1->sum.bytes != r2->sum.bytes)
		return r1->sum.bytes > r2->sum.bytes ? -1 : 1;
	return strcmp(r1->origin, r2->origin);
}

int lazy_expunge_report_by_origin(struct lazy_expunge_user *luser,
				  ARRAY_TYPE(lazy_expunge_report_origin) *rows,
				  struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_report_origin *sums;
	struct lazy_expunge_select *select;
	struct mail_search_args *args;
	unsigned int count;
	int ret;

	select = lazy_expunge_select_init(luser, error_r);
	if (select == NULL)
		return -1;
	args = mail_search_build_init();
	mail_search_build_add_all(args);
	ret = lazy_expunge_select_find(select, args, NULL, 0, error_r);
	mail_search_args_unref(&args);

	count = array_count(&select->origins);
	sums = t_new(struct lazy_expunge_report_origin, count);
	for (unsigned int i = 0; ret == 0 && i < array_count(&select->boxes);
	     i++)
		ret = origins_add_box(select, i, sums, error_r);
	for (unsigned int i = 0; ret == 0 && i < count; i++) {
		if (sums[i].sum.messages == 0)
			continue;
		sums[i].origin =
			t_strdup(array_idx_elem(&select->origins, i));
		array_push_back(rows, &sums[i]);
	}
	array_sort(rows, origin_cmp);
	lazy_expunge_select_deinit(&select);
	return ret;
}
