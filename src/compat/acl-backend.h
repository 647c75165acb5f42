#ifndef LAZY_EXPUNGE_COMPAT_ACL_BACKEND_H
#define LAZY_EXPUNGE_COMPAT_ACL_BACKEND_H

/* Methods of an ACL backend, which it has in a table that is its own, or one for
   all. */

struct acl_backend;
struct acl_object;
struct acl_object_list_iter;
struct acl_rights;

struct lazy_expunge_compat_acl_methods {
	int (*object_refresh_cache)(struct acl_object *aclobj);
	bool (*object_list_next)(struct acl_object_list_iter *iter,
				 struct acl_rights *rights_r);
};

/* Give the backend other methods. *super_r are those that it had. */
void lazy_expunge_compat_acl_replace(
	struct acl_backend *backend, pool_t pool,
	const struct lazy_expunge_compat_acl_methods *methods,
	struct lazy_expunge_compat_acl_methods *super_r);

#endif
