/* Quota of a plan: allocates in transactions of the quota plugin, which are
   rolled back. */

#include "lib.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "compat/compat-quota.h"
#include "account/user.h"
#include "restore/plan-quota.h"

#include <dlfcn.h>

/* The plugin need not be loaded, so it is not linked with. */
struct quota_funcs {
	__typeof__(&quota_get_mail_user_quota) get;
	__typeof__(&quota_transaction_begin) begin;
	__typeof__(&quota_transaction_rollback) rollback;
	__typeof__(&quota_try_alloc) try_alloc;
};

struct lazy_expunge_restore_quota {
	struct lazy_expunge_user *luser;
	struct quota_funcs funcs;

	/* NULL if the mailbox has no quota */
	struct quota_transaction_context *t;
	struct mailbox *box;
	/* what fitted in earlier mailboxes */
	int64_t bytes, count;
};

static bool quota_funcs_find(struct quota_funcs *funcs)
{
	funcs->get = dlsym(RTLD_DEFAULT, "quota_get_mail_user_quota");
	funcs->begin = dlsym(RTLD_DEFAULT, "quota_transaction_begin");
	funcs->rollback = dlsym(RTLD_DEFAULT, "quota_transaction_rollback");
	funcs->try_alloc = dlsym(RTLD_DEFAULT, "quota_try_alloc");
	return funcs->get != NULL && funcs->begin != NULL &&
		funcs->rollback != NULL && funcs->try_alloc != NULL;
}

struct lazy_expunge_restore_quota *
lazy_expunge_restore_quota_init(struct lazy_expunge_user *luser)
{
	struct lazy_expunge_restore_quota *quota;
	struct quota_funcs funcs;

	if (!quota_funcs_find(&funcs))
		return NULL;
	/* The trash plugin deletes mail as soon as space is asked for. */
	if (dlsym(RTLD_DEFAULT, "trash_plugin_init") != NULL)
		return NULL;
	quota = i_new(struct lazy_expunge_restore_quota, 1);
	quota->luser = luser;
	quota->funcs = funcs;
	return quota;
}

void lazy_expunge_restore_quota_begin(struct lazy_expunge_restore_quota *quota,
				      const char *vname)
{
	struct mail_namespace *ns;

	if (quota == NULL)
		return;
	i_assert(quota->box == NULL);
	ns = mail_namespace_find(quota->luser->user->namespaces, vname);
	if (quota->funcs.get(ns->owner != NULL ? ns->owner : ns->user) == NULL)
		return;
	quota->box = mailbox_alloc(ns->list, vname, MAILBOX_FLAG_IGNORE_ACLS);
	quota->t = quota->funcs.begin(quota->box);
	quota->t->bytes_used = quota->bytes;
	quota->t->count_used = quota->count;
}

int lazy_expunge_restore_quota_try(struct lazy_expunge_restore_quota *quota,
				   struct mail *mail,
				   struct lazy_expunge_error *error_r)
{
	enum quota_alloc_result result;
	const char *error = "";

	if (quota == NULL || quota->t == NULL)
		return 0;
	result = LAZY_EXPUNGE_COMPAT_QUOTA_TRY_ALLOC(quota->funcs.try_alloc,
						     quota->t, mail, &error);
	switch (result) {
	case QUOTA_ALLOC_RESULT_OK:
		return 0;
	case QUOTA_ALLOC_RESULT_TEMPFAIL:
	case QUOTA_ALLOC_RESULT_BACKGROUND_CALC:
		error_r->code = MAIL_ERROR_TEMP;
		break;
	default:
		/* one of the limits, of which each version has others */
		error_r->code = MAIL_ERROR_NOQUOTA;
		break;
	}
	error_r->text = t_strdup_printf("Cannot copy to %s: %s",
					mailbox_get_vname(quota->box), error);
	return -1;
}

void lazy_expunge_restore_quota_end(struct lazy_expunge_restore_quota *quota)
{
	if (quota == NULL || quota->t == NULL)
		return;
	quota->bytes = quota->t->bytes_used;
	quota->count = quota->t->count_used;
	quota->funcs.rollback(&quota->t);
	mailbox_free(&quota->box);
}

void lazy_expunge_restore_quota_deinit(
				struct lazy_expunge_restore_quota **_quota)
{
	struct lazy_expunge_restore_quota *quota = *_quota;

	if (quota == NULL)
		return;
	*_quota = NULL;
	i_assert(quota->box == NULL);
	i_free(quota);
}
