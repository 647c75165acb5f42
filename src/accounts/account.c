/* Series of steps of whole accounts. */

#include "lib.h"
#include "array.h"
#include "fdatasync-path.h"
#include "istream.h"
#include "sleep.h"
#include "compat/dovecot.h"
#include "core/hold-file.h"
#include "accounts/account.h"
#include "accounts/commits.h"
#include "accounts/holders.h"
#include "accounts/moves.h"
#include "accounts/registry.h"
#include "accounts/remove.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* for how long a moment is waited for in which nobody saves mail */
#define TAKE_SECS 20
#define TAKE_MSECS 20

static const struct lazy_expunge_account_part *
last_part(const struct lazy_expunge_account *account)
{
	unsigned int count;
	const struct lazy_expunge_account_part *parts =
		array_get(&account->parts, &count);

	return parts + count - 1;
}

/* The INBOX's part goes first, and comes back last: who finds its gate does not
   get at the others. */
static int take_parts(struct lazy_expunge_account *account,
		      const char **error_r)
{
	const struct lazy_expunge_account_part *part;

	array_foreach(&account->parts, part) {
		if (lazy_expunge_moves_take(account, part, error_r) < 0)
			return -1;
	}
	return 0;
}

static int open_parts(struct lazy_expunge_account *account,
		      const char **error_r)
{
	const struct lazy_expunge_account_part *first =
		array_front(&account->parts);
	const struct lazy_expunge_account_part *part;

	for (part = last_part(account); part >= first; part--) {
		if (lazy_expunge_moves_open(account, part->from, error_r) < 0)
			return -1;
	}
	return 0;
}

/* Returns 1 if a part of it is away already, 0 if none is, -1 and the error. */
static int take_has_begun(const struct lazy_expunge_account *account,
			  const char **error_r)
{
	const struct lazy_expunge_account_part *part;
	enum lazy_expunge_found found;

	array_foreach(&account->parts, part) {
		if (lazy_expunge_moves_look(account, part->from, &found,
					    error_r) < 0)
			return -1;
		if (found == LAZY_EXPUNGE_FOUND_GATE)
			return 1;
	}
	return 0;
}

/* Somebody may just have been making the account. Returns TRUE if nothing of it
   has come to where nothing was when its parts were looked for. */
static bool take_is_all(const struct lazy_expunge_account *account,
			const char **error_r)
{
	const struct lazy_expunge_account_part *part;
	const char *path;
	struct stat st;

	if (!array_is_created(&account->absent))
		return TRUE;
	array_foreach_elem(&account->absent, path) {
		bool inside = FALSE;

		array_foreach(&account->parts, part) {
			inside = inside || lazy_expunge_account_path_is_below(
				path, part->from);
		}
		if (!inside && lstat(path, &st) == 0) {
			*error_r = t_strdup_printf("%s came to be in the "
				"meantime: run the same command again", path);
			return FALSE;
		}
	}
	return TRUE;
}

/* Whoever is at work in the account would have its paths go from under him: so
   it is taken in a moment in which nobody is. Returns 0, or -1 and the error. */
static int take_parts_quietly(struct lazy_expunge_account *account,
			      const char *base_dir, const char **error_r)
{
	const time_t end = time(NULL) + TAKE_SECS;
	struct lazy_expunge_commits commits;
	int ret;

	do {
		if (lazy_expunge_holders_wait(account, base_dir, error_r) < 0 ||
		    !take_is_all(account, error_r))
			return -1;
		ret = lazy_expunge_commits_lock(account, &commits, error_r);
		if (ret > 0) {
			ret = take_parts(account, error_r);
			lazy_expunge_commits_unlock(&commits);
			return ret;
		}
		if (ret < 0)
			return -1;
		i_sleep_msecs(TAKE_MSECS);
	} while (time(NULL) < end);
	*error_r = "Somebody has locked the map of the account's mdbox storage: "
		"run the same command again when that has ended";
	return -1;
}

/* Nothing is taken yet, unless that was begun before and interrupted. */
static int take_away(struct lazy_expunge_account *account, const char *base_dir,
		     const char **error_r)
{
	const char *error;
	int begun = take_has_begun(account, error_r);

	if (begun < 0)
		return -1;
	if (begun > 0)
		return take_parts(account, error_r);
	if (take_parts_quietly(account, base_dir, error_r) == 0)
		return 0;
	/* it is as if nobody had asked for it, if that can be */
	if (take_has_begun(account, &error) == 0)
		(void)lazy_expunge_moves_forget(account, &error);
	return -1;
}

