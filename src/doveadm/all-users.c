/* See the header. */

#include "lib.h"
#include "array.h"
#include "mail-storage-service.h"
#include "doveadm/all-users.h"

/* Who cannot list any user will not the next time either. */
#define ALL_USERS_TRIES 10

struct lazy_expunge_all_users {
	struct mail_storage_service_ctx *service;
	const char *mask;
	pool_t pool;
	ARRAY_TYPE(const_string) names;
	unsigned int next;
	bool read, failed;
};

struct lazy_expunge_all_users *
lazy_expunge_all_users_init(struct mail_storage_service_ctx *service,
			    const char *mask)
{
	struct lazy_expunge_all_users *users;

	users = i_new(struct lazy_expunge_all_users, 1);
	users->service = service;
	users->mask = mask;
	users->pool = pool_alloconly_create("lazy_expunge users", 4096);
	i_array_init(&users->names, 128);
	return users;
}

void lazy_expunge_all_users_deinit(struct lazy_expunge_all_users **_users)
{
	struct lazy_expunge_all_users *users = *_users;

	if (users == NULL)
		return;
	*_users = NULL;
	array_free(&users->names);
	pool_unref(&users->pool);
	i_free(users);
}

static int all_users_try(struct lazy_expunge_all_users *users)
{
	const char *name;
	int ret;

	array_clear(&users->names);
	p_clear(users->pool);
	while ((ret = mail_storage_service_all_next(users->service,
						    &name)) > 0) {
		/* nobody's name: 2.4.0 to 2.4.2 returned when they were woken for
		   nothing */
		if (*name == '\0')
			continue;
		name = p_strdup(users->pool, name);
		array_push_back(&users->names, &name);
	}
	return ret;
}

void lazy_expunge_all_users_read(struct lazy_expunge_all_users *users)
{
	unsigned int tries = 1;

	users->read = TRUE;
	while (all_users_try(users) < 0) {
		/* one that broke off in the middle is read again */
		if (tries++ == ALL_USERS_TRIES ||
		    array_count(&users->names) == 0) {
			users->failed = TRUE;
			return;
		}
		mail_storage_service_all_init_mask(users->service, users->mask);
	}
}

int lazy_expunge_all_users_next(struct lazy_expunge_all_users *users,
				const char **username_r)
{
	if (!users->read)
		lazy_expunge_all_users_read(users);
	if (users->next == array_count(&users->names))
		return users->failed ? -1 : 0;
	*username_r = array_idx_elem(&users->names, users->next++);
	return 1;
}
