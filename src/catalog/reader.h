#ifndef LAZY_EXPUNGE_CATALOG_READER_H
#define LAZY_EXPUNGE_CATALOG_READER_H

/* The catalog as administrators' commands read it. They wait for it. */

#include "core/catalog-row.h"

struct event;
struct lazy_expunge_catalog;

/* A row of a list. */
struct lazy_expunge_catalog_entry {
	const char *username;
	struct lazy_expunge_catalog_row row;
};
ARRAY_DEFINE_TYPE(lazy_expunge_catalog_entry,
		  struct lazy_expunge_catalog_entry);

struct lazy_expunge_catalog_sums {
	uint64_t users, messages, bytes, held;
	/* deletion times, 0 = no mail */
	time_t oldest, newest;
	/* users for whom something is due within a day, and within a week */
	uint64_t due_day, due_week;
	/* what a week of retention costs, in bytes */
	uint64_t week_bytes;
	/* users whose last maintenance failed, and when the one was whose last
	   is the longest ago */
	uint64_t failed;
	time_t maintained;
};

/* Open the catalog that holds for the event; uri is the setting's value on 2.3.
   Returns 1, 0 if none is set, -1 and the error (data stack). */
int lazy_expunge_catalog_open(struct event *event, const char *uri,
			      struct lazy_expunge_catalog **catalog_r,
			      const char **error_r);
/* The same where one must be set. Returns 0, or -1 and the error. */
int lazy_expunge_catalog_need(struct event *event, const char *uri,
			      struct lazy_expunge_catalog **catalog_r,
			      const char **error_r);
/* Takes NULL. */
void lazy_expunge_catalog_close(struct lazy_expunge_catalog **catalog);

/* The user's row; server is allocated from the pool. Returns 1, 0 if there is
   none, -1 and the error. */
int lazy_expunge_catalog_lookup(struct lazy_expunge_catalog *catalog,
				const char *username, pool_t pool,
				struct lazy_expunge_catalog_row *row_r,
				const char **error_r);
/* The first rows of an order (catalog/keys.h), at most limit of them, 0 = all: what the
   order has of them. Returns 0, or -1 and the error. */
int lazy_expunge_catalog_list(struct lazy_expunge_catalog *catalog,
			      const char *order, unsigned int limit,
			      pool_t pool,
			      ARRAY_TYPE(lazy_expunge_catalog_entry) *entries,
			      const char **error_r);
/* All users who are to be visited at the time now, in the order of the time
   since when (lazy_expunge_catalog_row_visit()): of their rows due and maintained
   alone. Reads not many more of the rest than of them. Returns the same. */
int lazy_expunge_catalog_list_due(
	struct lazy_expunge_catalog *catalog, time_t now, unsigned int max_age,
	pool_t pool, ARRAY_TYPE(lazy_expunge_catalog_entry) *entries,
	const char **error_r);
/* Whether it can be written, by taking off a row that is not there. Returns 0, or
   -1 and the error. */
int lazy_expunge_catalog_try_write(struct lazy_expunge_catalog *catalog,
				   const char **error_r);
/* Returns 0, or -1 and the error. */
int lazy_expunge_catalog_read_sums(struct lazy_expunge_catalog *catalog,
				   struct lazy_expunge_catalog_sums *sums_r,
				   const char **error_r);

#endif
