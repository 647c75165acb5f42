/* Covered mails: searches for the holds' queries in runs of UIDs that grow. */

#include "lib.h"
#include "array.h"
#include "seq-range-array.h"
#include "str.h"
#include "mail-storage-private.h"
#include "mail-search.h"
#include "mail-search-build.h"
#include "account/error.h"
#include "account/user.h"
#include "hold/answers.h"
#include "hold/fields.h"
#include "hold/holds.h"
#include "hold/cover.h"

/* One mail that is asked for alone must not cost a search of all. */
#define COVER_MAX_RUN 1024

struct lazy_expunge_cover {
	struct lazy_expunge_holds *holds;
	struct mailbox *box;
	/* a set for each hold in force, of the UIDs that it covers; empty for
	   those whose answers are remembered */
	ARRAY(ARRAY_TYPE(seq_range)) covered;
	/* what is remembered, NULL before the first mail */
	struct lazy_expunge_box_answers *answers;
	/* what the sets are known for, first > last = nothing */
	uint32_t first, last;
	uint32_t run;
	/* a search failed */
	char *error;
};

struct lazy_expunge_cover *
lazy_expunge_cover_init(struct lazy_expunge_holds *holds, struct mailbox *box)
{
	struct lazy_expunge_cover *cover;
	ARRAY_TYPE(seq_range) *set;

	cover = i_new(struct lazy_expunge_cover, 1);
	lazy_expunge_holds_ref(holds);
	cover->holds = holds;
	cover->box = box;
	cover->first = 1;
	i_array_init(&cover->covered, array_count(&holds->active) + 1);
	for (unsigned int i = 0; i < array_count(&holds->active); i++) {
		set = array_append_space(&cover->covered);
		i_array_init(set, 16);
	}
	return cover;
}

void lazy_expunge_cover_deinit(struct lazy_expunge_cover **_cover)
{
	struct lazy_expunge_cover *cover = *_cover;
	ARRAY_TYPE(seq_range) *set;

	if (cover == NULL)
		return;
	*_cover = NULL;
	array_foreach_modifiable(&cover->covered, set)
		array_free(set);
	array_free(&cover->covered);
	lazy_expunge_box_answers_unref(&cover->answers);
	lazy_expunge_holds_unref(&cover->holds);
	i_free(cover->error);
	i_free(cover);
}

/* The hold's query, of these UIDs alone. */
static struct mail_search_args *
cover_build(const struct mail_search_args *query,
	    const ARRAY_TYPE(seq_range) *of)
{
	struct mail_search_args *args = mail_search_build_init();
	struct mail_search_arg *arg;

	arg = mail_search_build_add(args, SEARCH_UIDSET);
	p_array_init(&arg->value.seqset, args->pool, array_count(of));
	array_append_array(&arg->value.seqset, of);
	arg->next = mail_search_arg_dup(args->pool, query->args);
	return args;
}

static int cover_search(struct lazy_expunge_cover *cover,
			const struct mail_search_args *query,
			const ARRAY_TYPE(seq_range) *of,
			ARRAY_TYPE(seq_range) *uids)
{
	struct mail_search_args *args = cover_build(query, of);
	struct mailbox_transaction_context *t;
	struct mail_search_context *search;
	struct mail *mail;
	int ret;

	/* as sequences, so that no other mail is walked over */
	mail_search_args_init(args, cover->box, TRUE, NULL);
	t = mailbox_transaction_begin(cover->box, 0, "lazy_expunge hold");
	search = mailbox_search_init(t, args, NULL, 0, NULL);
	mail_search_args_unref(&args);
	while (mailbox_search_next(search, &mail))
		seq_range_array_add(uids, mail->uid);
	ret = mailbox_search_deinit(&search);
	/* what was read is cached by this */
	if (mailbox_transaction_commit(&t) < 0)
		ret = -1;
	return ret;
}

