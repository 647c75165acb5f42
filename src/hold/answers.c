/* Remembered answers: sets of UIDs, by mailbox, bounded in size. */

#include "lib.h"
#include "array.h"
#include "mail-search.h"
#include "mail-storage-private.h"
#include "hold/answers.h"

/* Ranges of all mailboxes together, of 8 bytes: more are forgotten. */
#define ANSWERS_MAX_RANGES (1024 * 1024)

struct lazy_expunge_answers {
	ARRAY(struct lazy_expunge_box_answers *) boxes;
};

bool lazy_expunge_answers_stay(const struct mail_search_arg *arg)
{
	for (; arg != NULL; arg = arg->next) {
		switch (arg->type) {
		case SEARCH_OR:
		case SEARCH_SUB:
			if (!lazy_expunge_answers_stay(arg->value.subargs))
				return FALSE;
			break;
		case SEARCH_ALL:
		case SEARCH_SMALLER:
		case SEARCH_LARGER:
		case SEARCH_HEADER:
		case SEARCH_HEADER_ADDRESS:
		case SEARCH_HEADER_COMPRESS_LWSP:
		case SEARCH_BODY:
		case SEARCH_TEXT:
		case SEARCH_GUID:
			break;
		case SEARCH_BEFORE:
		case SEARCH_ON:
		case SEARCH_SINCE:
			if (arg->value.date_type != MAIL_SEARCH_DATE_TYPE_SENT)
				return FALSE;
			break;
		default:
			return FALSE;
		}
	}
	return TRUE;
}

struct lazy_expunge_answers *lazy_expunge_answers_init(void)
{
	struct lazy_expunge_answers *answers =
		i_new(struct lazy_expunge_answers, 1);

	i_array_init(&answers->boxes, 4);
	return answers;
}

void
lazy_expunge_box_answers_unref(struct lazy_expunge_box_answers **_banswers)
{
	struct lazy_expunge_box_answers *banswers = *_banswers;
	ARRAY_TYPE(seq_range) *set;

	if (banswers == NULL)
		return;
	*_banswers = NULL;
	if (--banswers->refcount > 0)
		return;
	array_foreach_modifiable(&banswers->matches, set)
		array_free(set);
	array_free(&banswers->matches);
	array_free(&banswers->asked);
	i_free(banswers->name);
	i_free(banswers);
}

static void answers_clear(struct lazy_expunge_answers *answers)
{
	struct lazy_expunge_box_answers *banswers;

	array_foreach_elem(&answers->boxes, banswers)
		lazy_expunge_box_answers_unref(&banswers);
	array_clear(&answers->boxes);
}

void lazy_expunge_answers_deinit(struct lazy_expunge_answers **_answers)
{
	struct lazy_expunge_answers *answers = *_answers;

	if (answers == NULL)
		return;
	*_answers = NULL;
	answers_clear(answers);
	array_free(&answers->boxes);
	i_free(answers);
}

static unsigned int answers_count_ranges(struct lazy_expunge_answers *answers)
{
	struct lazy_expunge_box_answers *banswers;
	const ARRAY_TYPE(seq_range) *set;
	unsigned int count = 0;

	array_foreach_elem(&answers->boxes, banswers) {
		count += array_count(&banswers->asked) + 1;
		array_foreach(&banswers->matches, set)
			count += array_count(set);
	}
	return count;
}

static struct lazy_expunge_box_answers *
answers_add(struct lazy_expunge_answers *answers, const struct mailbox *box,
	    uint32_t uid_validity, unsigned int holds_count)
{
	struct lazy_expunge_box_answers *banswers =
		i_new(struct lazy_expunge_box_answers, 1);
	ARRAY_TYPE(seq_range) *set;

	banswers->refcount = 1;
	banswers->list = box->list;
	banswers->name = i_strdup(box->name);
	banswers->uid_validity = uid_validity;
	i_array_init(&banswers->asked, 4);
	i_array_init(&banswers->matches, holds_count + 1);
	for (unsigned int i = 0; i < holds_count; i++) {
		set = array_append_space(&banswers->matches);
		i_array_init(set, 16);
	}
	array_push_back(&answers->boxes, &banswers);
	return banswers;
}

struct lazy_expunge_box_answers *
lazy_expunge_answers_get(struct lazy_expunge_answers *answers,
			 struct mailbox *box, unsigned int holds_count)
{
	const uint32_t uid_validity =
		mail_index_get_header(box->view)->uid_validity;
	struct lazy_expunge_box_answers *banswers = NULL, *other;

	if (answers_count_ranges(answers) > ANSWERS_MAX_RANGES)
		answers_clear(answers);
	array_foreach_elem(&answers->boxes, other) {
		if (other->uid_validity == uid_validity &&
		    other->list == box->list &&
		    strcmp(other->name, box->name) == 0)
			banswers = other;
	}
	if (banswers == NULL) {
		banswers = answers_add(answers, box, uid_validity,
				       holds_count);
	}
	banswers->refcount++;
	return banswers;
}
