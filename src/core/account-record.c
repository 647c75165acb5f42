/* Records of deleted accounts. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "strescape.h"
#include "strnum.h"
#include "unichar.h"
#include "core/account-record.h"

#include <ctype.h>
#include <time.h>

#define RECORD_HEAD "lazy-expunge-account\t1"
#define RECORD_END "end"
/* of a user's name in an id: the rest is for time and number */
#define ID_USER_MAX 120

static const char *const step_names[] = {
	[LAZY_EXPUNGE_ACCOUNT_TAKING] = "deleting",
	[LAZY_EXPUNGE_ACCOUNT_DELETED] = "deleted",
	[LAZY_EXPUNGE_ACCOUNT_BRINGING] = "bringing",
	[LAZY_EXPUNGE_ACCOUNT_TELLING] = "telling",
	[LAZY_EXPUNGE_ACCOUNT_MERGING] = "merging",
	[LAZY_EXPUNGE_ACCOUNT_PURGING] = "purging",
};

const char *lazy_expunge_account_step_name(enum lazy_expunge_account_step step)
{
	return step_names[step];
}

const char *lazy_expunge_account_make_id(const char *user, time_t now,
					 uint32_t random)
{
	const struct tm *tm = gmtime(&now);
	string_t *id = t_str_new(64);

	for (const char *p = user; *p != '\0' && str_len(id) < ID_USER_MAX; p++) {
		if (i_isalnum(*p) || strchr("@+-_", *p) != NULL ||
		    (*p == '.' && p > user))
			str_append_c(id, *p);
		else
			str_printfa(id, "=%02x", (unsigned char)*p);
	}
	str_printfa(id, ".%04d%02d%02dT%02d%02d%02d.%08x", tm->tm_year + 1900,
		    tm->tm_mon + 1, tm->tm_mday, tm->tm_hour, tm->tm_min,
		    tm->tm_sec, random);
	return str_c(id);
}

bool lazy_expunge_account_is_id(const char *text)
{
	return *text != '\0' && *text != '.' && strchr(text, '/') == NULL &&
		strlen(text) <= LAZY_EXPUNGE_ACCOUNT_ID_MAX;
}

static void append_text(string_t *dest, const char *name, const char *value)
{
	str_printfa(dest, "%s\t", name);
	str_append_tabescaped(dest, value);
	str_append_c(dest, '\n');
}

static void append_number(string_t *dest, const char *name, int64_t value)
{
	str_printfa(dest, "%s\t%"PRId64"\n", name, value);
}

static void append_parts(string_t *dest,
			 const struct lazy_expunge_account *account)
{
	const struct lazy_expunge_account_part *part;
	const struct lazy_expunge_account_place *place;

	array_foreach(&account->parts, part) {
		str_printfa(dest, "part\t%d\t", part->is_volatile ? 1 : 0);
		str_append_tabescaped(dest, part->from);
		str_append_c(dest, '\t');
		str_append_tabescaped(dest, part->to);
		str_append_c(dest, '\t');
		str_append_tabescaped(dest, part->dest);
		str_append_c(dest, '\n');
	}
	array_foreach(&account->places, place) {
		str_printfa(dest, "place\t%u\t", place->part);
		str_append_tabescaped(dest, place->key);
		str_append_c(dest, '\t');
		str_append_tabescaped(dest, place->below);
		str_append_c(dest, '\n');
	}
}

static void append_namespaces(string_t *dest,
			      const struct lazy_expunge_account *account)
{
	const struct lazy_expunge_account_namespace *ns;
	const struct lazy_expunge_account_setting *set;
	const struct lazy_expunge_account_storage *storage;

	array_foreach(&account->namespaces, ns) {
		str_printfa(dest, "namespace\t%c\t%d\t", ns->separator,
			    ns->inbox ? 1 : 0);
		str_append_tabescaped(dest, ns->prefix);
		str_append_c(dest, '\n');
		array_foreach(&ns->settings, set) {
			str_printfa(dest, "setting\t%s\t", set->name);
			str_append_tabescaped(dest, set->value);
			str_append_c(dest, '\n');
		}
		array_foreach(&ns->storages, storage) {
			str_printfa(dest, "storage\t%d\t",
				    storage->tree ? 1 : 0);
			str_append_tabescaped(dest, storage->name);
			str_append_c(dest, '\t');
			str_append_tabescaped(dest, storage->name_end);
			str_append_c(dest, '\n');
		}
	}
}

