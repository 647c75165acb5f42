/* The log of restores: runs of mails that are alike, a line each. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "istream.h"
#include "sort.h"
#include "str.h"
#include "mail-storage-private.h"
#include "account/append.h"
#include "account/deletions.h"
#include "account/files.h"
#include "account/user.h"
#include "core/origin-codec.h"
#include "core/passed-lines.h"
#include "inventory/select.h"
#include "restore/undo-log.h"

#include <fcntl.h>
#include <unistd.h>

#define RESTORED_LOCK_FNAME LAZY_EXPUNGE_RESTORED_FNAME".lock"
/* More than a hundred thousand mails that have nothing in common. */
#define RESTORED_MAX_SIZE (16 * 1024 * 1024)
#define RESTORED_MAX_LINE (64 * 1024)
/* The list of deletions gets to know the restore with its first batch, so that one
   that is killed can be taken back, and then again after so many mails: a batch
   that failed as a whole goes on mail by mail. */
#define RECORD_EVERY 100

struct lazy_expunge_undo_log {
	struct lazy_expunge_user *luser;
	pool_t pool;
	struct lazy_expunge_deletion_record record;
	/* of the batch: one for each mail, in the order in which they are
	   copied */
	pool_t batch_pool;
	ARRAY_TYPE(lazy_expunge_restored) batch;
	/* of the batch: the deletion of each mail that was there already */
	ARRAY_TYPE(uint32_t) cleared;
	/* mails that the list of deletions does not know of */
	unsigned int unrecorded;
	/* it was said that it cannot be written */
	bool failed;
};

struct lazy_expunge_undo_log *
lazy_expunge_undo_log_init(struct lazy_expunge_user *luser)
{
	struct lazy_expunge_undo_log *log;
	pool_t pool;

	pool = pool_alloconly_create("lazy_expunge undo log", 1024);
	log = p_new(pool, struct lazy_expunge_undo_log, 1);
	log->pool = pool;
	log->luser = luser;
	lazy_expunge_deletions_begin(luser, pool, ioloop_time, &log->record);
	log->record.kind = LAZY_EXPUNGE_DELETION_KIND_RESTORE;
	if (*log->record.command == '\0')
		log->record.command = "lazy-expunge restore";
	log->batch_pool = pool_alloconly_create("lazy_expunge undo batch",
						4096);
	i_array_init(&log->batch, 64);
	i_array_init(&log->cleared, 64);
	return log;
}

/* The keywords as the log has them. Data stack. */
static const char *const *log_keywords(const char *const *keywords)
{
	/* it adds these when it saves or first reads a mail */
	static const char *const of_dovecot[] = {
		"$HasAttachment", "$HasNoAttachment", NULL
	};
	ARRAY_TYPE(const_string) names;

	t_array_init(&names, 8);
	for (; *keywords != NULL; keywords++) {
		if (!lazy_expunge_origin_is_keyword(*keywords) &&
		    !str_array_icase_find(of_dovecot, *keywords))
			array_push_back(&names, keywords);
	}
	array_sort(&names, i_strcasecmp_p);
	array_append_zero(&names);
	return array_front(&names);
}

void lazy_expunge_undo_log_mail(struct mail *mail, enum mail_flags *flags_r,
				const char *const **keywords_r)
{
	*flags_r = mail_get_flags(mail) &
		ENUM_NEGATE(MAIL_RECENT | MAIL_DELETED);
	*keywords_r = log_keywords(mail_get_keywords(mail));
}

void lazy_expunge_undo_log_add(struct lazy_expunge_undo_log *log,
			       struct lazy_expunge_select *select,
			       const struct lazy_expunge_select_mail *smail,
			       struct mail *mail, const char *target)
{
	struct lazy_expunge_restored *restored;
	const char *const *keywords;

	if (log == NULL)
		return;
	restored = array_append_space(&log->batch);
	restored->restore = log->record.id;
	restored->deletion = smail->deletion;
	/* these live as long as the selection */
	restored->origin = array_idx_elem(&select->origins, smail->recorded);
	restored->via = lazy_expunge_select_via(select, smail);
	restored->target = p_strdup(log->batch_pool, target);
	if (smail->passed == NULL) {
		lazy_expunge_undo_log_mail(mail, &restored->flags, &keywords);
	} else {
		restored->flags = smail->passed->flags;
		keywords = log_keywords(smail->passed->keywords);
	}
	restored->keywords = (const char *const *)
		p_strarray_dup(log->batch_pool, keywords);
}

void lazy_expunge_undo_log_cleared(struct lazy_expunge_undo_log *log,
				   uint32_t deletion)
{
	if (log != NULL && deletion != 0)
		array_push_back(&log->cleared, &deletion);
}

static void batch_append_cleared(struct lazy_expunge_undo_log *log)
{
	uint32_t deletion;

	array_foreach_elem(&log->cleared, deletion) {
		lazy_expunge_deletion_add_taken(&log->record.taken, deletion,
						1);
		log->unrecorded++;
	}
}

static void log_record(struct lazy_expunge_undo_log *log)
{
	struct mail_user *user = log->luser->user;
	const char *error;
	int ret;

	log->record.last = ioloop_time;
	ret = lazy_expunge_deletions_append(user, &log->record, &error);
	if (ret > 0) {
		lazy_expunge_deletion_written(&log->record);
		log->unrecorded = 0;
	} else if (ret < 0 && !log->failed) {
		log->failed = TRUE;
		e_warning(user->event, "lazy_expunge: The restore cannot be "
			  "remembered: %s", error);
	}
}

