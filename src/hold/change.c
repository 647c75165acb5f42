/* Changes of holds: read, change and write the file under its lock. */

#include "lib.h"
#include "array.h"
#include "file-lock.h"
#include "str.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "account/files.h"
#include "account/storage-list.h"
#include "account/storages.h"
#include "account/user.h"
#include "events/events.h"
#include "hold/change.h"
#include "hold/holds.h"

#define HOLDS_LOCK_FNAME LAZY_EXPUNGE_HOLDS_FNAME".lock"
#define HOLDS_LOCK_TIMEOUT_SECS 30
/* What is over is remembered for so long, for holds to tell. */
#define HOLDS_REMEMBER_SECS (365 * 24 * 60 * 60)

struct hold_change {
	struct lazy_expunge_user *luser;
	pool_t pool;
	const char *path;
	struct file_lock *lock;
	ARRAY_TYPE(lazy_expunge_hold) holds;
};

static int change_fail(struct lazy_expunge_error *error, enum mail_error code,
		       const char *text)
{
	error->code = code;
	error->text = text;
	return -1;
}

static void change_end(struct hold_change *change)
{
	file_lock_free(&change->lock);
	pool_unref(&change->pool);
}

static int change_begin(struct hold_change *change,
			struct lazy_expunge_user *luser,
			struct lazy_expunge_error *error_r)
{
	struct mail_user *user = luser->user;
	const char *error;
	int ret;

	i_zero(change);
	change->luser = luser;
	change->path = lazy_expunge_place_path(user, LAZY_EXPUNGE_HOLDS_FNAME);
	if (change->path == NULL) {
		return change_fail(error_r, MAIL_ERROR_NOTPOSSIBLE,
			"The user has no home and no directory for control "
			"files, where a hold could be written");
	}
	lazy_expunge_place_make(user);
	ret = lazy_expunge_place_lock(user, HOLDS_LOCK_FNAME,
				      HOLDS_LOCK_TIMEOUT_SECS, &change->lock,
				      &error);
	if (ret <= 0) {
		return change_fail(error_r, MAIL_ERROR_TEMP, t_strdup_printf(
			"Cannot lock the holds of the user: %s", ret == 0 ?
			"another command changes them" : error));
	}
	change->pool = pool_alloconly_create("lazy_expunge hold change", 1024);
	p_array_init(&change->holds, change->pool, 4);
	if (lazy_expunge_holds_read(luser, change->pool, &change->holds,
				    &error) < 0) {
		change_end(change);
		return change_fail(error_r, MAIL_ERROR_TEMP, error);
	}
	return 0;
}

static int change_write(struct hold_change *change, time_t now,
			struct lazy_expunge_error *error_r)
{
	string_t *text = t_str_new(1024);
	const struct lazy_expunge_hold *hold;
	const char *error;

	for (unsigned int i = array_count(&change->holds); i > 0; i--) {
		hold = array_idx(&change->holds, i - 1);
		if (hold->until != 0 && hold->until + HOLDS_REMEMBER_SECS < now)
			array_delete(&change->holds, i - 1, 1);
	}
	lazy_expunge_hold_file_append(text, &change->holds);
	if (lazy_expunge_place_replace_durably(change->luser->user,
			change->path, str_data(text), str_len(text),
			&error) < 0) {
		return change_fail(error_r, MAIL_ERROR_TEMP, t_strdup_printf(
			"Cannot write the holds: %s", error));
	}
	return 0;
}

/* Returns 0 also if the mailbox does not exist. */
static int hold_add_mailbox(struct hold_change *change,
			    struct mail_namespace *ns, const char *open_vname,
			    const char *vname, struct lazy_expunge_hold *hold,
			    struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_hold_mailbox hbox;
	struct mailbox_metadata metadata;
	struct mailbox *box;
	int ret = 0;

	box = lazy_expunge_mailbox_alloc(change->luser, ns, open_vname, 0);
	if (mailbox_get_metadata(box, MAILBOX_METADATA_GUID, &metadata) < 0) {
		lazy_expunge_error_set_box(error_r,
			"Cannot open the expunge storage", box);
		ret = error_r->code == MAIL_ERROR_NOTFOUND ? 0 : -1;
	} else {
		guid_128_copy(hbox.guid, metadata.guid);
		hbox.vname = p_strdup(change->pool, vname);
		array_push_back(&hold->mailboxes, &hbox);
	}
	mailbox_free(&box);
	return ret;
}

struct hold_storage {
	struct hold_change *change;
	struct lazy_expunge_storage *storage;
	struct lazy_expunge_hold *hold;
	struct lazy_expunge_error *error;
};

