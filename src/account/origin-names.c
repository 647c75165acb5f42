/* Names of origins, see the header. */

#include "lib.h"
#include "array.h"
#include "hash.h"
#include "ioloop.h"
#include "str.h"
#include "mail-namespace.h"
#include "mailbox-list-iter.h"
#include "core/origin-id.h"
#include "account/origin-names-file.h"
#include "account/rename-log.h"
#include "account/user.h"
#include "account/origin-names.h"

#include <fcntl.h>

/* From this size on it is looked whether all names are needed. */
#define NAMES_MANY_SIZE (64 * 1024)
/* So long a name stays in the file that nothing needs. */
#define NAMES_UNNEEDED_SECS (24 * 3600)

struct origin_name {
	uint64_t id;
	const char *vname;
	/* it was seen as needed in the file with this generation */
	unsigned int file_gen;
	/* a mail, a mailbox or a rename has it */
	bool needed;
	/* lazy_expunge_origin_names_shrink(): the file has it, and since when it
	   says that nothing needs it, 0 = it is needed */
	bool listed;
	time_t since;
};

struct lazy_expunge_origin_names {
	pool_t pool;
	HASH_TABLE(uint64_t *, struct origin_name *) by_id;
	/* the file that names were read from or added to, counted from 1 on,
	   and how much of it was read */
	struct stat st;
	unsigned int file_gen;
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

static struct origin_name *
names_lookup(struct lazy_expunge_origin_names *names, uint64_t id)
{
	return hash_table_lookup(names->by_id, &id);
}

static struct origin_name *
names_remember(struct lazy_expunge_origin_names *names, const char *vname)
{
	uint64_t id = lazy_expunge_origin_id(vname), *key;
	struct origin_name *name = names_lookup(names, id);

	if (name != NULL)
		return name;
	name = p_new(names->pool, struct origin_name, 1);
	name->id = id;
	name->vname = p_strdup(names->pool, vname);
	key = &name->id;
	hash_table_insert(names->by_id, key, name);
	return name;
}

/* Who shrinks the file makes another one. */
static void names_set_file(struct lazy_expunge_origin_names *names,
			   const struct stat *st)
{
	if (names->file_gen == 0 || names->st.st_ino != st->st_ino ||
	    !CMP_DEV_T(names->st.st_dev, st->st_dev)) {
		names->file_gen++;
		names->read_size = 0;
	} else if (names->read_size > (uoff_t)st->st_size) {
		names->read_size = 0;
	}
	names->st = *st;
}

static void names_read_line(const char *vname, time_t since, void *context)
{
	struct lazy_expunge_origin_names *names = context;
	struct origin_name *name = names_remember(names, vname);

	if (since == 0)
		name->file_gen = names->file_gen;
}

static void names_read(struct mail_user *user)
{
	struct lazy_expunge_origin_names *names = names_get(user);
	struct lazy_expunge_origin_names_file file;
	const char *error;
	int ret;

	ret = lazy_expunge_origin_names_file_open(user, O_RDONLY, &file, &error);
	if (ret > 0) {
		names_set_file(names, &file.st);
		if (lazy_expunge_origin_names_file_read(&file,
					&names->read_size, names_read_line,
					names, &error) < 0)
			ret = -1;
		lazy_expunge_origin_names_file_close(&file);
	}
	if (ret < 0) {
		e_warning(user->event, "lazy_expunge: The names of origins "
			  "cannot be read: %s", error);
	}
}

void lazy_expunge_origin_names_add(struct mail_user *user, const char *vname)
{
	struct lazy_expunge_origin_names *names = names_get(user);
	struct origin_name *name = names_remember(names, vname);
	const char *error;
	struct stat st;
	int ret;

	T_BEGIN {
		if (name->file_gen != 0 && name->file_gen == names->file_gen &&
		    lazy_expunge_origin_names_file_is(user, &names->st))
			ret = 1;
		else {
			ret = lazy_expunge_origin_names_file_add(user, vname,
								 &st, &error);
			if (ret >= 0)
				names_set_file(names, &st);
			name->file_gen = ret > 0 ? names->file_gen : 0;
		}
		if (ret < 0) {
			e_warning(user->event, "lazy_expunge: The origin %s "
				  "cannot be remembered: %s", vname, error);
		} else if (ret == 0 && !names->full_said) {
			names->full_said = TRUE;
			e_warning(user->event, "lazy_expunge: %s has reached "
				  "its limit of %u bytes",
				  LAZY_EXPUNGE_ORIGIN_NAMES_FNAME,
				  LAZY_EXPUNGE_ORIGIN_NAMES_MAX_SIZE);
		}
	} T_END;
}

/* Returns FALSE if not all could be listed. */
static bool names_look_mailboxes(struct mail_user *user,
				 struct lazy_expunge_origin_names *names)
{
	const enum mailbox_list_iter_flags flags =
		MAILBOX_LIST_ITER_RAW_LIST | MAILBOX_LIST_ITER_NO_AUTO_BOXES |
		MAILBOX_LIST_ITER_RETURN_NO_FLAGS;
	struct mailbox_list_iterate_context *iter;
	const struct mailbox_info *info;
	struct mail_namespace *ns;
	bool all = TRUE;

