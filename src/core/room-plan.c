/* See the header. */

#include "lib.h"
#include "array.h"
#include "core/room-plan.h"

/* Sorting is put off until there are so many more. */
#define PLAN_SLACK 4096
#define PLAN_MAX_ENTRIES (1024 * 1024)
/* From here on there are as many as users, and no fewer are to be had. */
#define PLAN_MAX_GRANULE (1 << 30)

struct plan_entry {
	time_t oldest, newest;
	unsigned int user;
	/* they go in the order in which they were added */
	unsigned int number;
	uint64_t messages, bytes;
};

struct lazy_expunge_room_plan {
	pool_t pool;
	uint64_t wanted;
	/* of all entries; and what no mail is needed for */
	uint64_t bytes, purged;
	ARRAY(struct plan_entry) entries;
	unsigned int next_number, trim_at;
	/* nothing that is younger can be needed, 0 = that is not known */
	time_t limit;
	/* entries of one user that are not further apart are one */
	time_t granule;
	ARRAY_TYPE(lazy_expunge_room_share) users, shares;
};

static int plan_entry_cmp(const struct plan_entry *e1,
			  const struct plan_entry *e2)
{
	if (e1->newest != e2->newest)
		return e1->newest < e2->newest ? -1 : 1;
	if (e1->number != e2->number)
		return e1->number < e2->number ? -1 : 1;
	return 0;
}

static int plan_entry_user_cmp(const struct plan_entry *e1,
			       const struct plan_entry *e2)
{
	if (e1->user != e2->user)
		return e1->user < e2->user ? -1 : 1;
	return plan_entry_cmp(e1, e2);
}

struct lazy_expunge_room_plan *lazy_expunge_room_plan_init(uint64_t wanted)
{
	struct lazy_expunge_room_plan *plan;
	pool_t pool = pool_alloconly_create("lazy_expunge room plan", 4096);

	i_assert(wanted > 0);
	plan = p_new(pool, struct lazy_expunge_room_plan, 1);
	plan->pool = pool;
	plan->wanted = wanted;
	plan->trim_at = PLAN_SLACK;
	i_array_init(&plan->entries, 256);
	i_array_init(&plan->users, 64);
	i_array_init(&plan->shares, 64);
	return plan;
}

void lazy_expunge_room_plan_deinit(struct lazy_expunge_room_plan **_plan)
{
	struct lazy_expunge_room_plan *plan = *_plan;

	if (plan == NULL)
		return;
	*_plan = NULL;
	array_free(&plan->entries);
	array_free(&plan->users);
	array_free(&plan->shares);
	pool_unref(&plan->pool);
}

/* Forget the youngest that are not needed. */
static void plan_cut(struct lazy_expunge_room_plan *plan)
{
	const struct plan_entry *last;

	array_sort(&plan->entries, plan_entry_cmp);
	while (array_count(&plan->entries) > 0) {
		last = array_back(&plan->entries);
		if (plan->purged + plan->bytes - last->bytes < plan->wanted)
			break;
		plan->bytes -= last->bytes;
		array_pop_back(&plan->entries);
	}
	if (plan->purged + plan->bytes >= plan->wanted &&
	    array_count(&plan->entries) > 0) {
		last = array_back(&plan->entries);
		plan->limit = last->newest;
	}
}

static void plan_merge(struct lazy_expunge_room_plan *plan)
{
	struct plan_entry *entry, *into = NULL;
	unsigned int kept = 0;

	plan->granule = plan->granule == 0 ? 1 : plan->granule * 2;
	array_sort(&plan->entries, plan_entry_user_cmp);
	array_foreach_modifiable(&plan->entries, entry) {
		if (into != NULL && into->user == entry->user &&
		    entry->newest - into->oldest < plan->granule) {
			into->newest = entry->newest;
			into->messages += entry->messages;
			into->bytes += entry->bytes;
			continue;
		}
		into = array_idx_modifiable(&plan->entries, kept++);
		*into = *entry;
	}
	array_delete(&plan->entries, kept, array_count(&plan->entries) - kept);
}

static void plan_trim(struct lazy_expunge_room_plan *plan)
{
	plan_cut(plan);
	while (array_count(&plan->entries) > PLAN_MAX_ENTRIES &&
	       plan->granule < PLAN_MAX_GRANULE)
		plan_merge(plan);
	plan->trim_at = array_count(&plan->entries) * 2 + PLAN_SLACK;
}

void lazy_expunge_room_plan_add_user(struct lazy_expunge_room_plan *plan,
				     const char *username)
{
	struct lazy_expunge_room_share *user =
		array_append_space(&plan->users);

	user->username = p_strdup(plan->pool, username);
}

void lazy_expunge_room_plan_add_purged(struct lazy_expunge_room_plan *plan,
				       uint64_t bytes)
{
	struct lazy_expunge_room_share *user =
		array_back_modifiable(&plan->users);

	user->purged += bytes;
	plan->purged += bytes;
}

void lazy_expunge_room_plan_add_mail(struct lazy_expunge_room_plan *plan,
				     time_t saved, uint64_t bytes)
{
	struct plan_entry *entry;

	if (bytes == 0 || plan->purged >= plan->wanted ||
	    (plan->limit != 0 && saved > plan->limit))
		return;
	entry = array_append_space(&plan->entries);
	entry->oldest = entry->newest = saved;
	entry->user = array_count(&plan->users) - 1;
	entry->number = plan->next_number++;
	entry->messages = 1;
	entry->bytes = bytes;
	plan->bytes += bytes;
	if (array_count(&plan->entries) >= plan->trim_at)
		plan_trim(plan);
}

uint64_t lazy_expunge_room_plan_finish(
	struct lazy_expunge_room_plan *plan,
	const ARRAY_TYPE(lazy_expunge_room_share) **shares_r)
{
	struct lazy_expunge_room_share *user;
	const struct plan_entry *entry;

	plan_cut(plan);
	array_foreach(&plan->entries, entry) {
		user = array_idx_modifiable(&plan->users, entry->user);
		user->messages += entry->messages;
		user->bytes += entry->bytes;
		if (user->oldest == 0 || entry->oldest < user->oldest)
			user->oldest = entry->oldest;
		user->newest = I_MAX(user->newest, entry->newest);
	}
	array_foreach_modifiable(&plan->users, user) {
		if (user->messages > 0 || user->purged > 0)
			array_push_back(&plan->shares, user);
	}
	*shares_r = &plan->shares;
	return plan->purged + plan->bytes;
}
