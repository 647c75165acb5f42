/* The writer: the catalogs of the process's users, of which there is one as a
   rule. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "master-service.h"
#include "time-util.h"
#include "catalog/keys.h"
#include "account/user.h"
#include "catalog/queue.h"
#include "catalog/writer.h"

/* a process whose client is gone does not stay longer for all catalogs */
#define WAIT_MSECS 2000
/* an administrator's command that has written so many rows can wait */
#define ADMIN_ROWS 100
#define ADMIN_WAIT_MSECS 10000
/* so many are open at once */
#define OPEN_MAX 16

static struct {
	/* some stay when they are closed: one may be paused */
	ARRAY(struct lazy_expunge_catalog_queue *) queues;
	/* sends the rows, or closes the dicts */
	struct timeout *to;
	/* of a user's setting that is of no use */
	bool warned_open;
} catalog;

static void catalog_next(void *context ATTR_UNUSED)
{
	struct lazy_expunge_catalog_queue *queue;

	timeout_remove(&catalog.to);
	if (!array_is_created(&catalog.queues))
		return;
	array_foreach_elem(&catalog.queues, queue) {
		lazy_expunge_catalog_queue_send(queue);
		if (!lazy_expunge_catalog_queue_is_busy(queue))
			lazy_expunge_catalog_queue_close(queue);
	}
}

static void catalog_schedule(void)
{
	if (catalog.to == NULL)
		catalog.to = timeout_add_short(0, catalog_next, NULL);
}

/* Run the loop of one catalog after the other, not the process's own. */
static void catalog_flush(struct lazy_expunge_catalog_queue *queue,
			  unsigned int msecs, bool each_msecs)
{
	timeout_remove(&catalog.to);
	lazy_expunge_catalog_queue_flush(queue, msecs, each_msecs);
}

/* A URI with a user's name in it makes one for each user. */
static void catalog_forget_closed(void)
{
	struct lazy_expunge_catalog_queue *queue;
	unsigned int i = 0;

	while (i < array_count(&catalog.queues)) {
		queue = array_idx_elem(&catalog.queues, i);
		if (lazy_expunge_catalog_queue_is_open(queue) ||
		    lazy_expunge_catalog_queue_is_busy(queue) ||
		    lazy_expunge_catalog_queue_is_paused(queue)) {
			i++;
			continue;
		}
		lazy_expunge_catalog_queue_deinit(&queue);
		array_delete(&catalog.queues, i, 1);
	}
}

/* On 2.4 there is one: the settings do not say which it is. */
static struct lazy_expunge_catalog_queue *catalog_find(const char *uri)
{
	struct lazy_expunge_catalog_queue *queue, *found = NULL;

	if (!array_is_created(&catalog.queues))
		i_array_init(&catalog.queues, 1);
	array_foreach_elem(&catalog.queues, queue) {
		if (null_strcmp(lazy_expunge_catalog_queue_uri(queue),
				uri) == 0)
			found = queue;
	}
	if (found == NULL) {
		if (array_count(&catalog.queues) >= OPEN_MAX)
			catalog_forget_closed();
		found = lazy_expunge_catalog_queue_init(uri, catalog_schedule);
		array_push_back(&catalog.queues, &found);
	}
	return found;
}

/* Returns FALSE if too many are open, and none can be closed without waiting, which
   administrators' commands do: the next maintenance writes the row then. */
static bool catalog_make_room(bool admin)
{
	struct lazy_expunge_catalog_queue *queue;
	unsigned int open = 0;

	array_foreach_elem(&catalog.queues, queue) {
		if (lazy_expunge_catalog_queue_is_open(queue))
			open++;
	}
	array_foreach_elem(&catalog.queues, queue) {
		if (open < OPEN_MAX)
			break;
		if (!lazy_expunge_catalog_queue_is_open(queue))
			continue;
		if (admin)
			catalog_flush(queue, ADMIN_WAIT_MSECS, TRUE);
		if (!lazy_expunge_catalog_queue_is_busy(queue)) {
			lazy_expunge_catalog_queue_close(queue);
			open--;
		}
	}
	return open < OPEN_MAX;
}

