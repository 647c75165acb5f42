/* Steps to a Trash: the file, to which is appended at the commit of a copy, and
   which is read when mail is deleted in the Trash. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "istream.h"
#include "str.h"
#include "mail-storage-private.h"
#include "mail-user.h"
#include "account/append.h"
#include "account/files.h"
#include "account/rename-log.h"
#include "core/trail-lines.h"
#include "account/user.h"
#include "account/trail.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRAIL_LOCK_FNAME LAZY_EXPUNGE_TRAIL_FNAME".lock"
/* Some ten thousand moves to a Trash, each of any number of mails. */
#define TRAIL_MAX_SIZE (1024 * 1024)
#define TRAIL_MAX_LINE 32768

struct lazy_expunge_trail {
	pool_t pool;
	ARRAY_TYPE(lazy_expunge_trail_step) steps;
	/* what became of the mailboxes that mails came from */
	pool_t renames_pool;
	ARRAY_TYPE(lazy_expunge_rename) renames;
	/* the file that was read, and how much of it */
	dev_t dev;
	ino_t ino;
	uoff_t read_size;
};

/* Mails in a row with one origin. */
struct trail_run {
	const char *origin;
	unsigned int count;
};

struct lazy_expunge_trail_steps {
	pool_t pool;
	ARRAY(struct trail_run) runs;
	unsigned int count;
};

static void trail_free(struct lazy_expunge_user *luser,
		       void *context ATTR_UNUSED)
{
	struct lazy_expunge_trail *trail = luser->trail;

	luser->trail = NULL;
	array_free(&trail->steps);
	array_free(&trail->renames);
	pool_unref(&trail->renames_pool);
	pool_unref(&trail->pool);
	i_free(trail);
}

static struct lazy_expunge_trail *trail_get(struct mail_user *user)
{
	struct lazy_expunge_user *luser = lazy_expunge_user_get(user);
	struct lazy_expunge_trail *trail = luser->trail;

	if (trail == NULL) {
		trail = luser->trail = i_new(struct lazy_expunge_trail, 1);
		i_array_init(&trail->steps, 16);
		i_array_init(&trail->renames, 4);
		lazy_expunge_user_on_deinit(luser, trail_free, NULL);
	}
	return trail;
}

static void trail_read_line(struct lazy_expunge_trail *trail, const char *line)
{
	const struct lazy_expunge_trail_step *last = NULL;
	struct lazy_expunge_trail_step step;

	if (array_count(&trail->steps) > 0)
		last = array_back(&trail->steps);
	if (lazy_expunge_trail_step_parse(line, trail->pool, last, &step))
		array_push_back(&trail->steps, &step);
}

static void trail_read(struct lazy_expunge_trail *trail,
		       struct mail_user *user, const char *path, int fd,
		       const struct stat *st)
{
	struct istream *input;
	const char *line;

	/* it is appended to, or replaced */
	if (trail->ino != st->st_ino || !CMP_DEV_T(trail->dev, st->st_dev) ||
	    trail->read_size > (uoff_t)st->st_size) {
		array_clear(&trail->steps);
		pool_unref(&trail->pool);
		trail->pool = pool_alloconly_create("lazy_expunge trail", 1024);
		trail->read_size = 0;
		trail->dev = st->st_dev;
		trail->ino = st->st_ino;
	}
	if (trail->read_size == (uoff_t)st->st_size)
		return;
	input = i_stream_create_fd(fd, TRAIL_MAX_LINE);
	i_stream_seek(input, trail->read_size);
	while ((line = i_stream_read_next_line(input)) != NULL) {
		trail_read_line(trail, line);
		trail->read_size = input->v_offset;
	}
	if (input->stream_errno != 0) {
		e_warning(user->event, "lazy_expunge: read(%s) failed: %s",
			  path, i_stream_get_error(input));
	}
	i_stream_destroy(&input);
	lazy_expunge_trail_sort(&trail->steps);
}

static void trail_read_renames(struct lazy_expunge_trail *trail,
			       struct mail_user *user)
{
	array_clear(&trail->renames);
	pool_unref(&trail->renames_pool);
	trail->renames_pool = pool_alloconly_create("lazy_expunge trail renames",
						    256);
	lazy_expunge_renamed_read(user, trail->renames_pool, &trail->renames);
}

void lazy_expunge_trail_refresh(struct mail_user *user)
{
	struct lazy_expunge_trail *trail = trail_get(user);
	const char *path, *error;
	struct stat st;
	int fd, ret;

	path = lazy_expunge_place_path(user, LAZY_EXPUNGE_TRAIL_FNAME);
	if (path == NULL)
		return;
	ret = lazy_expunge_place_open(path, O_RDONLY, &fd, &error);
	if (ret > 0 && fstat(fd, &st) < 0) {
		error = t_strdup_printf("fstat(%s) failed: %m", path);
		i_close_fd(&fd);
		ret = -1;
	}
	if (ret < 0) {
		e_warning(user->event, "lazy_expunge: Where mail in a Trash "
			  "came from is not known: %s", error);
	}
	if (ret <= 0)
		return;
	trail_read(trail, user, path, fd, &st);
	i_close_fd(&fd);
	trail_read_renames(trail, user);
}

