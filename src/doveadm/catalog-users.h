#ifndef LAZY_EXPUNGE_CATALOG_USERS_H
#define LAZY_EXPUNGE_CATALOG_USERS_H

struct doveadm_cmd_context;

/* Append the names of the users whom the catalog (lazy_expunge_catalog) has. Names
   are from the pool. Returns 1, 0 if no catalog is set, -1 and the error (data
   stack). */
int lazy_expunge_catalog_users_read(const struct doveadm_cmd_context *cctx,
				    pool_t pool,
				    ARRAY_TYPE(const_string) *names,
				    const char **error_r);

#endif