static void log_write(struct lazy_expunge_undo_log *log, string_t *text)
{
	struct mail_user *user = log->luser->user;
	const char *error;

	if (lazy_expunge_append(user, LAZY_EXPUNGE_RESTORED_FNAME,
				RESTORED_LOCK_FNAME, RESTORED_MAX_SIZE, text,
				&error) < 0 && !log->failed) {
		log->failed = TRUE;
		e_warning(user->event, "lazy_expunge: The restore cannot be "
			  "remembered: %s", error);
	}
}

/* One line for mails that are alike and have UIDs in a row. */
static void batch_append(struct lazy_expunge_undo_log *log, string_t *text,
			 const struct mail_transaction_commit_changes *changes)
{
	struct lazy_expunge_restored *last = NULL, *restored;
	struct seq_range_iter iter;
	unsigned int n = 0;
	uint32_t uid;

	seq_range_array_iter_init(&iter, &changes->saved_uids);
	array_foreach_modifiable(&log->batch, restored) {
		if (!seq_range_array_iter_nth(&iter, n++, &uid))
			break;
		restored->uid_validity = changes->uid_validity;
		restored->first_uid = restored->last_uid = uid;
		lazy_expunge_deletion_add_mails(&log->record.mails, log->pool,
						restored->target, 1);
		log->unrecorded++;
		if (restored->deletion != 0) {
			lazy_expunge_deletion_add_taken(&log->record.taken,
							restored->deletion, 1);
		}
		if (last != NULL && uid == last->last_uid + 1 &&
		    lazy_expunge_restored_are_alike(last, restored)) {
			last->last_uid = uid;
			continue;
		}
		if (last != NULL)
			lazy_expunge_restored_append(text, last);
		last = restored;
	}
	if (last != NULL)
		lazy_expunge_restored_append(text, last);
}

void lazy_expunge_undo_log_finish(
	struct lazy_expunge_undo_log *log,
	const struct mail_transaction_commit_changes *changes)
{
	if (log == NULL)
		return;
	if (changes != NULL)
		batch_append_cleared(log);
	if (changes != NULL && array_is_created(&changes->saved_uids) &&
	    seq_range_count(&changes->saved_uids) ==
	    array_count(&log->batch)) T_BEGIN {
		string_t *text = t_str_new(1024);

		batch_append(log, text, changes);
		if (str_len(text) > 0)
			log_write(log, text);
		if (log->unrecorded > 0 && (!log->record.adds ||
					    log->unrecorded >= RECORD_EVERY))
			log_record(log);
	} T_END;
	array_clear(&log->batch);
	array_clear(&log->cleared);
	p_clear(log->batch_pool);
}

void lazy_expunge_undo_log_deinit(struct lazy_expunge_undo_log **_log)
{
	struct lazy_expunge_undo_log *log = *_log;

	if (log == NULL)
		return;
	*_log = NULL;
	if (log->unrecorded > 0) T_BEGIN {
		log_record(log);
	} T_END;
	array_free(&log->batch);
	array_free(&log->cleared);
	pool_unref(&log->batch_pool);
	pool_unref(&log->pool);
}

int lazy_expunge_undo_log_read(struct lazy_expunge_user *luser, pool_t pool,
			       uint32_t restore,
			       ARRAY_TYPE(lazy_expunge_restored) *restored,
			       const char **error_r)
{
	struct lazy_expunge_restored one;
	struct istream *input;
	const char *path, *line;
	int fd, ret;

	path = lazy_expunge_place_path(luser->user,
				       LAZY_EXPUNGE_RESTORED_FNAME);
	ret = path == NULL ? 0 :
		lazy_expunge_place_open(path, O_RDONLY, &fd, error_r);
	if (ret <= 0)
		return ret;
	input = i_stream_create_fd_autoclose(&fd, RESTORED_MAX_LINE);
	while ((line = i_stream_read_next_line(input)) != NULL) {
		if (lazy_expunge_restored_parse(line, pool, &one) &&
		    one.restore == restore)
			array_push_back(restored, &one);
	}
	if (input->stream_errno != 0) {
		*error_r = t_strdup_printf("read(%s) failed: %s", path,
					   i_stream_get_error(input));
		ret = -1;
	} else {
		ret = 0;
	}
	i_stream_destroy(&input);
	return ret;
}

struct undo_forget {
	/* of one line */
	pool_t pool;
	lazy_expunge_rewrite_uids_t *callback;
	void *context;
};

static void undo_forget_line(void *context, const char *line, string_t *dest)
{
	struct undo_forget *forget = context;
	struct lazy_expunge_restored one;
	const struct seq_range *range;
	ARRAY_TYPE(seq_range) uids;

	p_clear(forget->pool);
	if (!lazy_expunge_restored_parse(line, forget->pool, &one)) {
		if (!lazy_expunge_restored_is_line(line))
			str_printfa(dest, "%s\n", line);
		return;
	}
	p_array_init(&uids, forget->pool, 4);
	seq_range_array_add_range(&uids, one.first_uid, one.last_uid);
	forget->callback(forget->context, one.target, one.uid_validity, &uids);
	array_foreach(&uids, range) {
		one.first_uid = range->seq1;
		one.last_uid = range->seq2;
		lazy_expunge_restored_append(dest, &one);
	}
}

int lazy_expunge_undo_log_forget(struct mail_user *user,
				 lazy_expunge_rewrite_uids_t *callback,
				 void *context, const char **error_r)
{
	struct undo_forget forget = {
		.pool = pool_alloconly_create("lazy_expunge forget", 1024),
		.callback = callback,
		.context = context,
	};
	int ret;

	ret = lazy_expunge_rewrite(user, LAZY_EXPUNGE_RESTORED_FNAME,
				   RESTORED_LOCK_FNAME, undo_forget_line,
				   &forget, error_r);
	pool_unref(&forget.pool);
	return ret;
}
