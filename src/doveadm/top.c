/* The first rows of an order. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "doveadm-print.h"
#include "doveadm/print.h"
#include "doveadm/top.h"

/* sorting is put off until there are so many more than are kept */
#define TOP_SLACK 1000

struct top_row {
	uint64_t key;
	uint64_t number;
	char *username, *values;
};

struct lazy_expunge_top {
	ARRAY(struct top_row) rows;
	unsigned int keep;
	uint64_t count;
	string_t *record;
};

static int top_row_cmp(const struct top_row *r1, const struct top_row *r2)
{
	if (r1->key != r2->key)
		return r1->key > r2->key ? -1 : 1;
	return r1->number < r2->number ? -1 : 1;
}

static void top_row_free(struct top_row *row)
{
	i_free(row->username);
	i_free(row->values);
}

struct lazy_expunge_top *lazy_expunge_top_init(unsigned int keep)
{
	struct lazy_expunge_top *top = i_new(struct lazy_expunge_top, 1);

	top->keep = keep;
	top->record = str_new(default_pool, 256);
	i_array_init(&top->rows, 64);
	return top;
}

void lazy_expunge_top_deinit(struct lazy_expunge_top **_top)
{
	struct lazy_expunge_top *top = *_top;
	struct top_row *row;

	if (top == NULL)
		return;
	*_top = NULL;
	array_foreach_modifiable(&top->rows, row)
		top_row_free(row);
	array_free(&top->rows);
	str_free(&top->record);
	i_free(top);
}

static void top_cut(struct lazy_expunge_top *top)
{
	struct top_row *row;

	array_sort(&top->rows, top_row_cmp);
	while (top->keep > 0 && array_count(&top->rows) > top->keep) {
		row = array_back_modifiable(&top->rows);
		top_row_free(row);
		array_pop_back(&top->rows);
	}
}

void lazy_expunge_top_begin(struct lazy_expunge_top *top, const char *username,
			    uint64_t key)
{
	struct top_row *row = array_append_space(&top->rows);

	row->key = key;
	row->number = top->count++;
	row->username = i_strdup(username);
	str_truncate(top->record, 0);
	lazy_expunge_print_record(top->record);
}

void lazy_expunge_top_end(struct lazy_expunge_top *top)
{
	struct top_row *row = array_back_modifiable(&top->rows);

	lazy_expunge_print_record(NULL);
	row->values = i_strdup(str_c(top->record));
	if (top->keep > 0 && array_count(&top->rows) > top->keep + TOP_SLACK)
		top_cut(top);
}

void lazy_expunge_top_print(struct lazy_expunge_top *top, bool with_names)
{
	const struct top_row *row;

	top_cut(top);
	array_foreach(&top->rows, row) T_BEGIN {
		if (with_names)
			doveadm_print_sticky("username", row->username);
		lazy_expunge_print_replay(row->values);
	} T_END;
}
