/* Mailboxes that were renamed since mail of them was kept: what is found out is
   remembered for some seconds, for a list of the storage asks for each mail. */

#include "lib.h"
#include "array.h"
#include "hash.h"
#include "ioloop.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "account/where-now.h"
#include "keep/origin.h"
#include "hooks/context.h"
#include "hooks/kept-now.h"

/* What else happens in the account shows after so many seconds. */
#define KEPT_NOW_SECS 5

/* A mailbox that mails came from. */
struct now_origin {
	/* those that took its name from a mailbox, in their order. Not created
	   if there are none, or the name is in use. */
	ARRAY_TYPE(lazy_expunge_rename) renames;
	/* where each of these mailboxes is now, NULL = not told */
	ARRAY_TYPE(const_string) names;
};

struct lazy_expunge_kept_now {
	pool_t pool;
	time_t created;
	ARRAY_TYPE(lazy_expunge_rename) renames;
	HASH_TABLE(const char *, struct now_origin *) origins;
};

void lazy_expunge_kept_now_deinit(struct lazy_expunge_kept_now **_now)
{
	struct lazy_expunge_kept_now *now = *_now;

	if (now == NULL)
		return;
	*_now = NULL;
	hash_table_destroy(&now->origins);
	pool_unref(&now->pool);
}

static struct lazy_expunge_kept_now *now_get(struct lazy_expunge_mailbox *lbox)
{
	struct lazy_expunge_kept_now *now = lbox->now;
	pool_t pool;

	if (now != NULL && ioloop_time >= now->created &&
	    ioloop_time - now->created < KEPT_NOW_SECS)
		return now;
	lazy_expunge_kept_now_deinit(&lbox->now);
	pool = pool_alloconly_create("lazy_expunge kept now", 1024);
	now = lbox->now = p_new(pool, struct lazy_expunge_kept_now, 1);
	now->pool = pool;
	now->created = ioloop_time;
	p_array_init(&now->renames, pool, 4);
	hash_table_create(&now->origins, pool, 0, str_hash, strcmp);
	lazy_expunge_renamed_read(lbox->luser->user, pool, &now->renames);
	return now;
}

/* An administrator may have taken it out of the user's sight. */
static bool
now_is_out_of_sight(struct lazy_expunge_user *luser, const char *vname)
{
	struct mail_namespace *ns =
		mail_namespace_find(luser->user->namespaces, vname);
	struct mailbox *box = mailbox_alloc(ns->list, vname, 0);
	enum mailbox_existence existence;
	bool seen;

	seen = mailbox_exists(box, TRUE, &existence) == 0 &&
		existence == MAILBOX_EXISTENCE_SELECT;
	mailbox_free(&box);
	/* one that is gone gets its last name, as by doveadm */
	return !seen && lazy_expunge_where_exists(luser, vname);
}

static const char *
now_find(struct lazy_expunge_kept_now *now, struct lazy_expunge_user *luser,
	 const char *origin, const struct lazy_expunge_rename *rename)
{
	const char *vname;

	vname = lazy_expunge_where_now(luser, &now->renames, rename);
	return vname == NULL || strcmp(vname, origin) == 0 ||
		now_is_out_of_sight(luser, vname) ? NULL :
		p_strdup(now->pool, vname);
}

static void
now_find_all(struct lazy_expunge_kept_now *now, struct lazy_expunge_user *luser,
	     const char *vname, struct now_origin *origin)
{
	const struct lazy_expunge_rename *rename;
	const char *name;

	array_foreach(&now->renames, rename) {
		if (strcmp(rename->old_name, vname) != 0)
			continue;
		if (!array_is_created(&origin->renames)) {
			if (lazy_expunge_where_exists(luser, vname))
				return;
			p_array_init(&origin->renames, now->pool, 2);
			p_array_init(&origin->names, now->pool, 2);
		}
		name = now_find(now, luser, vname, rename);
		array_push_back(&origin->renames, rename);
		array_push_back(&origin->names, &name);
	}
}

static const struct now_origin *
now_origin_get(struct lazy_expunge_kept_now *now, struct mailbox *box,
	       struct lazy_expunge_user *luser, const char *vname)
{
	struct now_origin *origin = hash_table_lookup(now->origins, vname);
	const char *key;

	if (origin != NULL)
		return origin;
	origin = p_new(now->pool, struct now_origin, 1);
	/* what is not found elsewhere is no error of this mailbox */
	mail_storage_last_error_push(box->storage);
	now_find_all(now, luser, vname, origin);
	mail_storage_last_error_pop(box->storage);
	key = p_strdup(now->pool, vname);
	hash_table_insert(now->origins, key, origin);
	return origin;
}

const char *lazy_expunge_kept_now(struct mail *mail, const char *origin)
{
	struct lazy_expunge_mailbox *lbox =
		LAZY_EXPUNGE_CONTEXT_REQUIRE(mail->box);
	struct lazy_expunge_user *luser = lbox->luser;
	struct lazy_expunge_kept_now *now;
	const struct lazy_expunge_rename *renames;
	const struct now_origin *found;
	unsigned int count;
	time_t saved;

	/* to other users the owner's names say nothing */
	if (luser->by_admin || luser->user->dsyncing || lbox->internal ||
	    lazy_expunge_origin_owner(mail->box) != luser->user)
		return NULL;
	now = now_get(lbox);
	if (array_count(&now->renames) == 0)
		return NULL;
	if (origin == NULL) {
		origin = lazy_expunge_origin_of_tree(lbox->storage,
				lazy_expunge_mailbox_vname(mail->box));
		if (origin == NULL)
			return NULL;
	}
	found = now_origin_get(now, mail->box, luser, origin);
	if (!array_is_created(&found->renames) ||
	    mail_get_save_date(mail, &saved) < 0)
		return NULL;
	renames = array_get(&found->renames, &count);
	renames = lazy_expunge_renames_find(renames, count, origin, saved);
	return renames == NULL ? NULL :
		array_idx_elem(&found->names,
			       array_ptr_to_idx(&found->renames, renames));
}
