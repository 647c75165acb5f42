/* The reader: lists in the orders that the database has an index for. */

#include "lib.h"
#include "array.h"
#include "hash.h"
#include "strnum.h"
#include "catalog/keys.h"
#include "catalog/reader.h"

#define LIST_FIRST 100
#define LIST_GROW 4
/* not a name that a user can have */
#define NO_USER "lazy_expunge check"

/* who is to be visited, each once */
struct due_list {
	struct lazy_expunge_catalog *catalog;
	time_t now;
	unsigned int max_age;
	pool_t pool;
	ARRAY_TYPE(lazy_expunge_catalog_entry) *entries;
	HASH_TABLE(const char *, const char *) seen;
};

struct lazy_expunge_catalog {
	struct dict *dict;
};

static const struct dict_op_settings catalog_op_set = { .username = "" };

int lazy_expunge_catalog_open(struct event *event, const char *uri,
			      struct lazy_expunge_catalog **catalog_r,
			      const char **error_r)
{
	struct dict *dict;
	int ret;

	ret = lazy_expunge_compat_catalog_init(event, uri, &dict, error_r);
	if (ret <= 0)
		return ret;
	*catalog_r = i_new(struct lazy_expunge_catalog, 1);
	(*catalog_r)->dict = dict;
	return 1;
}

int lazy_expunge_catalog_need(struct event *event, const char *uri,
			      struct lazy_expunge_catalog **catalog_r,
			      const char **error_r)
{
	int ret = lazy_expunge_catalog_open(event, uri, catalog_r, error_r);

	if (ret == 0)
		*error_r = "lazy_expunge_catalog is not set";
	return ret > 0 ? 0 : -1;
}

void lazy_expunge_catalog_close(struct lazy_expunge_catalog **_catalog)
{
	struct lazy_expunge_catalog *catalog = *_catalog;

	*_catalog = NULL;
	if (catalog == NULL)
		return;
	dict_deinit(&catalog->dict);
	i_free(catalog);
}

/* values of a row whose first ones are others. Returns -1 if they are none. */
static int entry_read(const char *key, const char *const *values,
		      unsigned int skip, pool_t pool,
		      struct lazy_expunge_catalog_entry *entry_r)
{
	if (str_array_length(values) < skip ||
	    lazy_expunge_catalog_row_parse(values + skip, &entry_r->row) < 0)
		return -1;
	entry_r->username = p_strdup(pool, lazy_expunge_catalog_key_user(key));
	entry_r->row.server = p_strdup(pool, entry_r->row.server);
	return 0;
}

/* The two times of an order. */
static int times_read(const char *key, const char *const *values, bool by_due,
		      pool_t pool, struct lazy_expunge_catalog_entry *entry_r)
{
	uint64_t num[2];

	if (str_array_length(values) < N_ELEMENTS(num) ||
	    str_to_uint64(values[0], &num[0]) < 0 || num[0] > INT64_MAX ||
	    str_to_uint64(values[1], &num[1]) < 0 || num[1] > INT64_MAX)
		return -1;
	i_zero(entry_r);
	entry_r->username = p_strdup(pool, lazy_expunge_catalog_key_user(key));
	entry_r->row.due = num[by_due ? 0 : 1];
	entry_r->row.maintained = num[by_due ? 1 : 0];
	entry_r->row.known = LAZY_EXPUNGE_CATALOG_BIT(LAZY_EXPUNGE_CATALOG_DUE) |
		LAZY_EXPUNGE_CATALOG_BIT(LAZY_EXPUNGE_CATALOG_MAINTAINED);
	return 0;
}

static int
iterate_finish(struct dict_iterate_context **iter, const char *what, int ret,
	       const char **error_r)
{
	const char *error;

	if (dict_iterate_deinit(iter, &error) < 0) {
		*error_r = t_strdup_printf("The catalog cannot be read: %s",
					   error);
		return -1;
	}
	if (ret < 0) {
		*error_r = t_strdup_printf("The catalog has no such values as "
					   "expected in %s: compare its table "
					   "and maps with conf.d", what);
	}
	return ret;
}

