/* Deletions of a user: counted in memory, and appended to a file. */

#include "lib.h"
#include "array.h"
#include "hash.h"
#include "istream.h"
#include "net.h"
#include "randgen.h"
#include "str.h"
#include "mail-user.h"
#include "account/append.h"
#include "account/files.h"
#include "account/user.h"
#include "account/deletions.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#define DELETIONS_LOCK_FNAME LAZY_EXPUNGE_DELETIONS_FNAME".lock"
/* Some ten thousand deletions, and some fifty thousand mails of which a copy
   lived. */
#define DELETIONS_MAX_SIZE (4 * 1024 * 1024)
/* So much is held back at most until the mailbox is closed. */
#define DELETIONS_LINES_MAX (1024 * 1024)
#define DELETIONS_MAX_LINE (64 * 1024)
/* A client deletes a mailbox and those below it one after the other, in whatever
   order: the next one at most so many seconds after the one before. */
#define DELETIONS_TREE_GAP_SECS 5
/* Reason codes of doveadm's commands begin with this. */
#define REASON_DOVEADM "doveadm:cmd_"

struct deletion {
	struct mail_user *owner;
	bool retention;
	/* NULL = some mails */
	const char *mailbox;
	/* of mailboxes: their tree, those that are done (the record has what is
	   not written yet), and when the last one, which is that above, was at
	   work */
	const char *tree;
	ARRAY_TYPE(const_string) done;
	time_t used;
	struct lazy_expunge_deletion_record record;
	/* the file does not have all of it */
	bool changed;
};

struct lazy_expunge_deletions {
	pool_t pool;
	ARRAY(struct deletion *) all;
	/* of the session's user: lines that the file does not have */
	string_t *lines;
};

static void deletions_free(struct lazy_expunge_user *luser,
			   void *context ATTR_UNUSED)
{
	struct lazy_expunge_deletions *deletions = luser->deletions;

	luser->deletions = NULL;
	str_free(&deletions->lines);
	pool_unref(&deletions->pool);
}

static struct lazy_expunge_deletions *
deletions_get(struct lazy_expunge_user *luser)
{
	struct lazy_expunge_deletions *deletions = luser->deletions;
	pool_t pool;

	if (deletions != NULL)
		return deletions;
	pool = pool_alloconly_create("lazy_expunge deletions", 1024);
	deletions = p_new(pool, struct lazy_expunge_deletions, 1);
	deletions->pool = pool;
	deletions->lines = str_new(default_pool, 64);
	p_array_init(&deletions->all, pool, 2);
	luser->deletions = deletions;
	lazy_expunge_user_on_deinit(luser, deletions_free, NULL);
	return deletions;
}

/* What is running: IMAP's command, or doveadm's. "" if that is not known. */
static const char *command_name(void)
{
	struct event *event = event_get_global();
	const struct event_field *field;
	const char *const *code, *name;
	unsigned int count;

	for (; event != NULL; event = event_get_parent(event)) {
		field = event_find_field_nonrecursive(event, "cmd_name");
		if (field != NULL &&
		    field->value_type == EVENT_FIELD_VALUE_TYPE_STR)
			return field->value.str;
		field = event_find_field_nonrecursive(event, EVENT_REASON_CODE);
		if (field == NULL ||
		    field->value_type != EVENT_FIELD_VALUE_TYPE_STRLIST)
			continue;
		code = array_get(&field->value.strlist, &count);
		for (unsigned int i = 0; i < count; i++) {
			if (strncmp(code[i], REASON_DOVEADM,
				    strlen(REASON_DOVEADM)) != 0)
				continue;
			name = code[i] + strlen(REASON_DOVEADM);
			return t_str_replace(name, '_', ' ');
		}
	}
	return "";
}

static uint32_t new_id(void)
{
	uint32_t id;

	do {
		random_fill(&id, sizeof(id));
	} while (id == 0);
	return id;
}