void lazy_expunge_account_append(string_t *dest,
				 const struct lazy_expunge_account *account)
{
	str_append(dest, RECORD_HEAD"\n");
	append_text(dest, "id", account->id);
	append_text(dest, "user", account->user);
	append_text(dest, "by", account->by);
	append_text(dest, "target", account->target);
	append_text(dest, "mailbox", account->mailbox);
	append_text(dest, "step", step_names[account->step]);
	append_number(dest, "deleted", account->deleted);
	append_number(dest, "kept_until", account->kept_until);
	append_number(dest, "renaming", account->renaming ? 1 : 0);
	append_number(dest, "held", account->held ? 1 : 0);
	append_number(dest, "messages", account->messages);
	append_number(dest, "bytes", account->bytes);
	append_parts(dest, account);
	append_namespaces(dest, account);
	str_append(dest, RECORD_END"\n");
}

static bool parse_step(const char *value, enum lazy_expunge_account_step *step_r)
{
	for (unsigned int i = 0; i < N_ELEMENTS(step_names); i++) {
		if (strcmp(step_names[i], value) == 0) {
			*step_r = i;
			return TRUE;
		}
	}
	return FALSE;
}

static bool parse_number(const char *name, const char *value,
			 struct lazy_expunge_account *account)
{
	int64_t number;

	if (str_to_int64(value, &number) < 0)
		return FALSE;
	if (strcmp(name, "deleted") == 0)
		account->deleted = number;
	else if (strcmp(name, "kept_until") == 0)
		account->kept_until = number;
	else if (strcmp(name, "renaming") == 0)
		account->renaming = number != 0;
	else if (strcmp(name, "held") == 0)
		account->held = number != 0;
	else if (strcmp(name, "messages") == 0)
		account->messages = number;
	else if (strcmp(name, "bytes") == 0)
		account->bytes = number;
	else
		return FALSE;
	return TRUE;
}

static bool parse_part(const char *const *args, pool_t pool,
		       struct lazy_expunge_account *account)
{
	struct lazy_expunge_account_part part;

	if (str_array_length(args) != 5 || *args[2] != '/' || *args[3] != '/' ||
	    (*args[4] != '/' && *args[4] != '\0'))
		return FALSE;
	i_zero(&part);
	part.is_volatile = strcmp(args[1], "1") == 0;
	part.from = p_strdup(pool, args[2]);
	part.to = p_strdup(pool, args[3]);
	part.dest = p_strdup(pool, args[4]);
	array_push_back(&account->parts, &part);
	return TRUE;
}

static bool parse_place(const char *const *args, pool_t pool,
			struct lazy_expunge_account *account)
{
	struct lazy_expunge_account_place place;

	i_zero(&place);
	if (str_array_length(args) != 4 ||
	    str_to_uint(args[1], &place.part) < 0 ||
	    place.part >= array_count(&account->parts))
		return FALSE;
	place.key = p_strdup(pool, args[2]);
	place.below = p_strdup(pool, args[3]);
	array_push_back(&account->places, &place);
	return TRUE;
}

static bool parse_namespace(const char *const *args, pool_t pool,
			    struct lazy_expunge_account *account)
{
	struct lazy_expunge_account_namespace *ns;

	if (str_array_length(args) != 4 || strlen(args[1]) != 1 ||
	    !uni_utf8_str_is_valid(args[3]))
		return FALSE;
	ns = array_append_space(&account->namespaces);
	ns->separator = args[1][0];
	ns->inbox = strcmp(args[2], "1") == 0;
	ns->prefix = p_strdup(pool, args[3]);
	p_array_init(&ns->settings, pool, 16);
	p_array_init(&ns->storages, pool, 2);
	return TRUE;
}

/* What belongs to the last namespace. */
static bool parse_of_namespace(const char *const *args, pool_t pool,
			       struct lazy_expunge_account *account)
{
	struct lazy_expunge_account_namespace *ns;
	struct lazy_expunge_account_setting *set;
	struct lazy_expunge_account_storage *storage;

	if (array_count(&account->namespaces) == 0)
		return FALSE;
	ns = array_back_modifiable(&account->namespaces);
	if (strcmp(args[0], "setting") == 0) {
		if (str_array_length(args) != 3)
			return FALSE;
		set = array_append_space(&ns->settings);
		set->name = p_strdup(pool, args[1]);
		set->value = p_strdup(pool, args[2]);
		return TRUE;
	}
	if (str_array_length(args) != 4 || !uni_utf8_str_is_valid(args[2]) ||
	    !uni_utf8_str_is_valid(args[3]))
		return FALSE;
	storage = array_append_space(&ns->storages);
	storage->tree = strcmp(args[1], "1") == 0;
	storage->name = p_strdup(pool, args[2]);
	storage->name_end = p_strdup(pool, args[3]);
	return TRUE;
}