int lazy_expunge_catalog_lookup(struct lazy_expunge_catalog *catalog,
				const char *username, pool_t pool,
				struct lazy_expunge_catalog_row *row_r,
				const char **error_r)
{
	struct lazy_expunge_catalog_entry entry;
	struct dict_iterate_context *iter;
	const char *key, *const *values;
	int ret = 0;

	iter = dict_iterate_init(catalog->dict, &catalog_op_set,
		lazy_expunge_catalog_key(LAZY_EXPUNGE_CATALOG_ROW, username),
		DICT_ITERATE_FLAG_EXACT_KEY);
	if (dict_iterate_values(iter, &key, &values)) {
		ret = entry_read(key, values, 0, pool, &entry);
		if (ret == 0) {
			*row_r = entry.row;
			ret = 1;
		}
	}
	return iterate_finish(&iter, LAZY_EXPUNGE_CATALOG_ROW, ret, error_r);
}

int lazy_expunge_catalog_list(struct lazy_expunge_catalog *catalog,
			      const char *order, unsigned int limit,
			      pool_t pool,
			      ARRAY_TYPE(lazy_expunge_catalog_entry) *entries,
			      const char **error_r)
{
	const bool by_due = strcmp(order, LAZY_EXPUNGE_CATALOG_BY_DUE) == 0;
	const bool times = by_due ||
		strcmp(order, LAZY_EXPUNGE_CATALOG_BY_VISIT) == 0;
	struct lazy_expunge_catalog_entry entry;
	struct dict_iterate_context *iter;
	const char *key, *const *values;
	int ret = 0;

	iter = dict_iterate_init(catalog->dict, &catalog_op_set,
				 lazy_expunge_catalog_key(order, ""),
				 DICT_ITERATE_FLAG_SORT_BY_VALUE);
	dict_iterate_set_limit(iter, limit);
	while (ret == 0 && dict_iterate_values(iter, &key, &values)) T_BEGIN {
		ret = times ? times_read(key, values, by_due, pool, &entry) :
			entry_read(key, values, 1, pool, &entry);
		if (ret == 0)
			array_push_back(entries, &entry);
	} T_END;
	return iterate_finish(&iter, order, ret, error_r);
}

static bool is_due(const struct due_list *due, bool by_due,
		   const struct lazy_expunge_catalog_row *row)
{
	time_t when = by_due ? row->due :
		row->maintained + (time_t)due->max_age;

	return when <= due->now;
}

static void due_list_add(struct due_list *due,
			 const struct lazy_expunge_catalog_entry *entry)
{
	struct lazy_expunge_catalog_entry *dest;

	if (hash_table_lookup(due->seen, entry->username) != NULL)
		return;
	dest = array_append_space(due->entries);
	*dest = *entry;
	dest->username = p_strdup(due->pool, entry->username);
	hash_table_insert(due->seen, dest->username, dest->username);
}

/* Read so many of an order, and add them if those who are to be visited are all
   among them. Returns 1 if so, 0 if the limit is too small, -1 and the error. */
static int due_list_read(struct due_list *due, const char *order,
			 unsigned int limit, const char **error_r)
{
	const bool by_due = strcmp(order, LAZY_EXPUNGE_CATALOG_BY_DUE) == 0;
	ARRAY_TYPE(lazy_expunge_catalog_entry) list;
	const struct lazy_expunge_catalog_entry *entry;
	unsigned int i, count, wanted = 0;
	pool_t pool;
	int ret;

	pool = pool_alloconly_create("lazy_expunge catalog", 4096);
	i_array_init(&list, limit);
	ret = lazy_expunge_catalog_list(due->catalog, order, limit, pool, &list,
					error_r);
	entry = array_get(&list, &count);
	while (wanted < count && is_due(due, by_due, &entry[wanted].row))
		wanted++;
	if (ret == 0 && (wanted < count || count < limit)) {
		for (i = 0; i < wanted; i++)
			due_list_add(due, &entry[i]);
		ret = 1;
	}
	array_free(&list);
	pool_unref(&pool);
	return ret;
}

