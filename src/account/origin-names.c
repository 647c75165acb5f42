/* Names of origins, see the header. */

#include "lib.h"
#include "array.h"
#include "hash.h"
#include "ioloop.h"
#include "istream.h"
#include "str.h"
#include "strescape.h"
#include "write-full.h"
#include "mail-namespace.h"
#include "mailbox-list-iter.h"
#include "core/origin-id.h"
#include "account/files.h"
#include "account/rename-log.h"
#include "account/user.h"
#include "account/origin-names.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Names have 4096 bytes at most (MAILBOX_LIST_NAME_MAX_LENGTH), and escapes
   double them. */
#define NAMES_MAX_LINE (2 * 4096 + 2)
/* Some hundred thousand names. With this much no more are written: they are
   still found as long as their mailboxes exist. */
#define NAMES_MAX_SIZE (8 * 1024 * 1024)

struct lazy_expunge_origin_names {
	pool_t pool;
	HASH_TABLE(uint64_t *, char *) by_id;
	/* the file that was read, and how much of it */
	dev_t dev;
	ino_t ino;
	uoff_t read_size;
	/* when a name was looked for there in vain */
	time_t missed;
	/* mailboxes and renames were looked through */
	bool looked;
	bool full_said;
};

static unsigned int id_hash(const uint64_t *id)
{
	return (unsigned int)*id;
}

static int id_cmp(const uint64_t *id1, const uint64_t *id2)
{
	return *id1 == *id2 ? 0 : 1;
}

static void names_free(struct lazy_expunge_user *luser,
		       void *context ATTR_UNUSED)
{
	struct lazy_expunge_origin_names *names = luser->origin_names;

	luser->origin_names = NULL;
	hash_table_destroy(&names->by_id);
	pool_unref(&names->pool);
}

static struct lazy_expunge_origin_names *names_get(struct mail_user *user)
{
	struct lazy_expunge_user *luser = lazy_expunge_user_get(user);
	struct lazy_expunge_origin_names *names = luser->origin_names;
	pool_t pool;

	if (names != NULL)
		return names;
	pool = pool_alloconly_create("lazy_expunge origin names", 1024);
	names = p_new(pool, struct lazy_expunge_origin_names, 1);
	names->pool = pool;
	hash_table_create(&names->by_id, default_pool, 0, id_hash, id_cmp);
	luser->origin_names = names;
	lazy_expunge_user_on_deinit(luser, names_free, NULL);
	return names;
}

static const char *
names_lookup(struct lazy_expunge_origin_names *names, uint64_t id)
{
	return hash_table_lookup(names->by_id, &id);
}

static void names_remember(struct lazy_expunge_origin_names *names,
			   const char *vname)
{
	uint64_t id = lazy_expunge_origin_id(vname), *key;
	char *value;

	if (*vname == '\0' || names_lookup(names, id) != NULL)
		return;
	key = p_new(names->pool, uint64_t, 1);
	*key = id;
	value = p_strdup(names->pool, vname);
	hash_table_insert(names->by_id, key, value);
}

static void names_read_fd(struct mail_user *user, const char *path, int fd,
			  const struct stat *st)
{
	struct lazy_expunge_origin_names *names = names_get(user);
	struct istream *input;
	const char *line;

	/* it is only appended to */
	if (names->ino != st->st_ino || !CMP_DEV_T(names->dev, st->st_dev) ||
	    names->read_size > (uoff_t)st->st_size)
		names->read_size = 0;
	names->dev = st->st_dev;
	names->ino = st->st_ino;
	input = i_stream_create_fd(fd, NAMES_MAX_LINE);
	i_stream_seek(input, names->read_size);
	while ((line = i_stream_read_next_line(input)) != NULL) T_BEGIN {
		names_remember(names, t_str_tabunescape(line));
		names->read_size = input->v_offset;
	} T_END;
	if (input->stream_errno != 0) {
		e_warning(user->event, "lazy_expunge: read(%s) failed: %s",
			  path, i_stream_get_error(input));
	}
	i_stream_destroy(&input);
}

static void names_read(struct mail_user *user)
{
	const char *path, *error;
	struct stat st;
	int fd, ret;

	path = lazy_expunge_place_path(user, LAZY_EXPUNGE_ORIGIN_NAMES_FNAME);
	if (path == NULL)
		return;
	ret = lazy_expunge_place_open(path, O_RDONLY, &fd, &error);
	if (ret > 0 && fstat(fd, &st) < 0) {
		error = t_strdup_printf("fstat(%s) failed: %m", path);
		i_close_fd(&fd);
		ret = -1;
	}
	if (ret < 0) {
		e_warning(user->event, "lazy_expunge: The names of origins "
			  "cannot be read: %s", error);
	}
	if (ret <= 0)
		return;
	names_read_fd(user, path, fd, &st);
	i_close_fd(&fd);
}