static bool parse_text(const char *name, const char *value, pool_t pool,
		       struct lazy_expunge_account *account)
{
	const struct {
		const char *name;
		const char **text;
	} texts[] = {
		{ "id", &account->id },
		{ "user", &account->user },
		{ "by", &account->by },
		{ "target", &account->target },
		{ "mailbox", &account->mailbox },
	};

	for (unsigned int i = 0; i < N_ELEMENTS(texts); i++) {
		if (strcmp(texts[i].name, name) == 0) {
			*texts[i].text = p_strdup(pool, value);
			return TRUE;
		}
	}
	return strcmp(name, "step") == 0 ?
		parse_step(value, &account->step) :
		parse_number(name, value, account);
}

static bool parse_field(const char *line, pool_t pool,
			struct lazy_expunge_account *account)
{
	const char *const *args = t_strsplit_tabescaped(line);

	if (args[0] == NULL || args[1] == NULL)
		return FALSE;
	if (strcmp(args[0], "part") == 0)
		return parse_part(args, pool, account);
	if (strcmp(args[0], "place") == 0)
		return parse_place(args, pool, account);
	if (strcmp(args[0], "namespace") == 0)
		return parse_namespace(args, pool, account);
	if (strcmp(args[0], "setting") == 0 || strcmp(args[0], "storage") == 0)
		return parse_of_namespace(args, pool, account);
	return args[2] == NULL && parse_text(args[0], args[1], pool, account);
}

/* Returns the number of the line that is not understood, 0 if the end is
   missing, -1 if all is well. */
static int parse_lines(const char *text, const char *end, pool_t pool,
		       struct lazy_expunge_account *account)
{
	const char *eol, *line;
	int number = 0;
	bool ok;

	for (; text < end; text = eol + 1) {
		number++;
		eol = memchr(text, '\n', end - text);
		if (eol == NULL)
			return 0;
		ok = TRUE;
		T_BEGIN {
			line = t_strdup_until(text, eol);
			if (number == 1)
				ok = strcmp(line, RECORD_HEAD) == 0;
			else if (strcmp(line, RECORD_END) == 0)
				number = -1;
			else
				ok = parse_field(line, pool, account);
		} T_END;
		if (!ok)
			return number;
		if (number < 0)
			return eol + 1 == end ? -1 : 0;
	}
	return 0;
}

int lazy_expunge_account_parse(const char *text, size_t size, pool_t pool,
			       struct lazy_expunge_account *account_r,
			       const char **error_r)
{
	int line;

	i_zero(account_r);
	account_r->id = account_r->user = account_r->by = "";
	account_r->target = account_r->mailbox = "";
	p_array_init(&account_r->parts, pool, 4);
	p_array_init(&account_r->places, pool, 16);
	p_array_init(&account_r->namespaces, pool, 4);
	if (memchr(text, '\0', size) != NULL) {
		*error_r = "it has a NUL in it";
		return -1;
	}
	line = parse_lines(text, text + size, pool, account_r);
	if (line > 0) {
		*error_r = t_strdup_printf("line %d is not understood", line);
		return -1;
	}
	if (line == 0) {
		*error_r = "its end is missing";
		return -1;
	}
	if (!lazy_expunge_account_is_id(account_r->id) ||
	    *account_r->user == '\0' || array_count(&account_r->parts) == 0) {
		*error_r = "it names no account";
		return -1;
	}
	return 0;
}

const char *lazy_expunge_path_parent(const char *path)
{
	const char *p = strrchr(path, '/');

	i_assert(p != NULL);
	return p == path ? "/" : t_strdup_until(path, p);
}

bool lazy_expunge_account_path_is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	while (len > 1 && dir[len - 1] == '/')
		len--;
	return strncmp(path, dir, len) == 0 &&
		(path[len] == '\0' || path[len] == '/' || len == 1);
}

static bool name_is_user(const char *name, const char *user)
{
	return strcasecmp(name, user) == 0 ||
		strcasecmp(name, t_strcut(user, '@')) == 0;
}

bool lazy_expunge_account_path_names_user(const char *path, const char *user)
{
	bool found = FALSE;

	for (const char *const *name = t_strsplit(path, "/");
	     *name != NULL && !found; name++)
		found = name_is_user(*name, user);
	return found;
}

bool lazy_expunge_account_setting_names_user(const char *setting,
					     const char *path,
					     const char *user)
{
	const char *const *parts = t_strsplit(setting, "/");
	const char *const *names = t_strsplit(path, "/");
	bool found = FALSE;

	if (str_array_length(parts) != str_array_length(names))
		return FALSE;
	for (; *parts != NULL && !found; parts++, names++)
		found = strchr(*parts, '%') != NULL &&
			name_is_user(*names, user);
	return found;
}