/* All before the first who is not to be visited are, so that the limit is raised
   until that one is among them. */
static int due_list_read_all(struct due_list *due, const char *order,
			     const char **error_r)
{
	unsigned int limit = LIST_FIRST;
	int ret;

	while ((ret = due_list_read(due, order, limit, error_r)) == 0) {
		if (limit > UINT_MAX / LIST_GROW) {
			*error_r = "The catalog has too many users";
			return -1;
		}
		limit *= LIST_GROW;
	}
	return ret < 0 ? -1 : 0;
}

static unsigned int sort_max_age;

static int entry_cmp(const struct lazy_expunge_catalog_entry *e1,
		     const struct lazy_expunge_catalog_entry *e2)
{
	time_t t1 = lazy_expunge_catalog_row_visit(&e1->row, sort_max_age);
	time_t t2 = lazy_expunge_catalog_row_visit(&e2->row, sort_max_age);

	if (t1 != t2)
		return t1 < t2 ? -1 : 1;
	return strcmp(e1->username, e2->username);
}

int lazy_expunge_catalog_list_due(
	struct lazy_expunge_catalog *catalog, time_t now, unsigned int max_age,
	pool_t pool, ARRAY_TYPE(lazy_expunge_catalog_entry) *entries,
	const char **error_r)
{
	struct due_list due = {
		.catalog = catalog,
		.now = now,
		.max_age = max_age,
		.pool = pool,
		.entries = entries,
	};
	int ret;

	hash_table_create(&due.seen, default_pool, 0, str_hash, strcmp);
	ret = due_list_read_all(&due, LAZY_EXPUNGE_CATALOG_BY_DUE, error_r);
	if (ret == 0) {
		ret = due_list_read_all(&due, LAZY_EXPUNGE_CATALOG_BY_VISIT,
					error_r);
	}
	hash_table_destroy(&due.seen);
	sort_max_age = max_age;
	array_sort(entries, entry_cmp);
	return ret;
}

int lazy_expunge_catalog_try_write(struct lazy_expunge_catalog *catalog,
				   const char **error_r)
{
	struct dict_transaction_context *t;
	const char *error;

	t = dict_transaction_begin(catalog->dict, &catalog_op_set);
	dict_unset(t, lazy_expunge_catalog_key(
		lazy_expunge_catalog_field_name(LAZY_EXPUNGE_CATALOG_DUE),
		NO_USER));
	if (dict_transaction_commit(&t, &error) >= 0)
		return 0;
	*error_r = t_strdup_printf("The catalog cannot be written: %s", error);
	return -1;
}

int lazy_expunge_catalog_read_sums(struct lazy_expunge_catalog *catalog,
				   struct lazy_expunge_catalog_sums *sums_r,
				   const char **error_r)
{
	uint64_t num[11];
	struct dict_iterate_context *iter;
	const char *key, *const *values;
	int ret = -1;

	i_zero(sums_r);
	iter = dict_iterate_init(catalog->dict, &catalog_op_set,
		lazy_expunge_catalog_key(LAZY_EXPUNGE_CATALOG_SUMS, "all"),
		DICT_ITERATE_FLAG_EXACT_KEY);
	if (dict_iterate_values(iter, &key, &values) &&
	    str_array_length(values) >= N_ELEMENTS(num)) {
		ret = 0;
		for (unsigned int i = 0; i < N_ELEMENTS(num); i++) {
			if (str_to_uint64(values[i], &num[i]) < 0)
				ret = -1;
		}
	}
	if (ret == 0) {
		sums_r->users = num[0];
		sums_r->messages = num[1];
		sums_r->bytes = num[2];
		sums_r->oldest = num[3];
		sums_r->newest = num[4];
		sums_r->held = num[5];
		sums_r->due_day = num[6];
		sums_r->due_week = num[7];
		sums_r->week_bytes = num[8];
		sums_r->failed = num[9];
		sums_r->maintained = num[10];
	}
	return iterate_finish(&iter, LAZY_EXPUNGE_CATALOG_SUMS, ret, error_r);
}