static int hold_add_listed(struct mail_namespace *ns, const char *vname,
			   void *context)
{
	struct hold_storage *ctx = context;
	struct lazy_expunge_storage *storage = ctx->storage;
	int ret;

	T_BEGIN {
		ret = hold_add_mailbox(ctx->change, ns, vname,
			lazy_expunge_storage_is_many(storage) ? vname :
			lazy_expunge_storage_vname(storage), ctx->hold,
			ctx->error);
	} T_END_PASS_STR_IF(ret < 0, &ctx->error->text);
	return ret;
}

/* What is there when the hold is set: check misses it when it is gone. */
static int hold_add_mailboxes(struct hold_change *change,
			      struct lazy_expunge_hold *hold,
			      struct lazy_expunge_error *error_r)
{
	struct hold_storage ctx = {
		.change = change,
		.hold = hold,
		.error = error_r,
	};
	const char *error;
	int ret = 0;

	array_foreach_elem(lazy_expunge_user_storages(change->luser),
			   ctx.storage) {
		if (ret < 0 || ctx.storage->ns == NULL)
			continue;
		ret = lazy_expunge_storage_list(change->luser, ctx.storage,
						hold_add_listed, &ctx, &error,
						&error_r->code);
		if (error != NULL)
			error_r->text = error;
	}
	return ret;
}

static int hold_add(struct hold_change *change,
		    const struct lazy_expunge_hold *src, time_t now,
		    struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_hold hold = *src;

	if (lazy_expunge_hold_find(&change->holds, src->name, now) != NULL) {
		return change_fail(error_r, MAIL_ERROR_EXISTS, t_strdup_printf(
			"-N %s: a hold of this name is in force already: "
			"release it first, or take another name", src->name));
	}
	p_array_init(&hold.mailboxes, change->pool, 4);
	if (hold_add_mailboxes(change, &hold, error_r) < 0)
		return -1;
	array_push_back(&change->holds, &hold);
	return change_write(change, now, error_r);
}

int lazy_expunge_hold_set(struct lazy_expunge_user *luser,
			  const struct lazy_expunge_hold *hold, time_t now,
			  struct lazy_expunge_error *error_r)
{
	struct hold_change change;
	int ret;

	if (change_begin(&change, luser, error_r) < 0)
		return -1;
	ret = hold_add(&change, hold, now, error_r);
	change_end(&change);
	if (ret == 0) {
		lazy_expunge_event_hold(luser->user->event, TRUE, hold->name,
					hold->set_by, hold->reason,
					hold->until);
	}
	return ret;
}

/* Returns TRUE if it ends earlier now, or is released. Never is it longer than it would
   have held without the release. */
static bool hold_shorten(struct lazy_expunge_hold *hold, const char *by,
		     time_t now, time_t until)
{
	bool shorter = hold->until == 0 || hold->until > until;

	if (hold->released != 0 && !shorter)
		return FALSE;
	hold->released = now;
	hold->released_by = by;
	if (shorter)
		hold->until = until;
	return TRUE;
}

/* Also those of the name that are in their grace. */
static int hold_release(struct hold_change *change, const char *name,
			const char *by, unsigned int grace_secs, time_t now,
			time_t *until_r, struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_hold *hold;
	bool found = FALSE;

	*until_r = 0;
	array_foreach_modifiable(&change->holds, hold) {
		if (strcmp(hold->name, name) == 0 &&
		    lazy_expunge_hold_is_active(hold, now) &&
		    hold_shorten(hold, by, now, now + (time_t)grace_secs)) {
			found = TRUE;
			*until_r = I_MAX(*until_r, hold->until);
		}
	}
	if (found)
		return change_write(change, now, error_r);
	if (strcmp(name, LAZY_EXPUNGE_HOLD_SETTING) == 0 &&
	    change->luser->set.hold) {
		return change_fail(error_r, MAIL_ERROR_NOTFOUND,
			"lazy_expunge_hold = yes is set in the configuration "
			"or the userdb: release it there");
	}
	return change_fail(error_r, MAIL_ERROR_NOTFOUND, t_strdup_printf(
		"-N %s: no hold of this name is in force", name));
}

int lazy_expunge_hold_release(struct lazy_expunge_user *luser,
			      const char *name, const char *by,
			      unsigned int grace_secs, time_t now,
			      time_t *until_r,
			      struct lazy_expunge_error *error_r)
{
	struct hold_change change;
	int ret;

	if (change_begin(&change, luser, error_r) < 0)
		return -1;
	ret = hold_release(&change, name, by, grace_secs, now, until_r,
			   error_r);
	change_end(&change);
	if (ret == 0) {
		lazy_expunge_event_hold(luser->user->event, FALSE, name, by,
					"", *until_r);
	}
	return ret;
}
