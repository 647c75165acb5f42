/* A user's context. */

#include "lib.h"
#include "array.h"
#include "mail-namespace.h"
#include "settings/read.h"
#include "account/user.h"

/* The mail plugin and doveadm's module have a copy of this code each. A module
   context would be one for each copy. */
#define USER_POINTER "lazy_expunge_user "PACKAGE_VERSION

struct lazy_expunge_user *lazy_expunge_user_find(struct mail_user *user)
{
	return event_get_ptr(user->event, USER_POINTER);
}

struct lazy_expunge_user *lazy_expunge_user_get(struct mail_user *user)
{
	struct lazy_expunge_user *luser = lazy_expunge_user_find(user);

	if (luser != NULL)
		return luser;
	luser = p_new(user->pool, struct lazy_expunge_user, 1);
	luser->user = user;
	/* doveadm, and its server side for the HTTP API and dsync */
	luser->by_admin = strcmp(user->service, "doveadm") == 0 ||
		strcmp(user->service, "dsync") == 0;
	lazy_expunge_settings_read(user, user->event, user->pool, &luser->set);
	event_set_ptr(user->event, USER_POINTER, luser);
	return luser;
}

struct mailbox *
lazy_expunge_mailbox_alloc(struct lazy_expunge_user *luser,
			   struct mail_namespace *ns, const char *vname,
			   enum mailbox_flags flags)
{
	struct mailbox *box;

	luser->internal_alloc++;
	box = mailbox_alloc(ns->list, vname,
			    flags | MAILBOX_FLAG_IGNORE_ACLS);
	luser->internal_alloc--;
	return box;
}

void lazy_expunge_user_on_deinit(struct lazy_expunge_user *luser,
				 lazy_expunge_user_deinit_t *callback,
				 void *context)
{
	struct lazy_expunge_user_deinit *deinit;

	if (!array_is_created(&luser->deinits))
		i_array_init(&luser->deinits, 4);
	deinit = array_append_space(&luser->deinits);
	deinit->callback = callback;
	deinit->context = context;
}

void lazy_expunge_user_deinit(struct lazy_expunge_user *luser)
{
	const struct lazy_expunge_user_deinit *deinit;

	if (array_is_created(&luser->deinits)) {
		array_foreach(&luser->deinits, deinit)
			deinit->callback(luser, deinit->context);
		array_free(&luser->deinits);
	}
	/* who uses the user again resolves them anew */
	luser->storages_resolved = FALSE;
	i_zero(&luser->storages);
	luser->storage_aliases = NULL;
	luser->caps = NULL;
	pool_unref(&luser->storages_pool);
}

void lazy_expunge_user_release(struct lazy_expunge_user *luser)
{
	if (!luser->by_hooks)
		lazy_expunge_user_deinit(luser);
}