const char *lazy_expunge_trail_origin(struct mail_user *user,
				      const char *trash, uint32_t uid_validity,
				      uint32_t uid)
{
	struct lazy_expunge_trail *trail = trail_get(user);
	const struct lazy_expunge_trail_step *steps, *step;
	const struct lazy_expunge_rename *renames, *rename;
	unsigned int count;

	steps = array_get(&trail->steps, &count);
	step = lazy_expunge_trail_find(steps, count, trash, uid_validity, uid);
	if (step == NULL)
		return NULL;
	renames = array_get(&trail->renames, &count);
	rename = lazy_expunge_renames_find(renames, count, step->origin,
					   step->time);
	return rename == NULL ? step->origin :
		lazy_expunge_renames_last_name(renames, count, rename->guid);
}

void lazy_expunge_trail_steps_add(struct lazy_expunge_trail_steps **_steps,
				  const char *origin)
{
	struct lazy_expunge_trail_steps *steps = *_steps;
	struct trail_run *run;
	pool_t pool;

	if (steps == NULL) {
		pool = pool_alloconly_create("lazy_expunge trail steps", 256);
		steps = *_steps = p_new(pool, struct lazy_expunge_trail_steps,
					1);
		steps->pool = pool;
		p_array_init(&steps->runs, pool, 2);
	}
	steps->count++;
	run = array_count(&steps->runs) == 0 ? NULL :
		array_back_modifiable(&steps->runs);
	if (run == NULL || null_strcmp(run->origin, origin) != 0) {
		run = array_append_space(&steps->runs);
		run->origin = p_strdup(steps->pool, origin);
	}
	run->count++;
}

/* The lines of a run whose first mail is the n-th that was saved. */
static void trail_run_append(string_t *text, const struct trail_run *run,
			     unsigned int n, const char *trash,
			     const struct mail_transaction_commit_changes *changes)
{
	struct lazy_expunge_trail_step step = {
		.time = ioloop_time,
		.uid_validity = changes->uid_validity,
		.mailbox = trash,
		.origin = run->origin,
	};
	struct seq_range_iter iter;
	uint32_t uid;

	seq_range_array_iter_init(&iter, &changes->saved_uids);
	for (unsigned int i = 0; i < run->count; i++) {
		if (!seq_range_array_iter_nth(&iter, n + i, &uid))
			break;
		if (step.first_uid != 0 && uid == step.last_uid + 1) {
			step.last_uid = uid;
			continue;
		}
		if (step.first_uid != 0)
			lazy_expunge_trail_step_append(text, &step);
		step.first_uid = step.last_uid = uid;
	}
	if (step.first_uid != 0)
		lazy_expunge_trail_step_append(text, &step);
}

void lazy_expunge_trail_steps_write(
	struct lazy_expunge_trail_steps *steps, struct mail_user *user,
	const char *trash,
	const struct mail_transaction_commit_changes *changes)
{
	const struct trail_run *run;
	const char *error;
	unsigned int n = 0;

	/* Mails of another kind among them: which is which cannot be told. */
	if (!array_is_created(&changes->saved_uids) ||
	    seq_range_count(&changes->saved_uids) != steps->count)
		return;
	T_BEGIN {
		string_t *text = t_str_new(256);

		array_foreach(&steps->runs, run) {
			if (run->origin != NULL)
				trail_run_append(text, run, n, trash,
						 changes);
			n += run->count;
		}
		if (str_len(text) > 0 &&
		    lazy_expunge_append(user, LAZY_EXPUNGE_TRAIL_FNAME,
					TRAIL_LOCK_FNAME, TRAIL_MAX_SIZE,
					text, &error) <= 0) {
			e_warning(user->event, "lazy_expunge: Where mail in "
				  "%s came from cannot be remembered: %s",
				  trash, error);
		}
	} T_END;
}

struct trail_forget {
	/* of one line */
	pool_t pool;
	lazy_expunge_rewrite_uids_t *callback;
	void *context;
};

static void trail_forget_line(void *context, const char *line, string_t *dest)
{
	struct trail_forget *forget = context;
	struct lazy_expunge_trail_step step;
	const struct seq_range *range;
	ARRAY_TYPE(seq_range) uids;

	p_clear(forget->pool);
	if (!lazy_expunge_trail_step_parse(line, forget->pool, NULL,
					   &step)) {
		if (!lazy_expunge_trail_is_step(line))
			str_printfa(dest, "%s\n", line);
		return;
	}
	p_array_init(&uids, forget->pool, 4);
	seq_range_array_add_range(&uids, step.first_uid, step.last_uid);
	forget->callback(forget->context, step.mailbox, step.uid_validity,
			 &uids);
	array_foreach(&uids, range) {
		step.first_uid = range->seq1;
		step.last_uid = range->seq2;
		lazy_expunge_trail_step_append(dest, &step);
	}
}

int lazy_expunge_trail_forget(struct mail_user *user,
			      lazy_expunge_rewrite_uids_t *callback,
			      void *context, const char **error_r)
{
	struct trail_forget forget = {
		.pool = pool_alloconly_create("lazy_expunge forget", 1024),
		.callback = callback,
		.context = context,
	};
	int ret;

	ret = lazy_expunge_rewrite(user, LAZY_EXPUNGE_TRAIL_FNAME,
				   TRAIL_LOCK_FNAME, trail_forget_line, &forget,
				   error_r);
	pool_unref(&forget.pool);
	return ret;
}

void lazy_expunge_trail_steps_deinit(struct lazy_expunge_trail_steps **_steps)
{
	struct lazy_expunge_trail_steps *steps = *_steps;

	if (steps == NULL)
		return;
	*_steps = NULL;
	pool_unref(&steps->pool);
}