static int names_append_fd(int fd, const char *path, const struct stat *st,
			   const char *vname, const char **error_r)
{
	string_t *line = t_str_new(128);
	char last = '\n';

	/* a line that was cut off must not take this one with it */
	if (st->st_size > 0 && pread(fd, &last, 1, st->st_size - 1) == 1 &&
	    last != '\n')
		str_append_c(line, '\n');
	str_append_tabescaped(line, vname);
	str_append_c(line, '\n');
	/* two who add the same name at once do no harm */
	if (write_full(fd, str_data(line), str_len(line)) < 0) {
		*error_r = t_strdup_printf("write(%s) failed: %m", path);
		return -1;
	}
	return 0;
}

static int names_append(struct mail_user *user, const char *vname,
			const char **error_r)
{
	struct lazy_expunge_origin_names *names = names_get(user);
	const char *path;
	struct stat st;
	int fd, ret;

	path = lazy_expunge_place_path(user, LAZY_EXPUNGE_ORIGIN_NAMES_FNAME);
	if (path == NULL) {
		*error_r = "The user has no place for it";
		return -1;
	}
	ret = lazy_expunge_place_open(path, O_RDWR | O_CREAT | O_APPEND, &fd,
				      error_r);
	if (ret == 0) {
		*error_r = t_strdup_printf("%s cannot be made: its directory "
					   "is gone", path);
	}
	if (ret <= 0)
		return -1;
	if (fstat(fd, &st) < 0) {
		*error_r = t_strdup_printf("fstat(%s) failed: %m", path);
		i_close_fd(&fd);
		return -1;
	}
	ret = 0;
	names_read_fd(user, path, fd, &st);
	if (names_lookup(names, lazy_expunge_origin_id(vname)) != NULL)
		; /* another session was quicker */
	else if (st.st_size < NAMES_MAX_SIZE) {
		ret = names_append_fd(fd, path, &st, vname, error_r);
	} else if (!names->full_said) {
		names->full_said = TRUE;
		e_warning(user->event, "lazy_expunge: %s has reached its "
			  "limit of %u bytes", path, NAMES_MAX_SIZE);
	}
	i_close_fd(&fd);
	return ret;
}

void lazy_expunge_origin_names_add(struct mail_user *user, const char *vname)
{
	struct lazy_expunge_origin_names *names = names_get(user);
	const char *error;

	if (names_lookup(names, lazy_expunge_origin_id(vname)) != NULL)
		return;
	T_BEGIN {
		if (names_append(user, vname, &error) < 0) {
			e_warning(user->event, "lazy_expunge: The origin %s "
				  "cannot be remembered: %s", vname, error);
		}
	} T_END;
	names_remember(names, vname);
}

static void names_look_mailboxes(struct mail_user *user,
				 struct lazy_expunge_origin_names *names)
{
	const enum mailbox_list_iter_flags flags =
		MAILBOX_LIST_ITER_RAW_LIST | MAILBOX_LIST_ITER_NO_AUTO_BOXES |
		MAILBOX_LIST_ITER_RETURN_NO_FLAGS;
	struct mailbox_list_iterate_context *iter;
	const struct mailbox_info *info;
	struct mail_namespace *ns;

	names_remember(names, "INBOX");
	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		if (ns->type != MAIL_NAMESPACE_TYPE_PRIVATE &&
		    ns->type != MAIL_NAMESPACE_TYPE_PUBLIC)
			continue;
		iter = mailbox_list_iter_init(ns->list,
			t_strconcat(ns->prefix, "*", NULL), flags);
		while ((info = mailbox_list_iter_next(iter)) != NULL)
			names_remember(names, info->vname);
		/* it is a guess at best */
		(void)mailbox_list_iter_deinit(&iter);
	}
}

static void names_look_renames(struct mail_user *user,
			       struct lazy_expunge_origin_names *names)
{
	ARRAY_TYPE(lazy_expunge_rename) renames;
	const struct lazy_expunge_rename *rename;

	t_array_init(&renames, 16);
	lazy_expunge_renamed_read(user, names->pool, &renames);
	array_foreach(&renames, rename) {
		names_remember(names, rename->old_name);
		names_remember(names, rename->new_name);
	}
}

const char *
lazy_expunge_origin_names_find(struct mail_user *user, uint64_t id)
{
	struct lazy_expunge_origin_names *names = names_get(user);
	const char *vname = names_lookup(names, id);

	/* many mails may have one that is lost */
	if (vname != NULL || names->missed == ioloop_time)
		return vname;
	T_BEGIN {
		names_read(user);
	} T_END;
	vname = names_lookup(names, id);
	if (vname == NULL && !names->looked) {
		names->looked = TRUE;
		T_BEGIN {
			names_look_mailboxes(user, names);
			names_look_renames(user, names);
		} T_END;
		vname = names_lookup(names, id);
	}
	if (vname == NULL)
		names->missed = ioloop_time;
	return vname;
}