int lazy_expunge_account_take(struct lazy_expunge_account *account,
			      const char *base_dir, const char *state_dir,
			      const char **error_r)
{
	const struct lazy_expunge_account_part *first =
		array_front(&account->parts);

	if (lazy_expunge_registry_remember(state_dir,
			lazy_expunge_accounts_dir(first->from), error_r) < 0 ||
	    lazy_expunge_moves_prepare(account, error_r) < 0 ||
	    lazy_expunge_registry_write(account, error_r) < 0)
		return -1;
	lazy_expunge_holders_kick(base_dir, account->user);
	if (take_away(account, base_dir, error_r) < 0)
		return -1;
	/* who came in the meantime */
	lazy_expunge_holders_kick(base_dir, account->user);
	if (lazy_expunge_holders_wait(account, base_dir, error_r) < 0 ||
	    open_parts(account, error_r) < 0)
		return -1;
	return lazy_expunge_registry_step(account, LAZY_EXPUNGE_ACCOUNT_DELETED,
					  error_r);
}

/* Where the settings have the place now: in its part, or where that is brought
   to. NULL if the account has it not. */
static const char *
place_path(const struct lazy_expunge_account *account, const char *key,
	   bool brought)
{
	const struct lazy_expunge_account_place *place;
	const struct lazy_expunge_account_part *part;

	array_foreach(&account->places, place) {
		if (strcmp(place->key, key) != 0)
			continue;
		part = array_idx(&account->parts, place->part);
		return t_strconcat(brought ? part->dest : part->to,
				   place->below, NULL);
	}
	return NULL;
}

/* dbox has a link in its directory that leads to the alternative one. */
static int bring_alt_link(const struct lazy_expunge_account *account,
			  const char *prefix, const char **error_r)
{
	const char *dir, *alt, *path, *temp;
	struct stat st;

	dir = place_path(account, t_strconcat("mail ", prefix, NULL), FALSE);
	alt = place_path(account, t_strconcat("alt ", prefix, NULL), TRUE);
	if (dir == NULL || alt == NULL)
		return 0;
	path = t_strconcat(dir, "/dbox-alt-root", NULL);
	temp = t_strconcat(path, ".new", NULL);
	if (lstat(path, &st) < 0 || !S_ISLNK(st.st_mode))
		return 0;
	(void)unlink(temp);
	if (symlink(alt, temp) < 0 ||
	    lchown(temp, st.st_uid, st.st_gid) < 0 || rename(temp, path) < 0) {
		*error_r = t_strdup_printf("symlink(%s) failed: %m", path);
		return -1;
	}
	return 0;
}

static int bring_alt_links(const struct lazy_expunge_account *account,
			   const char **error_r)
{
	const struct lazy_expunge_account_place *place;

	array_foreach(&account->places, place) {
		if (str_begins_with(place->key, "alt ") &&
		    bring_alt_link(account, place->key + strlen("alt "),
				   error_r) < 0)
			return -1;
	}
	return 0;
}

/* Somebody uses the name again, and nothing was brought yet. */
static void bring_undo(struct lazy_expunge_account *account)
{
	const struct lazy_expunge_account_part *part;
	enum lazy_expunge_found found;
	const char *error;

	array_foreach(&account->parts, part) {
		if (lazy_expunge_moves_look(account, part->to, &found,
					    &error) < 0 ||
		    (found == LAZY_EXPUNGE_FOUND_GATE))
			return;
	}
	array_foreach(&account->parts, part)
		(void)lazy_expunge_moves_open(account, part->dest, &error);
	(void)lazy_expunge_registry_step(account, LAZY_EXPUNGE_ACCOUNT_DELETED,
					 &error);
}

int lazy_expunge_account_bring(struct lazy_expunge_account *account,
			       const char **error_r)
{
	const struct lazy_expunge_account_part *first =
		array_front(&account->parts);
	const struct lazy_expunge_account_part *part;

	if (lazy_expunge_registry_step(account, LAZY_EXPUNGE_ACCOUNT_BRINGING,
				       error_r) < 0 ||
	    bring_alt_links(account, error_r) < 0)
		return -1;
	array_foreach(&account->parts, part) {
		if (lazy_expunge_moves_close(account, part, error_r) < 0) {
			bring_undo(account);
			return -1;
		}
	}
	for (part = last_part(account); part >= first; part--) {
		if (lazy_expunge_moves_bring(account, part, error_r) < 0)
			return -1;
	}
	return 0;
}

int lazy_expunge_account_forget(struct lazy_expunge_account *account,
				const char **error_r)
{
	return lazy_expunge_moves_forget(account, error_r);
}

/* What cannot be removed as a whole is not begun. */
static int purge_look(const struct lazy_expunge_account *account,
		      const char **error_r)
{
	const struct lazy_expunge_account_part *part;
	struct lazy_expunge_purged counted;

	i_zero(&counted);
	array_foreach(&account->parts, part) {
		if (lazy_expunge_count_tree(part->to, &counted.paths,
					    &counted.files, &counted.bytes,
					    error_r) < 0)
			return -1;
	}
	return 0;
}