/* The queue of a user's catalog. NULL if there is none, or it is of no use now. */
static struct lazy_expunge_catalog_queue *
catalog_open(struct event *event, const char *uri, bool admin)
{
	struct lazy_expunge_catalog_queue *queue = catalog_find(uri);
	struct dict *dict;
	const char *error;
	int ret;

	if (lazy_expunge_catalog_queue_is_paused(queue))
		return NULL;
	ret = lazy_expunge_compat_catalog_init(event, uri, &dict, &error);
	/* the rows of other users go on */
	if (ret < 0)
		lazy_expunge_catalog_warn(&catalog.warned_open, error);
	if (ret <= 0)
		return NULL;
	if (lazy_expunge_catalog_queue_is_open(queue)) {
		dict_deinit(&dict);
		return queue;
	}
	if (!catalog_make_room(admin)) {
		dict_deinit(&dict);
		lazy_expunge_catalog_warn(&catalog.warned_open,
			"too many catalogs are being written at once");
		return NULL;
	}
	lazy_expunge_catalog_queue_open(queue, dict);
	return queue;
}

bool lazy_expunge_catalog_is_set(struct lazy_expunge_user *luser)
{
	struct dict *dict;
	const char *error;
	int ret;

	if (luser->set.error != NULL)
		return FALSE;
	ret = lazy_expunge_compat_catalog_init(luser->user->event,
					       luser->set.catalog, &dict,
					       &error);
	if (ret > 0)
		dict_deinit(&dict);
	/* the error is said when it is written */
	return ret != 0;
}

static void catalog_add(struct event *event, const char *uri,
			const char *username, bool admin,
			const struct lazy_expunge_catalog_row *row)
{
	struct lazy_expunge_catalog_queue *queue;

	queue = catalog_open(event, uri, admin);
	if (queue == NULL)
		return;
	lazy_expunge_catalog_queue_add(queue, username, admin, row);
	if (!admin)
		catalog_schedule();
	else if (master_service_get_socket_count(master_service) > 0) {
		/* a server of doveadm, whose loop goes with the command */
		catalog_flush(queue, WAIT_MSECS, FALSE);
		lazy_expunge_catalog_queue_close(queue);
	} else if (lazy_expunge_catalog_queue_count(queue) >= ADMIN_ROWS)
		catalog_flush(queue, ADMIN_WAIT_MSECS, TRUE);
}

void lazy_expunge_catalog_write(struct lazy_expunge_user *luser,
				const struct lazy_expunge_catalog_row *row)
{
	i_assert(row->known != 0);
	catalog_add(luser->user->event, luser->set.catalog,
		    luser->user->username, luser->by_admin, row);
}

void lazy_expunge_catalog_remove(struct event *event, const char *uri,
				 const char *username)
{
	const struct lazy_expunge_catalog_row row = { .known = 0 };

	catalog_add(event, uri, username, TRUE, &row);
}

void lazy_expunge_catalog_deinit(void)
{
	struct lazy_expunge_catalog_queue *queue;
	struct timeval begin;
	int passed;

	if (!array_is_created(&catalog.queues))
		return;
	io_loop_time_refresh();
	begin = ioloop_timeval;
	array_foreach_elem(&catalog.queues, queue) T_BEGIN {
		passed = I_MAX(timeval_diff_msecs(&ioloop_timeval, &begin), 0);
		catalog_flush(queue, I_MAX(WAIT_MSECS - passed, 1), FALSE);
		if (!lazy_expunge_catalog_queue_is_busy(queue))
			lazy_expunge_catalog_queue_deinit(&queue);
	} T_END;
	array_free(&catalog.queues);
	timeout_remove(&catalog.to);
}