	names_remember(names, "INBOX")->needed = TRUE;
	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		if (ns->type != MAIL_NAMESPACE_TYPE_PRIVATE &&
		    ns->type != MAIL_NAMESPACE_TYPE_PUBLIC)
			continue;
		iter = mailbox_list_iter_init(ns->list,
			t_strconcat(ns->prefix, "*", NULL), flags);
		while ((info = mailbox_list_iter_next(iter)) != NULL)
			names_remember(names, info->vname)->needed = TRUE;
		if (mailbox_list_iter_deinit(&iter) < 0)
			all = FALSE;
	}
	return all;
}

static void names_look_renames(struct mail_user *user,
			       struct lazy_expunge_origin_names *names)
{
	ARRAY_TYPE(lazy_expunge_rename) renames;
	const struct lazy_expunge_rename *rename;

	t_array_init(&renames, 16);
	lazy_expunge_renamed_read(user, names->pool, &renames);
	array_foreach(&renames, rename) {
		if (*rename->old_name != '\0')
			names_remember(names, rename->old_name)->needed = TRUE;
		if (*rename->new_name != '\0')
			names_remember(names, rename->new_name)->needed = TRUE;
	}
}

const char *
lazy_expunge_origin_names_find(struct mail_user *user, uint64_t id)
{
	struct lazy_expunge_origin_names *names = names_get(user);
	struct origin_name *name = names_lookup(names, id);

	/* many mails may have one that is lost */
	if (name != NULL || names->missed == ioloop_time)
		return name == NULL ? NULL : name->vname;
	T_BEGIN {
		names_read(user);
	} T_END;
	name = names_lookup(names, id);
	if (name == NULL && !names->looked) {
		names->looked = TRUE;
		T_BEGIN {
			/* it is a guess at best */
			(void)names_look_mailboxes(user, names);
			names_look_renames(user, names);
		} T_END;
		name = names_lookup(names, id);
	}
	if (name == NULL)
		names->missed = ioloop_time;
	return name == NULL ? NULL : name->vname;
}

bool lazy_expunge_origin_names_are_many(struct mail_user *user)
{
	struct lazy_expunge_origin_names_file file;
	const char *error;
	bool many = FALSE;

	T_BEGIN {
		if (lazy_expunge_origin_names_file_open(user, O_RDONLY, &file,
							&error) > 0) {
			many = file.st.st_size >= NAMES_MANY_SIZE;
			lazy_expunge_origin_names_file_close(&file);
		}
	} T_END;
	return many;
}

struct names_shrink {
	struct lazy_expunge_origin_names *names;
	/* those of the file, in its order */
	ARRAY(struct origin_name *) listed;
	/* the file would not be as it was */
	bool changed;
};

static void names_shrink_line(const char *vname, time_t since, void *context)
{
	struct names_shrink *shrink = context;
	struct origin_name *name = names_remember(shrink->names, vname);

	if (!name->listed) {
		name->listed = TRUE;
		name->since = since;
		array_push_back(&shrink->listed, &name);
		return;
	}
	shrink->changed = TRUE;
	/* it was added again after it had been marked */
	if (since == 0)
		name->since = 0;
}

/* The lines of the new file. */
static string_t *names_shrink_lines(struct names_shrink *shrink, time_t now)
{
	string_t *lines = t_str_new(NAMES_MANY_SIZE);
	struct origin_name *name;
	time_t since;

	array_foreach_elem(&shrink->listed, name) {
		since = name->needed ? 0 :
			(name->since == 0 ? now : name->since);
		if (since != name->since)
			shrink->changed = TRUE;
		if (since != 0 && since + NAMES_UNNEEDED_SECS <= now) {
			shrink->changed = TRUE;
			continue;
		}
		lazy_expunge_origin_names_line_append(lines, name->vname,
						      since);
	}
	return lines;
}

static int names_shrink_file(struct lazy_expunge_origin_names *names,
			     struct lazy_expunge_origin_names_file *file,
			     time_t now, const char **error_r)
{
	struct names_shrink shrink = { .names = names };
	uoff_t offset = 0;
	string_t *lines;
	int ret;

	i_array_init(&shrink.listed, 1024);
	ret = lazy_expunge_origin_names_file_read(file, &offset,
						  names_shrink_line, &shrink,
						  error_r);
	if (ret == 0) {
		lines = names_shrink_lines(&shrink, now);
		if (shrink.changed) {
			ret = lazy_expunge_origin_names_file_replace(file,
						lines, offset, error_r);
		}
	}
	array_free(&shrink.listed);
	return ret;
}

int lazy_expunge_origin_names_shrink(struct mail_user *user,
				     const ARRAY_TYPE(const_string) *needed,
				     time_t now, const char **error_r)
{
	struct lazy_expunge_origin_names *names = names_get(user);
	struct lazy_expunge_origin_names_file file;
	const char *vname;
	int ret;

	array_foreach_elem(needed, vname) {
		if (*vname != '\0')
			names_remember(names, vname)->needed = TRUE;
	}
	names_look_renames(user, names);
	if (!names_look_mailboxes(user, names)) {
		*error_r = "The user's mailboxes cannot be listed";
		return -1;
	}
	ret = lazy_expunge_origin_names_file_open(user, O_RDONLY, &file,
						  error_r);
	if (ret <= 0)
		return ret;
	ret = names_shrink_file(names, &file, now, error_r);
	lazy_expunge_origin_names_file_close(&file);
	return ret;
}
