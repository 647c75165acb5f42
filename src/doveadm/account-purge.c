/* Removing deleted accounts. */

#include "lib.h"
#include "array.h"
#include "file-lock.h"
#include "compat/compat-service.h"
#include "core/account-record.h"
#include "core/text.h"
#include "events/events.h"
#include "accounts/moves.h"
#include "accounts/registry.h"
#include "accounts/remove.h"
#include "doveadm/account-command.h"
#include "doveadm/account-purge.h"

#include <time.h>

bool lazy_expunge_account_is_due(const struct lazy_expunge_account *account,
				 time_t now)
{
	return account->step == LAZY_EXPUNGE_ACCOUNT_PURGING ||
		(account->step == LAZY_EXPUNGE_ACCOUNT_DELETED &&
		 !account->renaming && account->kept_until != 0 &&
		 account->kept_until <= now);
}

static int purge_count(const struct lazy_expunge_account *account,
		       struct lazy_expunge_purged *purged, const char **error_r)
{
	const struct lazy_expunge_account_part *part;

	array_foreach(&account->parts, part) {
		if (lazy_expunge_count_tree(part->to, &purged->paths,
					    &purged->files, &purged->bytes,
					    error_r) < 0)
			return -1;
	}
	return 0;
}

static bool purge_is_in_parts(const struct lazy_expunge_account *account,
			      const char *path)
{
	const struct lazy_expunge_account_part *part;

	array_foreach(&account->parts, part) {
		if (lazy_expunge_account_path_is_below(path, part->from))
			return TRUE;
	}
	return FALSE;
}

/* What all users have together is not looked through. */
static void purge_tell_of_attachments(const struct lazy_expunge_account *account)
{
	const struct lazy_expunge_account_namespace *ns;
	const struct lazy_expunge_account_setting *set;

	array_foreach(&account->namespaces, ns) {
		array_foreach(&ns->settings, set) {
			if (strcmp(set->name,
				   LAZY_EXPUNGE_ACCOUNT_ATTACHMENTS) != 0 ||
			    purge_is_in_parts(account, set->value))
				continue;
			i_warning("%s: Attachments that were taken out of its "
				  "mails are left in %s",
				  lazy_expunge_text_safe(account->id),
				  lazy_expunge_text_safe(set->value));
			return;
		}
	}
}

enum lazy_expunge_account_purge_result
lazy_expunge_account_purge_one(struct lazy_expunge_account *account, time_t now,
			       bool plan, const char *by,
			       struct lazy_expunge_purged *purged_r,
			       const char **error_r)
{
	const char *held;
	int ret;

	i_zero(purged_r);
	if ((account->step != LAZY_EXPUNGE_ACCOUNT_DELETED &&
	     account->step != LAZY_EXPUNGE_ACCOUNT_PURGING) ||
	    account->renaming) {
		*error_r = t_strdup_printf("The account is on another way: end "
			"that first, by %s",
			lazy_expunge_account_cmd_next(account));
		return LAZY_EXPUNGE_ACCOUNT_PURGE_FAILED;
	}
	/* once it has begun, its file of holds may be gone */
	held = account->step == LAZY_EXPUNGE_ACCOUNT_PURGING ? NULL :
		lazy_expunge_account_held_by(account, now);
	if (held != NULL) {
		*error_r = t_strdup_printf("%s is held by %s: bring it back "
			"and release that, before it can be removed",
			account->id, held);
		return LAZY_EXPUNGE_ACCOUNT_PURGE_HELD;
	}
	ret = plan ? purge_count(account, purged_r, error_r) :
		lazy_expunge_account_purge(account, purged_r, error_r);
	if (ret < 0)
		return LAZY_EXPUNGE_ACCOUNT_PURGE_FAILED;
	if (!plan) {
		lazy_expunge_event_account("lazy_expunge_account_purged",
					   account->user, account->id, by, "",
					   purged_r->paths, purged_r->bytes);
		purge_tell_of_attachments(account);
	}
	return LAZY_EXPUNGE_ACCOUNT_PURGE_DONE;
}

static void purge_log(const char *error)
{
	T_BEGIN {
		i_error("lazy-expunge account purge: %s",
			lazy_expunge_text_safe(error));
	} T_END;
}

/* Returns 1 if the account is locked and still due, 0 if not, -1 and the error. */
static int purge_lock(struct lazy_expunge_registry *registry,
		      struct lazy_expunge_account *account, time_t now,
		      struct file_lock **lock_r, const char **error_r)
{
	const struct lazy_expunge_account_part *part =
		array_front(&account->parts);
	const char *dir = lazy_expunge_path_parent(part->to);
	int ret;

	ret = lazy_expunge_registry_lock(lazy_expunge_path_parent(dir),
					 account->user, lock_r, error_r);
	if (ret <= 0)
		return ret;
	ret = lazy_expunge_registry_reread(registry->pool, account, error_r);
	if (ret <= 0 || !lazy_expunge_account_is_due(account, now)) {
		file_lock_free(lock_r);
		return ret < 0 ? -1 : 0;
	}
	return 1;
}

static void purge_due_one(struct lazy_expunge_registry *registry,
			  struct lazy_expunge_account *account, time_t now,
			  bool plan, const char *by,
			  struct lazy_expunge_account_purge_sums *sums)
{
	struct lazy_expunge_purged purged;
	enum lazy_expunge_account_purge_result result;
	struct file_lock *lock;
	const char *error;
	int ret;

	ret = purge_lock(registry, account, now, &lock, &error);
	if (ret == 0) {
		sums->skipped++;
		return;
	}
	result = ret < 0 ? LAZY_EXPUNGE_ACCOUNT_PURGE_FAILED :
		lazy_expunge_account_purge_one(account, now, plan, by, &purged,
					       &error);
	if (ret > 0)
		file_lock_free(&lock);
	switch (result) {
	case LAZY_EXPUNGE_ACCOUNT_PURGE_DONE:
		sums->accounts++;
		sums->bytes += purged.bytes;
		break;
	case LAZY_EXPUNGE_ACCOUNT_PURGE_HELD:
		sums->held++;
		break;
	case LAZY_EXPUNGE_ACCOUNT_PURGE_FAILED:
		sums->failed++;
		purge_log(error);
		break;
	}
}

void lazy_expunge_account_purge_due(bool plan, const char *by,
			struct lazy_expunge_account_purge_sums *sums_r)
{
	const time_t now = time(NULL);
	struct lazy_expunge_registry registry;
	struct lazy_expunge_account *account;
	const char *error;

	i_zero(sums_r);
	if (lazy_expunge_registry_init(&registry,
			lazy_expunge_compat_service_settings()->state_dir,
			&error) < 0) {
		purge_log(error);
		sums_r->failed++;
	}
	if (!plan)
		lazy_expunge_registry_tidy(&registry, now);
	lazy_expunge_registry_read(&registry);
	array_foreach_elem(&registry.errors, error) {
		purge_log(error);
		sums_r->failed++;
	}
	array_foreach_elem(&registry.accounts, account) {
		if (lazy_expunge_account_is_due(account, now)) T_BEGIN {
			purge_due_one(&registry, account, now, plan, by,
				      sums_r);
		} T_END;
	}
	lazy_expunge_registry_deinit(&registry);
}
