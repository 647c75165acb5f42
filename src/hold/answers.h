#ifndef LAZY_EXPUNGE_HOLD_ANSWERS_H
#define LAZY_EXPUNGE_HOLD_ANSWERS_H

/* Answers to holds' queries that are remembered as long as the holds are in
   force: a mail is asked once whether it is held, however many look at it.
   Only for queries by what stays the same as long as a mail has its UID. */

#include "seq-range-array.h"

struct lazy_expunge_answers;
struct mail_search_arg;
struct mailbox;
struct mailbox_list;

struct lazy_expunge_box_answers {
	int refcount;
	/* the name on disk: a storage may be opened by two others */
	const struct mailbox_list *list;
	char *name;
	uint32_t uid_validity;
	/* the UIDs for which all such queries were asked */
	ARRAY_TYPE(seq_range) asked;
	/* a set for each hold in force, of the UIDs that match */
	ARRAY(ARRAY_TYPE(seq_range)) matches;
};

/* Does the query ask for the content alone, and not for flags or dates of
   files? */
bool lazy_expunge_answers_stay(const struct mail_search_arg *args);

struct lazy_expunge_answers *lazy_expunge_answers_init(void);
/* Those of an open mailbox, of so many holds, with a reference to them. */
struct lazy_expunge_box_answers *
lazy_expunge_answers_get(struct lazy_expunge_answers *answers,
			 struct mailbox *box, unsigned int holds_count);
/* Takes NULL. */
void
lazy_expunge_box_answers_unref(struct lazy_expunge_box_answers **banswers);
/* Takes NULL. */
void lazy_expunge_answers_deinit(struct lazy_expunge_answers **answers);

#endif