int lazy_expunge_account_purge(struct lazy_expunge_account *account,
			       struct lazy_expunge_purged *purged_r,
			       const char **error_r)
{
	const struct lazy_expunge_account_part *part;

	i_zero(purged_r);
	if (account->step != LAZY_EXPUNGE_ACCOUNT_PURGING &&
	    purge_look(account, error_r) < 0)
		return -1;
	if (lazy_expunge_registry_step(account, LAZY_EXPUNGE_ACCOUNT_PURGING,
				       error_r) < 0)
		return -1;
	array_foreach(&account->parts, part) {
		if (lazy_expunge_remove_tree(part->to, &purged_r->paths,
					     &purged_r->files, &purged_r->bytes,
					     error_r) < 0)
			return -1;
		/* the record must not be gone before them; the directory may
		   have gone when this was interrupted */
		if (fdatasync_path(lazy_expunge_path_parent(part->to)) < 0 &&
		    errno != ENOENT) {
			*error_r = t_strdup_printf("fdatasync_path(%s) failed: "
				"%m", lazy_expunge_path_parent(part->to));
			return -1;
		}
	}
	return lazy_expunge_moves_forget(account, error_r);
}

/* A user may have put anything there: nothing but a file is read, and nothing
   waited for. Returns 1, 0 if there is none, -1. */
static int holds_open(const char *path, int *fd_r)
{
	struct stat st;
	int fd;

	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		i_close_fd(&fd);
		return -1;
	}
	*fd_r = fd;
	return 1;
}

/* Returns the name of an active hold in the file, NULL if there is none. What
   cannot be read holds. */
static const char *held_by_file(const char *path, time_t now)
{
	ARRAY_TYPE(lazy_expunge_hold) holds;
	const struct lazy_expunge_hold *hold;
	const char *error = "it cannot be read", *name = NULL;
	const unsigned char *data;
	struct istream *input;
	size_t size;
	pool_t pool;
	int fd = -1, ret = holds_open(path, &fd);

	if (ret == 0)
		return NULL;
	if (ret < 0)
		return t_strdup_printf("(%s: %s)", path, error);
	pool = pool_alloconly_create("lazy_expunge account holds", 1024);
	p_array_init(&holds, pool, 4);
	input = i_stream_create_fd(fd, LAZY_EXPUNGE_HOLD_FILE_MAX);
	while (i_stream_read(input) > 0) ;
	data = i_stream_get_data(input, &size);
	if (input->stream_errno != 0 ||
	    lazy_expunge_hold_file_parse((const char *)data, size, pool,
					 &holds, &error) < 0)
		name = t_strdup_printf("(%s: %s)", path, error);
	else array_foreach(&holds, hold) {
		if (lazy_expunge_hold_is_active(hold, now))
			name = t_strdup(hold->name);
	}
	i_stream_unref(&input);
	i_close_fd(&fd);
	pool_unref(&pool);
	return name;
}

static int path_cmp(const char *const *path, const char *const *other)
{
	return strcmp(*path, *other);
}

/* In a home the names begin with a dot, but for those of the first version. */
static const char *held_below(const char *dir, bool control,
			      ARRAY_TYPE(const_string) *seen, time_t now)
{
	static const char *const names[] = {
		"/"LAZY_EXPUNGE_HOLDS_FNAME, "/."LAZY_EXPUNGE_HOLDS_FNAME
	};
	const char *path, *name = NULL;

	for (unsigned int i = 0; i < (control ? 1 : 2) && name == NULL; i++) {
		path = t_strconcat(dir, names[i], NULL);
		if (array_lsearch(seen, &path, path_cmp) != NULL)
			continue;
		array_push_back(seen, &path);
		name = held_by_file(path, now);
	}
	return name;
}

/* The file lies in the home, or without one with the control files; to look in
   both, and in all namespaces, does no harm. */
const char *
lazy_expunge_account_held_by(const struct lazy_expunge_account *account,
			     time_t now)
{
	const struct lazy_expunge_account_place *place;
	const struct lazy_expunge_account_part *part;
	ARRAY_TYPE(const_string) seen;
	const char *name;

	if (account->held)
		return "lazy_expunge_hold";
	t_array_init(&seen, 4);
	array_foreach(&account->places, place) {
		const bool control = str_begins_with(place->key, "control ");

		if (strcmp(place->key, "home") != 0 &&
		    !str_begins_with(place->key, "home ") && !control)
			continue;
		part = array_idx(&account->parts, place->part);
		name = held_below(t_strconcat(part->to, place->below, NULL),
				  control, &seen, now);
		if (name != NULL)
			return name;
	}
	return NULL;
}
