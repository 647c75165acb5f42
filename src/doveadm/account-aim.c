/* Where an account is to go, and what is there already. */

#include "lib.h"
#include "array.h"
#include "compat/dovecot.h"
#include "core/account-record.h"
#include "account/files.h"
#include "accounts/moves.h"
#include "doveadm.h"
#include "doveadm/account-aim.h"
#include "doveadm/account-command.h"
#include "doveadm/account-delete.h"
#include "doveadm/account-user.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sysexits.h>

/* What is there under the name, and has no mail, gives way: as a deleted account
   of its own, for nothing of it is removed either. */
static bool aim_give_way(struct lazy_expunge_account_cmd *cmd,
			      const struct lazy_expunge_account_user *user,
			      const struct lazy_expunge_account *account)
{
	const struct lazy_expunge_place_path *path;
	struct lazy_expunge_account *empty;
	struct stat st;
	bool found = FALSE;

	array_foreach(&user->paths, path)
		found = found || lstat(path->path, &st) == 0;
	if (!found)
		return TRUE;
	empty = lazy_expunge_account_delete_plan(cmd, user, user->keep_secs == 0 ?
		account->kept_until : cmd->now + (time_t)user->keep_secs,
		lazy_expunge_account_cmd_flag(cmd, "own"));
	return empty != NULL && lazy_expunge_account_delete(cmd, empty);
}

static bool aim_check_user(struct lazy_expunge_account_cmd *cmd,
				const char *target,
				struct lazy_expunge_account_user *user_r)
{
	const char *error;
	int ret;

	ret = lazy_expunge_account_user_get(cmd, target, TRUE, user_r, &error);
	if (ret <= 0) {
		return lazy_expunge_account_user_fail(cmd, user_r, ret, error,
			t_strdup_printf("userdb does not know %s: add the user "
				"first, or name another one", target));
	}
	if (user_r->messages == 0)
		return TRUE;
	return lazy_expunge_account_cmd_fail(cmd, DOVEADM_EX_NOTPOSSIBLE,
		user_r->messages < 0 ?
		t_strdup_printf("Whether %s has mail cannot be told: name "
				"another user", target) :
		t_strdup_printf("%s has mail (%lld messages): name another "
				"user", target,
				(long long)user_r->messages));
}

/* by_group: what a group must be able to do for its members. */
static bool aim_may(const struct lazy_expunge_account_user *user,
		    const struct stat *st, mode_t by_group)
{
	gid_t gid;

	if (user->uid == 0 || st->st_uid == user->uid)
		return TRUE;
	if ((st->st_mode & by_group) == by_group) {
		array_foreach_elem(&user->gids, gid) {
			if (gid == st->st_gid)
				return TRUE;
		}
	}
	return FALSE;
}

static bool aim_fail(const struct lazy_expunge_account_user *user,
		     const char *path, const struct stat *st,
		     const char **error_r)
{
	*error_r = t_strdup_printf("%s belongs to uid %ld, and %s is uid %ld: "
		"give this uid the files (chown -R), or the user the other uid",
		path, (long)st->st_uid, user->username, (long)user->uid);
	return FALSE;
}

/* What this plugin has in a home is its user's alone. */
static bool aim_owns_files(const struct lazy_expunge_account_user *user,
			   const char *home, const char **error_r)
{
	const struct dirent *entry;
	const char *path;
	struct stat st;
	DIR *dir = opendir(home);
	bool ok = TRUE;

	if (dir == NULL)
		return TRUE;
	while (ok && (entry = readdir(dir)) != NULL) T_BEGIN {
		path = t_strconcat(home, "/", entry->d_name, NULL);
		if (lazy_expunge_place_has_name(entry->d_name) &&
		    lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
		    !aim_may(user, &st, S_IRGRP | S_IWGRP))
			ok = aim_fail(user, path, &st, error_r);
	} T_END_PASS_STR_IF(!ok, error_r);
	(void)closedir(dir);
	return ok;
}

/* Returns FALSE if the mail is another's, and the user is no member of a group that
   may do all with it. */
static bool aim_owns(const struct lazy_expunge_account *account,
		     const struct lazy_expunge_account_user *user,
		     const char **error_r)
{
	const struct lazy_expunge_account_place *place;
	const struct lazy_expunge_account_part *part;
	const char *path;
	struct stat st;

	array_foreach(&account->places, place) {
		const bool home = strcmp(place->key, "home") == 0;

		if (!home && !str_begins_with(place->key, "mail "))
			continue;
		part = array_idx(&account->parts, place->part);
		path = t_strconcat(part->to, place->below, NULL);
		if (stat(path, &st) < 0) {
			path = t_strconcat(part->from, place->below, NULL);
			if (stat(path, &st) < 0)
				continue;
		}
		if (home ? !aim_owns_files(user, path, error_r) :
		    !aim_may(user, &st, S_IRWXG) &&
		    !aim_fail(user, path, &st, error_r))
			return FALSE;
	}
	return TRUE;
}

static bool aim_at(struct lazy_expunge_account_cmd *cmd,
		   struct lazy_expunge_account *account, const char *target,
		   struct lazy_expunge_account_user *user_r)
{
	const char *error;

	if (!aim_check_user(cmd, target, user_r))
		return FALSE;
	if (lazy_expunge_places_aim(account, cmd->registry.pool, &user_r->paths,
				    &error) < 0 ||
	    !aim_owns(account, user_r, &error)) {
		return lazy_expunge_account_cmd_fail(cmd,
			DOVEADM_EX_NOTPOSSIBLE, error);
	}
	account->target = p_strdup(cmd->registry.pool, user_r->username);
	return TRUE;
}

bool lazy_expunge_account_aim_plan(struct lazy_expunge_account_cmd *cmd,
				   struct lazy_expunge_account *account,
				   const char *target)
{
	struct lazy_expunge_account_user user;

	return aim_at(cmd, account, target, &user);
}

bool lazy_expunge_account_aim(struct lazy_expunge_account_cmd *cmd,
			      struct lazy_expunge_account *account,
			      const char *target)
{
	struct lazy_expunge_account_user user;
	const struct lazy_expunge_account_part *part;
	struct stat st;

	if (!aim_at(cmd, account, target, &user) ||
	    !aim_give_way(cmd, &user, account))
		return FALSE;
	part = array_front(&account->parts);
	/* the name, to which another command may bring something, too; where
	   there is no directory yet, the gate alone sees to that */
	return strcmp(account->target, account->user) == 0 ||
		stat(lazy_expunge_path_parent(part->dest), &st) < 0 ||
		lazy_expunge_account_cmd_lock(cmd,
			lazy_expunge_accounts_dir(part->dest), account->target);
}
