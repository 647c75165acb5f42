/* Restore intent: a list in a file, replaced as a whole. A line has a GUID, and the
   mailbox after a tab; without that an older version has written it. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "istream.h"
#include "str.h"
#include "strescape.h"
#include "mail-user.h"
#include "account/files.h"
#include "restore/intent.h"

#include <fcntl.h>
#include <sys/stat.h>

#define INTENT_FNAME "dovecot.lazy-expunge.restoring"
/* A mail that is deleted there again and put back by the user looks the same. */
#define INTENT_KEEP_SECS (30*24*3600)

struct lazy_expunge_restore_intent {
	pool_t pool;
	struct mail_user *user;
	/* NULL: there is no place for it, and nothing is recorded */
	const char *path;
	/* lines by an interrupted restore */
	ARRAY_TYPE(const_string) left;
	/* those by this one */
	ARRAY(char *) added;
	/* mailboxes that this one has mails for */
	ARRAY_TYPE(const_string) visited;
	/* when the interrupted one wrote */
	struct timespec left_time;
	/* the file is not as it was read */
	bool written;
	/* a commit of this one failed, so that left has mails of it */
	bool keep;
	/* left has not all that was in the file, or it was too old */
	bool damaged;
};

static void intent_free(struct lazy_expunge_restore_intent *intent)
{
	char *added;

	array_foreach_elem(&intent->added, added)
		i_free(added);
	array_free(&intent->added);
	pool_unref(&intent->pool);
}

static int intent_read(struct lazy_expunge_restore_intent *intent,
		       const char **error_r)
{
	struct istream *input;
	struct stat st;
	const char *line;
	int fd, ret;

	ret = lazy_expunge_place_open(intent->path, O_RDONLY, &fd, error_r);
	if (ret <= 0)
		return ret;
	if (fstat(fd, &st) == 0) {
		intent->left_time = st.st_mtim;
		if (ioloop_time - st.st_mtime > INTENT_KEEP_SECS) {
			intent->damaged = TRUE;
			i_close_fd(&fd);
			return 0;
		}
	}
	input = i_stream_create_fd_autoclose(&fd, 4096);
	while ((line = i_stream_read_next_line(input)) != NULL) {
		line = p_strdup(intent->pool, line);
		array_push_back(&intent->left, &line);
	}
	if (input->stream_errno != 0) {
		/* as a crash leaves it; only the flags of a mail that was cut
		   off depend on it */
		e_warning(intent->user->event, "lazy_expunge: read(%s) failed: "
			  "%s: what an interrupted restore was copying is "
			  "known in part", intent->path,
			  i_stream_get_error(input));
		intent->damaged = TRUE;
	}
	i_stream_destroy(&input);
	return 0;
}

int lazy_expunge_restore_intent_init(
	struct mail_user *user, struct lazy_expunge_restore_intent **intent_r,
	const char **error_r)
{
	struct lazy_expunge_restore_intent *intent;
	const char *path;
	pool_t pool;

	pool = pool_alloconly_create("lazy_expunge restore intent", 1024);
	intent = p_new(pool, struct lazy_expunge_restore_intent, 1);
	intent->pool = pool;
	intent->user = user;
	p_array_init(&intent->left, pool, 8);
	p_array_init(&intent->visited, pool, 4);
	i_array_init(&intent->added, 64);
	lazy_expunge_place_adopt(user, INTENT_FNAME);
	path = lazy_expunge_place_path(user, INTENT_FNAME);
	intent->path = p_strdup(pool, path);
	if (path != NULL && intent_read(intent, error_r) < 0) {
		intent_free(intent);
		return -1;
	}
	*intent_r = intent;
	return 0;
}

/* Where the GUID of the line ends. */
static const char *line_after_guid(const char *line)
{
	return line + strcspn(line, "\t");
}

/* Whether the line is of this mailbox. */
static bool line_is_of(const char *line, const char *target)
{
	const char *where = line_after_guid(line);

	return *where != '\0' &&
		strcmp(t_str_tabunescape(where + 1), target) == 0;
}

bool lazy_expunge_restore_intent_is_left(
				struct lazy_expunge_restore_intent *intent,
				const char *target)
{
	const char *left;

	array_foreach_elem(&intent->left, left) {
		if (*line_after_guid(left) == '\0' || line_is_of(left, target))
			return TRUE;
	}
	return intent->damaged;
}

bool lazy_expunge_restore_intent_has(struct lazy_expunge_restore_intent *intent,
				     const char *guid, const char *target,
				     bool exactly)
{
	const char *left, *where;

	array_foreach_elem(&intent->left, left) {
		where = line_after_guid(left);
		if (strlen(guid) != (size_t)(where - left) ||
		    memcmp(left, guid, where - left) != 0)
			continue;
		if (*where == '\0' ? !exactly : line_is_of(left, target))
			return TRUE;
	}
	return FALSE;
}

static bool intent_has_visited(struct lazy_expunge_restore_intent *intent,
			       const char *target)
{
	const char *visited;

	array_foreach_elem(&intent->visited, visited) {
		if (strcmp(visited, target) == 0)
			return TRUE;
	}
	return FALSE;
}

