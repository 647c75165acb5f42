/* Mails that passed while a copy lived: the file that has them. */

#include "lib.h"
#include "array.h"
#include "hash.h"
#include "ioloop.h"
#include "istream.h"
#include "str.h"
#include "mail-user.h"
#include "account/deletions.h"
#include "account/passed.h"

/* A mail in a mailbox. */
static unsigned int passed_hash(const struct lazy_expunge_passed *passed)
{
	return guid_128_hash(passed->guid) ^ str_hash(passed->mailbox);
}

static int passed_cmp(const struct lazy_expunge_passed *p1,
		      const struct lazy_expunge_passed *p2)
{
	int ret = guid_128_cmp(p1->guid, p2->guid);

	return ret != 0 ? ret : strcmp(p1->mailbox, p2->mailbox);
}

/* Which of all in the order of the file say what holds now. What left a storage
   was written down long after it was deleted. */
static void passed_pick(const ARRAY_TYPE(lazy_expunge_passed) *all,
			time_t since, ARRAY_TYPE(lazy_expunge_passed) *picked)
{
	HASH_TABLE(const struct lazy_expunge_passed *,
		   const struct lazy_expunge_passed *) last;
	const struct lazy_expunge_passed *passed, *other;

	hash_table_create(&last, default_pool, 0, passed_hash, passed_cmp);
	array_foreach(all, passed) {
		other = hash_table_lookup(last, passed);
		if (other == NULL || !passed->superseded ||
		    passed->time >= other->time)
			hash_table_update(last, passed, passed);
	}
	array_foreach(all, passed) {
		if (!passed->back && passed->time >= since &&
		    hash_table_lookup(last, passed) == passed)
			array_push_back(picked, passed);
	}
	hash_table_destroy(&last);
}

void lazy_expunge_passed_read(struct mail_user *user, pool_t pool, time_t since,
			      ARRAY_TYPE(lazy_expunge_passed) *passed)
{
	ARRAY_TYPE(lazy_expunge_passed) all;
	struct istream *input;
	const char *path, *line;

	input = lazy_expunge_deletions_open(user, &path);
	if (input == NULL)
		return;
	i_array_init(&all, 64);
	while ((line = lazy_expunge_deletions_next_line(input)) != NULL)
		lazy_expunge_passed_parse(line, pool, &all);
	if (input->stream_errno != 0) {
		e_warning(user->event, "lazy_expunge: read(%s) failed: %s",
			  path, i_stream_get_error(input));
	}
	i_stream_destroy(&input);
	passed_pick(&all, since, passed);
	array_free(&all);
}

void lazy_expunge_passed_set_back(struct mail_user *user,
				  const ARRAY_TYPE(lazy_expunge_passed) *passed)
{
	struct lazy_expunge_passed_lines lines;
	const struct lazy_expunge_passed *one;
	struct lazy_expunge_passed back;
	const char *error;

	i_zero(&lines);
	lines.text = str_new(default_pool, 1024);
	array_foreach(passed, one) {
		back = *one;
		back.back = TRUE;
		back.time = ioloop_time;
		lazy_expunge_passed_append(&lines, &back);
	}
	if (str_len(lines.text) > 0 &&
	    lazy_expunge_deletions_append_lines(user, lines.text, &error) < 0) {
		e_warning(user->event, "lazy_expunge: What is back in its "
			  "mailbox cannot be remembered: %s", error);
	}
	str_free(&lines.text);
}

struct passed_forget {
	/* of one line */
	pool_t pool;
	time_t since;
	bool (*is_erased)(void *context, const guid_128_t guid);
	void *context;
};

static void passed_forget_line(void *context, const char *line, string_t *dest)
{
	struct passed_forget *forget = context;
	struct lazy_expunge_passed_lines lines = { .text = dest };
	ARRAY_TYPE(lazy_expunge_passed) all;
	const struct lazy_expunge_passed *passed;

	if (!lazy_expunge_passed_is_line(line)) {
		str_printfa(dest, "%s\n", line);
		return;
	}
	p_clear(forget->pool);
	p_array_init(&all, forget->pool, 16);
	lazy_expunge_passed_parse(line, forget->pool, &all);
	array_foreach(&all, passed) {
		if (passed->time >= forget->since &&
		    (forget->is_erased == NULL ||
		     !forget->is_erased(forget->context, passed->guid)))
			lazy_expunge_passed_append(&lines, passed);
	}
}

int lazy_expunge_passed_forget(struct mail_user *user, time_t since,
			       bool (*is_erased)(void *context,
						 const guid_128_t guid),
			       void *context, const char **error_r)
{
	struct passed_forget forget = {
		.pool = pool_alloconly_create("lazy_expunge forget", 1024),
		.since = since,
		.is_erased = is_erased,
		.context = context,
	};
	int ret;

	ret = lazy_expunge_deletions_rewrite(user, passed_forget_line, &forget,
					     error_r);
	pool_unref(&forget.pool);
	return ret;
}