void lazy_expunge_deletions_begin(struct lazy_expunge_user *luser, pool_t pool,
				  time_t now,
				  struct lazy_expunge_deletion_record *record_r)
{
	struct mail_user *user = luser->user;

	i_zero(record_r);
	record_r->id = new_id();
	record_r->first = record_r->last = now;
	record_r->by = p_strdup(pool, user->service);
	T_BEGIN {
		record_r->command = p_strdup(pool, command_name());
	} T_END;
	record_r->address = user->conn.remote_ip == NULL ? "" :
		p_strdup(pool, net_ip2addr(user->conn.remote_ip));
	record_r->session = user->session_id == NULL ? "" :
		p_strdup(pool, user->session_id);
	p_array_init(&record_r->mails, pool, 2);
	p_array_init(&record_r->taken, pool, 2);
	p_array_init(&record_r->boxes, pool, 1);
}

/* A retention is named by what runs it. */
static void record_set_retention(struct lazy_expunge_deletion_record *record)
{
	if (*record->command == '\0' || strcmp(record->by, "doveadm") != 0)
		record->command = record->by;
	record->by = "autoexpunge";
}

static struct deletion *
deletion_new(struct lazy_expunge_user *luser,
	     const struct lazy_expunge_deletion_what *what)
{
	struct lazy_expunge_deletions *deletions = deletions_get(luser);
	struct deletion *deletion;

	deletion = p_new(deletions->pool, struct deletion, 1);
	deletion->owner = what->owner;
	deletion->retention = what->retention;
	deletion->mailbox = p_strdup(deletions->pool, what->mailbox);
	deletion->tree = p_strdup(deletions->pool, what->tree);
	deletion->used = time(NULL);
	p_array_init(&deletion->done, deletions->pool, 1);
	lazy_expunge_deletions_begin(luser, deletions->pool, 0,
				     &deletion->record);
	if (what->retention)
		record_set_retention(&deletion->record);
	array_push_back(&deletions->all, &deletion);
	return deletion;
}

/* The mailbox is still being deleted, or another of the tree was just now. One that
   is deleted again is another deletion. */
static bool deletion_goes_on(const struct deletion *deletion,
			     const char *mailbox, time_t now)
{
	const char *name;

	array_foreach_elem(&deletion->done, name) {
		if (strcmp(name, mailbox) == 0)
			return FALSE;
	}
	return strcmp(deletion->mailbox, mailbox) == 0 ||
		(now >= deletion->used &&
		 now - deletion->used <= DELETIONS_TREE_GAP_SECS);
}

static bool deletion_is_of(const struct deletion *deletion,
			   const struct lazy_expunge_deletion_what *what,
			   time_t now)
{
	return deletion->owner == what->owner &&
		deletion->retention == what->retention &&
		null_strcmp(deletion->tree, what->tree) == 0 &&
		(what->tree != NULL ?
		 deletion_goes_on(deletion, what->mailbox, now) :
		 null_strcmp(deletion->mailbox, what->mailbox) == 0);
}

static struct deletion *
deletion_get(struct lazy_expunge_user *luser,
	     const struct lazy_expunge_deletion_what *what)
{
	struct lazy_expunge_deletions *deletions = deletions_get(luser);
	const time_t now = time(NULL);
	struct deletion *deletion;

	array_foreach_elem(&deletions->all, deletion) {
		if (!deletion_is_of(deletion, what, now))
			continue;
		if (null_strcmp(deletion->mailbox, what->mailbox) != 0) {
			deletion->mailbox = p_strdup(deletions->pool,
						     what->mailbox);
		}
		deletion->used = now;
		return deletion;
	}
	return deletion_new(luser, what);
}

uint32_t lazy_expunge_deletions_id(struct lazy_expunge_user *luser,
				   const struct lazy_expunge_deletion_what *what)
{
	return deletion_get(luser, what)->record.id;
}

static void deletion_changed(struct deletion *deletion, time_t now)
{
	if (deletion->record.first == 0)
		deletion->record.first = now;
	deletion->record.last = I_MAX(deletion->record.last, now);
	deletion->changed = TRUE;
}