void lazy_expunge_restore_intent_visit(
				struct lazy_expunge_restore_intent *intent,
				const char *target)
{
	if (array_count(&intent->left) == 0 ||
	    intent_has_visited(intent, target))
		return;
	target = p_strdup(intent->pool, target);
	array_push_back(&intent->visited, &target);
}

void lazy_expunge_restore_intent_add(struct lazy_expunge_restore_intent *intent,
				     const char *guid, const char *target)
{
	char *line;

	/* a GUID with one of these in it cannot be told from two, or from its
	   mailbox */
	if (strpbrk(guid, "\t\n") != NULL)
		return;
	line = i_strdup_printf("%s\t%s", guid, str_tabescape(target));
	array_push_back(&intent->added, &line);
}

void lazy_expunge_restore_intent_write(
				struct lazy_expunge_restore_intent *intent)
{
	const char *guid, *error;
	char *added;
	string_t *text;

	if (intent->path == NULL)
		return;
	intent->written = TRUE;
	text = t_str_new(1024);
	array_foreach_elem(&intent->left, guid)
		str_printfa(text, "%s\n", guid);
	array_foreach_elem(&intent->added, added)
		str_printfa(text, "%s\n", added);
	if (lazy_expunge_place_replace(intent->user, intent->path,
				       str_data(text), str_len(text),
				       &error) < 0) {
		/* only the flags of a mail that is cut off depend on it */
		e_warning(intent->user->event, "lazy_expunge: %s", error);
	}
}

void lazy_expunge_restore_intent_clear(
				struct lazy_expunge_restore_intent *intent)
{
	char *added;

	array_foreach_elem(&intent->added, added)
		i_free(added);
	array_clear(&intent->added);
}

int lazy_expunge_restore_intent_forget(
	struct mail_user *user,
	bool (*is_erased)(void *context, const char *guid), void *context,
	const char **error_r)
{
	struct lazy_expunge_restore_intent *intent;
	unsigned int i = 0, before;
	const char *left;
	bool erased;

	if (lazy_expunge_restore_intent_init(user, &intent, error_r) < 0)
		return -1;
	before = array_count(&intent->left);
	while (i < array_count(&intent->left)) {
		left = array_idx_elem(&intent->left, i);
		T_BEGIN {
			erased = is_erased(context,
				t_strdup_until(left, line_after_guid(left)));
		} T_END;
		if (erased)
			array_delete(&intent->left, i, 1);
		else
			i++;
	}
	/* what is not written anew stays as it is */
	intent->keep = array_count(&intent->left) > 0;
	if (array_count(&intent->left) == before && !intent->damaged)
		intent->path = NULL;
	lazy_expunge_restore_intent_deinit(&intent);
	return 0;
}

void lazy_expunge_restore_intent_keep(
				struct lazy_expunge_restore_intent *intent)
{
	const char *guid;
	char *added;

	array_foreach_elem(&intent->added, added) {
		guid = p_strdup(intent->pool, added);
		array_push_back(&intent->left, &guid);
	}
	intent->keep = array_count(&intent->left) > 0;
}

/* All went well: what is left is what nobody has looked at. */
static void intent_drop_visited(struct lazy_expunge_restore_intent *intent)
{
	unsigned int i = 0;
	const char *where;

	while (i < array_count(&intent->left)) {
		where = line_after_guid(array_idx_elem(&intent->left, i));
		if (*where == '\0' ||
		    intent_has_visited(intent, t_str_tabunescape(where + 1))) {
			array_delete(&intent->left, i, 1);
			intent->written = TRUE;
		} else {
			i++;
		}
	}
}

/* As old as it was, so that it ends. */
static void intent_write_left(struct lazy_expunge_restore_intent *intent)
{
	const struct timespec times[2] = {
		{ .tv_nsec = UTIME_OMIT }, intent->left_time
	};

	lazy_expunge_restore_intent_write(intent);
	if (intent->path != NULL &&
	    utimensat(AT_FDCWD, intent->path, times, AT_SYMLINK_NOFOLLOW) < 0 &&
	    errno != ENOENT)
		e_warning(intent->user->event, "lazy_expunge: "
			  "utimensat(%s) failed: %m", intent->path);
}

void lazy_expunge_restore_intent_deinit(
				struct lazy_expunge_restore_intent **_intent)
{
	struct lazy_expunge_restore_intent *intent = *_intent;

	if (intent == NULL)
		return;
	*_intent = NULL;
	lazy_expunge_restore_intent_clear(intent);
	if (intent->keep) T_BEGIN {
		lazy_expunge_restore_intent_write(intent);
	} T_END;
	else T_BEGIN {
		intent_drop_visited(intent);
		if (array_count(&intent->left) == 0) {
			if (intent->path != NULL)
				i_unlink_if_exists(intent->path);
		} else if (intent->written || intent->damaged) {
			intent_write_left(intent);
		}
	} T_END;
	intent_free(intent);
}