static int cover_fail(struct lazy_expunge_cover *cover)
{
	struct lazy_expunge_error error;

	lazy_expunge_error_set_box(&error, "Cannot tell whether mail is held",
				   cover->box);
	i_free(cover->error);
	cover->error = i_strdup(error.text);
	cover->first = 1;
	cover->last = 0;
	return -1;
}

/* What is to be asked for one hold. */
struct cover_question {
	const struct lazy_expunge_hold_active *active;
	/* the UIDs that the search is to be asked for */
	ARRAY_TYPE(seq_range) uids;
	ARRAY_TYPE(seq_range) *matches;
};

/* Ask the header fields of one mail. */
static void cover_ask_fields_of(struct lazy_expunge_fields *fields,
				struct cover_question *questions,
				unsigned int count, uint32_t uid)
{
	int match;

	for (unsigned int i = 0; i < count; i++) {
		match = lazy_expunge_fields_match(fields,
			questions[i].active->args->args);
		if (match < 0)
			seq_range_array_add(&questions[i].uids, uid);
		else if (match > 0)
			seq_range_array_add(questions[i].matches, uid);
	}
}

/* All such questions in one pass. What the fields do not tell is added to what
   the search is asked for. */
static int cover_ask_fields(struct lazy_expunge_cover *cover,
			    const ARRAY_TYPE(seq_range) *run,
			    struct cover_question *questions,
			    unsigned int count)
{
	const struct mail_search_arg **queries;
	struct lazy_expunge_fields *fields;
	struct seq_range_iter iter;
	uint32_t uid, seq;

	if (count == 0 || array_is_empty(run))
		return 0;
	queries = t_new(const struct mail_search_arg *, count);
	for (unsigned int i = 0; i < count; i++)
		queries[i] = questions[i].active->args->args;
	fields = lazy_expunge_fields_init(cover->box, queries, count);
	seq_range_array_iter_init(&iter, run);
	for (unsigned int i = 0; seq_range_array_iter_nth(&iter, i, &uid);
	     i++) {
		if (!mail_index_lookup_seq(cover->box->view, uid, &seq))
			continue;
		lazy_expunge_fields_go(fields, seq);
		cover_ask_fields_of(fields, questions, count, uid);
	}
	return lazy_expunge_fields_deinit(&fields);
}

static int cover_ask_search(struct lazy_expunge_cover *cover,
			    const struct cover_question *questions,
			    unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		if (!array_is_empty(&questions[i].uids) &&
		    cover_search(cover, questions[i].active->args,
				 &questions[i].uids, questions[i].matches) < 0)
			return -1;
	}
	return 0;
}

/* The UIDs of the run, and those of them that were not asked for before. */
static void cover_runs(struct lazy_expunge_cover *cover,
		       ARRAY_TYPE(seq_range) *run_r,
		       ARRAY_TYPE(seq_range) *new_r)
{
	t_array_init(run_r, 1);
	seq_range_array_add_range(run_r, cover->first, cover->last);
	t_array_init(new_r, 4);
	array_append_array(new_r, run_r);
	seq_range_array_remove_seq_range(new_r, &cover->answers->asked);
}

/* Find out for the run of UIDs. */
static int cover_ask(struct lazy_expunge_cover *cover)
{
	const unsigned int count = array_count(&cover->covered);
	struct cover_question *questions =
		t_new(struct cover_question, count + 1), *question;
	const struct lazy_expunge_hold_active *active;
	ARRAY_TYPE(seq_range) run, new_run;
	unsigned int fields = 0, others = count;

	cover_runs(cover, &run, &new_run);
	for (unsigned int i = 0; i < count; i++) {
		array_clear(array_idx_modifiable(&cover->covered, i));
		active = array_idx(&cover->holds->active, i);
		/* those by fields first */
		question = active->fields ? &questions[fields++] :
			&questions[--others];
		question->active = active;
		question->matches = active->stays ?
			array_idx_modifiable(&cover->answers->matches, i) :
			array_idx_modifiable(&cover->covered, i);
		t_array_init(&question->uids, 4);
		if (active->args != NULL && !active->fields) {
			array_append_array(&question->uids, active->stays ?
					   &new_run : &run);
		}
	}
	if (cover_ask_fields(cover, &new_run, questions, fields) < 0 ||
	    cover_ask_search(cover, questions, count) < 0)
		return cover_fail(cover);
	seq_range_array_add_range(&cover->answers->asked, cover->first,
				  cover->last);
	return 0;
}

