/* Moves: the mail that is being moved, and the transactions that wait for
   others. There are few at once. */

#include "lib.h"
#include "array.h"
#include "hooks/context.h"
#include "hooks/move.h"

#define ERROR_CANNOT_MOVE \
	"Mail could not be copied, so it was not moved"

struct move_pair {
	/* expunges, and waits */
	struct mailbox_transaction_context *src;
	/* has the copies, is not committed yet */
	struct mailbox_transaction_context *dest;
};

struct move_user {
	union mail_user_module_context module_ctx;

	/* the mail that is being moved, NULL if none is */
	const struct mail *mail;
	uint32_t uid;
	/* that of the copy, NULL if that is not known: a virtual mailbox has
	   those of its backends */
	struct mailbox_transaction_context *dest;
	/* the mail is one of a virtual mailbox and is being expunged */
	bool within;

	/* not created while there are none */
	ARRAY(struct move_pair) pairs;
};

#define MOVE_USER_CONTEXT(obj) \
	MODULE_CONTEXT(obj, lazy_expunge_move_module)

static MODULE_CONTEXT_DEFINE_INIT(lazy_expunge_move_module,
				  &mail_user_module_register);

static struct lazy_expunge_user *box_get_user(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);

	return lbox->luser;
}

/* NULL if nothing was ever moved. */
static struct move_user *move_find(struct mailbox *box)
{
	return MOVE_USER_CONTEXT(box_get_user(box)->user);
}

void lazy_expunge_move_begin(struct mail *mail,
			     struct mailbox_transaction_context *t)
{
	struct mail_user *user = box_get_user(mail->box)->user;
	struct lazy_expunge_mailbox *ldest = LAZY_EXPUNGE_CONTEXT_REQUIRE(t->box);
	struct move_user *move = MOVE_USER_CONTEXT(user);

	if (move == NULL) {
		move = p_new(user->pool, struct move_user, 1);
		MODULE_CONTEXT_SET(user, lazy_expunge_move_module, move);
	}
	move->mail = mail;
	move->uid = mail->uid;
	move->dest = ldest->is_virtual || ldest->luser->user != user ? NULL : t;
	/* so that its end is noticed */
	if (move->dest != NULL)
		(void)lazy_expunge_transaction_get(t);
}

static bool move_is_of(const struct move_user *move, const struct mail *mail)
{
	return move != NULL && move->mail == mail && move->uid == mail->uid;
}

void lazy_expunge_move_end(struct mail *mail)
{
	struct move_user *move = move_find(mail->box);

	if (move_is_of(move, mail))
		move->mail = NULL;
}

bool lazy_expunge_move_has(struct mail *mail)
{
	const struct move_user *move = move_find(mail->box);

	return move_is_of(move, mail) || (move != NULL && move->within);
}

void lazy_expunge_move_enter(struct mail *mail)
{
	struct move_user *move = move_find(mail->box);

	if (move_is_of(move, mail))
		move->within = TRUE;
}

void lazy_expunge_move_leave(struct mail *mail)
{
	struct move_user *move = move_find(mail->box);

	if (move_is_of(move, mail))
		move->within = FALSE;
}

struct mailbox *lazy_expunge_move_dest(struct mail *mail)
{
	const struct move_user *move = move_find(mail->box);

	return move == NULL || move->mail == NULL || move->dest == NULL ?
		NULL : move->dest->box;
}

static void move_deinit(struct lazy_expunge_user *luser ATTR_UNUSED,
			void *context)
{
	struct move_user *move = context;

	array_free(&move->pairs);
}

void lazy_expunge_move_wait(struct mail *mail)
{
	struct move_user *move = move_find(mail->box);
	struct move_pair pair = { .src = mail->transaction };
	const struct move_pair *other;

	if (move == NULL || move->dest == NULL)
		return;
	pair.dest = move->dest;
	/* so that its end is noticed */
	(void)lazy_expunge_transaction_get(pair.src);
	if (!array_is_created(&move->pairs)) {
		i_array_init(&move->pairs, 4);
		lazy_expunge_user_on_deinit(box_get_user(mail->box),
					    move_deinit, move);
	}
	array_foreach(&move->pairs, other) {
		if (other->src == pair.src && other->dest == pair.dest)
			return;
	}
	array_push_back(&move->pairs, &pair);
}

static bool move_has_pairs(const struct move_user *move)
{
	return move != NULL && array_is_created(&move->pairs);
}

void lazy_expunge_move_check(struct mailbox_transaction_context *t)
{
	const struct move_user *move = move_find(t->box);
	const struct move_pair *pair;

	if (!move_has_pairs(move))
		return;
	array_foreach(&move->pairs, pair) {
		if (pair->src == t) {
			lazy_expunge_transaction_fail(t, MAIL_ERROR_UNAVAILABLE,
						      ERROR_CANNOT_MOVE);
		}
	}
}

bool lazy_expunge_move_has_copies(struct mailbox_transaction_context *t)
{
	const struct move_user *move = move_find(t->box);
	const struct move_pair *pair;

	if (!move_has_pairs(move))
		return FALSE;
	array_foreach(&move->pairs, pair) {
		if (pair->dest == t)
			return TRUE;
	}
	return FALSE;
}

void lazy_expunge_move_finish(struct mailbox *box,
			      const struct mailbox_transaction_context *t,
			      bool committed)
{
	struct move_user *move = move_find(box);
	const struct move_pair *pair;

	if (!move_has_pairs(move))
		return;
	for (unsigned int i = array_count(&move->pairs); i > 0; i--) {
		pair = array_idx(&move->pairs, i - 1);
		if (pair->dest == t && !committed) {
			lazy_expunge_transaction_fail(pair->src,
				MAIL_ERROR_UNAVAILABLE, ERROR_CANNOT_MOVE);
		}
		if (pair->src == t || pair->dest == t)
			array_delete(&move->pairs, i - 1, 1);
	}
}
