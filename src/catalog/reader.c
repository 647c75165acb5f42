/* The reader: lists in the orders that the database has an index for. */

#include "lib.h"
#include "array.h"
#include "hash.h"
#include "strnum.h"
#include "catalog/keys.h"
#include "catalog/reader.h"

#define LIST_FIRST 1000
/* not a name that a user can have */
#define NO_USER "lazy_expunge check"

HASH_TABLE_DEFINE_TYPE(catalog_names, const char *, const char *);

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
	struct lazy_expunge_catalog_entry entry;
	struct dict_iterate_context *iter;
	const char *key, *const *values;
	int ret = 0;

	iter = dict_iterate_init(catalog->dict, &catalog_op_set,
				 lazy_expunge_catalog_key(order, ""),
				 DICT_ITERATE_FLAG_SORT_BY_VALUE);
	dict_iterate_set_limit(iter, limit);
	while (ret == 0 && dict_iterate_values(iter, &key, &values)) T_BEGIN {
		ret = entry_read(key, values, 1, pool, &entry);
		if (ret == 0)
			array_push_back(entries, &entry);
	} T_END;
	return iterate_finish(&iter, order, ret, error_r);
}

/* Add those of an order that are to be visited. All before the first that is not
   are, so that the limit is raised until that one is among them. */
static int list_add_due(struct lazy_expunge_catalog *catalog, const char *order,
			time_t now, unsigned int max_age, pool_t pool,
			HASH_TABLE_TYPE(catalog_names) seen,
			ARRAY_TYPE(lazy_expunge_catalog_entry) *entries,
			const char **error_r)
{
	const bool by_due = strcmp(order, LAZY_EXPUNGE_CATALOG_BY_DUE) == 0;
	ARRAY_TYPE(lazy_expunge_catalog_entry) list;
	const struct lazy_expunge_catalog_entry *entry;
	unsigned int limit, count, due;
	time_t when;
	pool_t list_pool;
	int ret;

	for (limit = LIST_FIRST;; limit *= 4) {
		list_pool = pool_alloconly_create("lazy_expunge catalog", 4096);
		i_array_init(&list, limit);
		ret = lazy_expunge_catalog_list(catalog, order, limit,
						list_pool, &list, error_r);
		due = 0;
		array_foreach(&list, entry) {
			when = by_due ? entry->row.due :
				entry->row.maintained + (time_t)max_age;
			if (when > now)
				break;
			due++;
		}
		count = array_count(&list);
		if (ret < 0 || due < count || count < limit ||
		    limit > UINT_MAX / 4)
			break;
		array_free(&list);
		pool_unref(&list_pool);
	}
	for (unsigned int i = 0; ret == 0 && i < due; i++) {
		struct lazy_expunge_catalog_entry *dest;

		entry = array_idx(&list, i);
		if (hash_table_lookup(seen, entry->username) != NULL)
			continue;
		dest = array_append_space(entries);
		*dest = *entry;
		dest->username = p_strdup(pool, entry->username);
		dest->row.server = p_strdup(pool, entry->row.server);
		hash_table_insert(seen, dest->username, dest->username);
	}
	array_free(&list);
	pool_unref(&list_pool);
	return ret;
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
	HASH_TABLE_TYPE(catalog_names) seen;
	int ret;

	hash_table_create(&seen, default_pool, 0, str_hash, strcmp);
	ret = list_add_due(catalog, LAZY_EXPUNGE_CATALOG_BY_DUE, now, max_age,
			   pool, seen, entries, error_r);
	if (ret == 0) {
		ret = list_add_due(catalog, LAZY_EXPUNGE_CATALOG_BY_VISIT, now,
				   max_age, pool, seen, entries, error_r);
	}
	hash_table_destroy(&seen);
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
