/* See the header. */

#include "lib.h"
#include "array.h"
#include "mail-storage-service.h"
#include "doveadm/all-users.h"

/* Where not one could be listed it will not be otherwise the next time. */
#define ALL_USERS_TRIES 10

struct lazy_expunge_all_users {
	struct mail_storage_service_ctx *service;
	const char *mask;
	/* each with its own names; the first are those that are given out */
	struct user_names {
		pool_t pool;
		ARRAY_TYPE(const_string) names;
	} best, last;
	unsigned int next;
	bool read, failed;
};

static void names_init(struct user_names *names)
{
	names->pool = pool_alloconly_create("lazy_expunge users", 4096);
	i_array_init(&names->names, 128);
}

static void names_deinit(struct user_names *names)
{
	array_free(&names->names);
	pool_unref(&names->pool);
}

struct lazy_expunge_all_users *
lazy_expunge_all_users_init(struct mail_storage_service_ctx *service,
			    const char *mask)
{
	struct lazy_expunge_all_users *users;

	users = i_new(struct lazy_expunge_all_users, 1);
	users->service = service;
	users->mask = mask;
	names_init(&users->best);
	names_init(&users->last);
	return users;
}

void lazy_expunge_all_users_deinit(struct lazy_expunge_all_users **_users)
{
	struct lazy_expunge_all_users *users = *_users;

	if (users == NULL)
		return;
	*_users = NULL;
	names_deinit(&users->best);
	names_deinit(&users->last);
	i_free(users);
}

static int all_users_try(struct lazy_expunge_all_users *users)
{
	struct user_names last;
	const char *name;
	int ret;

	array_clear(&users->last.names);
	p_clear(users->last.pool);
	while ((ret = mail_storage_service_all_next(users->service,
						    &name)) > 0) {
		/* nobody's name: 2.4.0 to 2.4.2 returned when they were woken for
		   nothing */
		if (*name == '\0')
			continue;
		name = p_strdup(users->last.pool, name);
		array_push_back(&users->last.names, &name);
	}
	if (ret == 0 || array_count(&users->last.names) >
			array_count(&users->best.names)) {
		last = users->last;
		users->last = users->best;
		users->best = last;
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
		    array_count(&users->best.names) == 0) {
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
	if (users->next == array_count(&users->best.names))
		return users->failed ? -1 : 0;
	*username_r = array_idx_elem(&users->best.names, users->next++);
	return 1;
}