void lazy_expunge_deletions_add(struct lazy_expunge_user *luser, uint32_t id,
				const char *origin, unsigned int count,
				time_t now)
{
	struct lazy_expunge_deletions *deletions = deletions_get(luser);
	struct deletion *deletion;

	array_foreach_elem(&deletions->all, deletion) {
		if (deletion->record.id != id)
			continue;
		lazy_expunge_deletion_add_mails(&deletion->record.mails,
						deletions->pool, origin, count);
		deletion_changed(deletion, now);
	}
}

void lazy_expunge_deletions_add_lines(struct lazy_expunge_user *luser,
				      const string_t *lines)
{
	struct lazy_expunge_deletions *deletions = deletions_get(luser);

	str_append_str(deletions->lines, lines);
	if (str_len(deletions->lines) > DELETIONS_LINES_MAX)
		lazy_expunge_deletions_write(luser);
}

void lazy_expunge_deletions_add_box(struct lazy_expunge_user *luser,
				    uint32_t id, const char *vname, time_t now)
{
	struct lazy_expunge_deletions *deletions = deletions_get(luser);
	struct deletion *deletion;

	vname = p_strdup(deletions->pool, vname);
	array_foreach_elem(&deletions->all, deletion) {
		if (deletion->record.id == id) {
			array_push_back(&deletion->record.boxes, &vname);
			array_push_back(&deletion->done, &vname);
			deletion_changed(deletion, now);
			deletion->used = time(NULL);
		}
	}
}

void lazy_expunge_deletions_taken(struct lazy_expunge_user *luser,
				  struct mail_user *owner, uint32_t id,
				  unsigned int count, time_t now)
{
	const struct lazy_expunge_deletion_what what = { .owner = owner };
	struct deletion *deletion = deletion_get(luser, &what);

	lazy_expunge_deletion_add_taken(&deletion->record.taken, id, count);
	deletion_changed(deletion, now);
}

int lazy_expunge_deletions_append_lines(struct mail_user *user,
					string_t *lines, const char **error_r)
{
	return lazy_expunge_append(user, LAZY_EXPUNGE_DELETIONS_FNAME,
				   DELETIONS_LOCK_FNAME, DELETIONS_MAX_SIZE,
				   lines, error_r);
}

int lazy_expunge_deletions_append(
			struct mail_user *user,
			const struct lazy_expunge_deletion_record *record,
			const char **error_r)
{
	string_t *text = t_str_new(256);

	lazy_expunge_deletion_append(text, record);
	return lazy_expunge_deletions_append_lines(user, text, error_r);
}

/* All changed ones of the owner with one write. */
static void deletions_write_owner(struct lazy_expunge_user *luser,
				  struct mail_user *owner)
{
	struct lazy_expunge_deletions *deletions = luser->deletions;
	string_t *text = t_str_new(256);
	struct deletion *deletion;
	const char *error;
	int ret;

	array_foreach_elem(&deletions->all, deletion) {
		if (deletion->changed && deletion->owner == owner) {
			lazy_expunge_deletion_append(text, &deletion->record);
		}
	}
	if (owner == luser->user) {
		str_append_str(text, deletions->lines);
		str_truncate(deletions->lines, 0);
	}
	ret = lazy_expunge_deletions_append_lines(owner, text, &error);
	array_foreach_elem(&deletions->all, deletion) {
		if (!deletion->changed || deletion->owner != owner)
			continue;
		deletion->changed = FALSE;
		/* or the next time, with what comes meanwhile */
		if (ret > 0)
			lazy_expunge_deletion_written(&deletion->record);
	}
	if (ret < 0) {
		e_warning(owner->event, "lazy_expunge: What was deleted "
			  "together cannot be remembered: %s", error);
	}
}

