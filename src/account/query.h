#ifndef LAZY_EXPUNGE_QUERY_H
#define LAZY_EXPUNGE_QUERY_H

/* Search queries, as doveadm-search-query(7) has them. */

struct mail_search_args;

/* Returns 0 and the query, which is freed with mail_search_args_unref(), or -1 and
   the error (data stack). */
int lazy_expunge_query_build(const char *const *query,
			     struct mail_search_args **args_r,
			     const char **error_r);

#endif