/* Find out for a run of UIDs from this one on, larger each time that the last
   one was used up. */
static int cover_read(struct lazy_expunge_cover *cover, uint32_t uid)
{
	const struct mail_index_header *hdr =
		mail_index_get_header(cover->box->view);

	cover->run = cover->last != 0 && uid > cover->last ?
		I_MIN(cover->run * 2, COVER_MAX_RUN) : 1;
	cover->first = uid;
	/* what comes later is not known */
	cover->last = I_MAX(uid, I_MIN(uid + cover->run - 1,
				       hdr->next_uid - 1));
	/* before the first mail the mailbox need not be open */
	lazy_expunge_box_answers_unref(&cover->answers);
	cover->answers = lazy_expunge_answers_get(cover->holds->answers,
		cover->box, array_count(&cover->covered));
	return cover_ask(cover);
}

/* Returns 0 if the sets are known for the mail, -1 if they cannot be. */
static int cover_look(struct lazy_expunge_cover *cover, struct mail *mail)
{
	int ret;

	if (mail->uid >= cover->first && mail->uid <= cover->last)
		return 0;
	if (mail->uid == 0)
		return -1;
	T_BEGIN {
		ret = cover_read(cover, mail->uid);
	} T_END;
	return ret;
}

static bool cover_has(struct lazy_expunge_cover *cover, unsigned int idx,
		      uint32_t uid)
{
	const struct lazy_expunge_hold_active *active =
		array_idx(&cover->holds->active, idx);

	return active->args == NULL || seq_range_exists(active->stays ?
		array_idx(&cover->answers->matches, idx) :
		array_idx(&cover->covered, idx), uid);
}

bool lazy_expunge_cover_is_all(struct lazy_expunge_cover *cover)
{
	return cover->holds->everything != NULL;
}

const char *lazy_expunge_cover_find(struct lazy_expunge_cover *cover,
				    struct mail *mail)
{
	const struct lazy_expunge_hold_active *active;

	if (cover->holds->everything != NULL)
		return cover->holds->everything;
	if (cover_look(cover, mail) < 0)
		return "";
	for (unsigned int i = 0; i < array_count(&cover->covered); i++) {
		if (cover_has(cover, i, mail->uid)) {
			active = array_idx(&cover->holds->active, i);
			return active->hold->name;
		}
	}
	return NULL;
}

const char *lazy_expunge_cover_describe(struct lazy_expunge_cover *cover,
					const char *name)
{
	if (*name == '\0' && cover->error != NULL)
		return cover->error;
	return lazy_expunge_holds_describe(cover->holds, name);
}

const char *lazy_expunge_cover_names(struct lazy_expunge_cover *cover,
				     struct mail *mail)
{
	const struct lazy_expunge_holds *holds = cover->holds;
	const struct lazy_expunge_hold_active *active;
	const struct lazy_expunge_hold *last = NULL;
	string_t *str = t_str_new(64);

	if (holds->luser->set.hold)
		str_append(str, ", "LAZY_EXPUNGE_HOLD_SETTING);
	if (holds->error != NULL || cover_look(cover, mail) < 0)
		str_append(str, ", (unreadable)");
	else for (unsigned int i = 0; i < array_count(&cover->covered); i++) {
		active = array_idx(&holds->active, i);
		if (active->hold == last || !cover_has(cover, i, mail->uid))
			continue;
		str_printfa(str, ", %s", active->hold->name);
		last = active->hold;
	}
	return str_len(str) == 0 ? "" : str_c(str) + 2;
}