void lazy_expunge_deletions_write(struct lazy_expunge_user *luser)
{
	struct deletion *deletion;

	if (luser->deletions == NULL)
		return;
	array_foreach_elem(&luser->deletions->all, deletion) {
		if (deletion->changed) T_BEGIN {
			deletions_write_owner(luser, deletion->owner);
		} T_END;
	}
}

static int record_cmp(const struct lazy_expunge_deletion_record *r1,
		      const struct lazy_expunge_deletion_record *r2)
{
	if (r1->first != r2->first)
		return r1->first < r2->first ? -1 : 1;
	return r1->id < r2->id ? -1 : (r1->id > r2->id ? 1 : 0);
}

static void records_read(struct istream *input, pool_t pool,
			 ARRAY_TYPE(lazy_expunge_deletion_record) *records)
{
	struct lazy_expunge_deletion_record record;
	HASH_TABLE(void *, void *) by_id;
	const char *line;
	unsigned int idx;
	void *value;

	hash_table_create_direct(&by_id, default_pool, 0);
	while ((line = lazy_expunge_deletions_next_line(input)) != NULL) {
		if (!lazy_expunge_deletion_parse(line, pool, &record))
			continue;
		value = hash_table_lookup(by_id, POINTER_CAST(record.id));
		idx = POINTER_CAST_TO(value, unsigned int);
		if (idx > 0 && record.adds) {
			lazy_expunge_deletion_merge(
				array_idx_modifiable(records, idx - 1), pool,
				&record);
			continue;
		}
		/* of one of which the first lines are lost, too */
		record.adds = FALSE;
		if (idx > 0) {
			array_idx_set(records, idx - 1, &record);
			continue;
		}
		array_push_back(records, &record);
		hash_table_insert(by_id, POINTER_CAST(record.id),
				  POINTER_CAST(array_count(records)));
	}
	hash_table_destroy(&by_id);
	array_sort(records, record_cmp);
}

struct istream *lazy_expunge_deletions_open(struct mail_user *user,
					    const char **path_r)
{
	const char *error;
	int fd, ret;

	*path_r = lazy_expunge_place_path(user, LAZY_EXPUNGE_DELETIONS_FNAME);
	if (*path_r == NULL)
		return NULL;
	ret = lazy_expunge_place_open(*path_r, O_RDONLY, &fd, &error);
	if (ret < 0) {
		e_warning(user->event, "lazy_expunge: What was deleted "
			  "together is not known: %s", error);
	}
	return ret <= 0 ? NULL :
		i_stream_create_fd_autoclose(&fd, DELETIONS_MAX_LINE);
}

const char *lazy_expunge_deletions_next_line(struct istream *input)
{
	const char *line;
	bool too_long = FALSE;
	size_t size;
	ssize_t ret;

	for (;;) {
		line = i_stream_next_line(input);
		if (line != NULL && !too_long)
			return line;
		if (line != NULL) {
			/* its end */
			too_long = FALSE;
			continue;
		}
		ret = i_stream_read(input);
		if (ret == -2) {
			(void)i_stream_get_data(input, &size);
			i_stream_skip(input, size);
			too_long = TRUE;
		} else if (ret <= 0) {
			return NULL;
		}
	}
}

void lazy_expunge_deletions_read(struct mail_user *user, pool_t pool,
				 ARRAY_TYPE(lazy_expunge_deletion_record) *records)
{
	struct istream *input;
	const char *path;

	input = lazy_expunge_deletions_open(user, &path);
	if (input == NULL)
		return;
	records_read(input, pool, records);
	if (input->stream_errno != 0) {
		e_warning(user->event, "lazy_expunge: read(%s) failed: %s",
			  path, i_stream_get_error(input));
	}
	i_stream_destroy(&input);
}

int lazy_expunge_deletions_rewrite(struct mail_user *user,
				   lazy_expunge_rewrite_line_t *callback,
				   void *context, const char **error_r)
{
	return lazy_expunge_rewrite(user, LAZY_EXPUNGE_DELETIONS_FNAME,
				    DELETIONS_LOCK_FNAME, callback, context,
				    error_r);
}
