/* The queue of one catalog: what is sent, what came back, and what is tried once
   more. */

#include "lib.h"
#include "array.h"
#include "hostpid.h"
#include "ioloop-private.h"
#include "time-util.h"
#include "catalog/keys.h"
#include "catalog/queue.h"

#include <sys/socket.h>

/* how often it is hung up on who does not answer, and how long to wait for the
   end of that */
#define HANG_UPS 5
#define HANG_UP_MSECS 200
/* a server that does not answer does not fill memory */
#define ROWS_MAX 1000
/* so many rows in turn that are refused: it is not the rows */
#define REFUSED_MAX 3
/* after a failure nothing is tried for so long */
#define PAUSE_SECS 60

struct queue_row {
	char *username;
	char *server;
	/* no field is known: it is taken out */
	struct lazy_expunge_catalog_row row;
};
ARRAY_DEFINE_TYPE(queue_row, struct queue_row);

struct queue_refusal {
	char *username;
	char *error;
};

struct lazy_expunge_catalog_queue {
	char *uri;
	void (*progress)(void);
	struct dict *dict;
	ARRAY_TYPE(queue_row) rows;
	/* in the transaction, or left of one that failed: these go one by one */
	ARRAY_TYPE(queue_row) sent;
	/* an answer is awaited: for the first of them alone? */
	bool committing, alone;
	/* rows that were refused: each is named when it is known that it was the
	   row. How many there were since one was taken: */
	ARRAY(struct queue_refusal) refused;
	unsigned int refused_in_turn;
	bool admin;
	/* that is run for an answer, or NULL */
	struct ioloop *loop;
	time_t paused_until;
};

static bool queue_warned = FALSE;

static void queue_row_free(struct queue_row *row)
{
	i_free(row->username);
	i_free(row->server);
}

static void rows_clear(ARRAY_TYPE(queue_row) *rows)
{
	struct queue_row *row;

	array_foreach_modifiable(rows, row)
		queue_row_free(row);
	array_clear(rows);
}

static void refused_clear(struct lazy_expunge_catalog_queue *queue)
{
	struct queue_refusal *refusal;

	array_foreach_modifiable(&queue->refused, refusal) {
		i_free(refusal->username);
		i_free(refusal->error);
	}
	array_clear(&queue->refused);
}

void lazy_expunge_catalog_warn(bool *warned, const char *error)
{
	if (*warned)
		return;
	*warned = TRUE;
	i_warning("lazy_expunge: The catalog cannot be written: %s. Mail is "
		  "kept all the same; doveadm lazy-expunge maintain -A mends "
		  "the catalog", error);
}

/* The catalog itself is of no use now. */
static void queue_failed(struct lazy_expunge_catalog_queue *queue,
			 const char *error)
{
	queue->paused_until = ioloop_time + PAUSE_SECS;
	queue->refused_in_turn = 0;
	rows_clear(&queue->rows);
	rows_clear(&queue->sent);
	refused_clear(queue);
	lazy_expunge_catalog_warn(&queue_warned, error);
}

/* It was the rows. */
static void refused_say(struct lazy_expunge_catalog_queue *queue)
{
	const struct queue_refusal *refusal;
	bool warned;

	array_foreach(&queue->refused, refusal) T_BEGIN {
		warned = queue_warned && !queue->admin;
		lazy_expunge_catalog_warn(&warned, t_strdup_printf("user %s: %s",
					refusal->username, refusal->error));
		queue_warned = TRUE;
	} T_END;
	refused_clear(queue);
}

struct lazy_expunge_catalog_queue *
lazy_expunge_catalog_queue_init(const char *uri, void (*progress)(void))
{
	struct lazy_expunge_catalog_queue *queue;

	queue = i_new(struct lazy_expunge_catalog_queue, 1);
	queue->uri = i_strdup(uri);
	queue->progress = progress;
	i_array_init(&queue->rows, 8);
	i_array_init(&queue->sent, 8);
	i_array_init(&queue->refused, REFUSED_MAX);
	return queue;
}

void lazy_expunge_catalog_queue_deinit(
	struct lazy_expunge_catalog_queue **_queue)
{
	struct lazy_expunge_catalog_queue *queue = *_queue;

	*_queue = NULL;
	i_assert(!queue->committing);
	lazy_expunge_catalog_queue_close(queue);
	rows_clear(&queue->rows);
	rows_clear(&queue->sent);
	refused_clear(queue);
	array_free(&queue->rows);
	array_free(&queue->sent);
	array_free(&queue->refused);
	i_free(queue->uri);
	i_free(queue);
}

const char *
lazy_expunge_catalog_queue_uri(const struct lazy_expunge_catalog_queue *queue)
{
	return queue->uri;
}

void lazy_expunge_catalog_queue_open(struct lazy_expunge_catalog_queue *queue,
				     struct dict *dict)
{
	i_assert(queue->dict == NULL);
	queue->dict = dict;
}

bool lazy_expunge_catalog_queue_is_open(
	const struct lazy_expunge_catalog_queue *queue)
{
	return queue->dict != NULL;
}

bool lazy_expunge_catalog_queue_is_paused(
	const struct lazy_expunge_catalog_queue *queue)
{
	return ioloop_time < queue->paused_until;
}

bool lazy_expunge_catalog_queue_is_busy(
	const struct lazy_expunge_catalog_queue *queue)
{
	return queue->committing || array_count(&queue->rows) > 0 ||
		array_count(&queue->sent) > 0;
}

void lazy_expunge_catalog_queue_close(struct lazy_expunge_catalog_queue *queue)
{
	if (queue->dict != NULL && !queue->committing)
		dict_deinit(&queue->dict);
}

unsigned int lazy_expunge_catalog_queue_count(
	const struct lazy_expunge_catalog_queue *queue)
{
	return array_count(&queue->rows);
}

void lazy_expunge_catalog_queue_add(struct lazy_expunge_catalog_queue *queue,
				    const char *username, bool admin,
				    const struct lazy_expunge_catalog_row *row)
{
	struct queue_row *dest;

	queue->admin = admin;
	if (array_count(&queue->rows) >= ROWS_MAX)
		return;
	dest = array_append_space(&queue->rows);
	dest->row = *row;
	dest->username = i_strdup(username);
	if (row->known != 0) {
		dest->row.known |=
			LAZY_EXPUNGE_CATALOG_BIT(LAZY_EXPUNGE_CATALOG_SERVER);
		dest->server = i_strdup(my_hostname);
		dest->row.server = dest->server;
	}
}

static void rows_remove_first(ARRAY_TYPE(queue_row) *rows)
{
	queue_row_free(array_front_modifiable(rows));
	array_pop_front(rows);
}

/* One row alone was refused. */
static void queue_refused(struct lazy_expunge_catalog_queue *queue,
			  const char *error)
{
	const struct queue_row *row = array_front(&queue->sent);
	struct queue_refusal *refusal;

	if (++queue->refused_in_turn >= REFUSED_MAX) {
		queue_failed(queue, error);
		return;
	}
	refusal = array_append_space(&queue->refused);
	refusal->username = i_strdup(row->username);
	refusal->error = i_strdup(error);
	rows_remove_first(&queue->sent);
}

static void queue_committed(const struct dict_commit_result *result,
			    struct lazy_expunge_catalog_queue *queue)
{
	queue->committing = FALSE;
	if (array_count(&queue->sent) == 0)
		; /* it was given up */
	else if (result->ret >= 0) {
		if (queue->alone)
			rows_remove_first(&queue->sent);
		else
			rows_clear(&queue->sent);
		queue->refused_in_turn = 0;
		refused_say(queue);
	} else if (queue->alone)
		queue_refused(queue, result->error);
	if (queue->loop != NULL)
		io_loop_stop(queue->loop);
	else
		queue->progress();
}

static void send_row(struct dict_transaction_context *t,
		     const struct queue_row *sent)
{
	const struct lazy_expunge_catalog_row *row = &sent->row;
	enum lazy_expunge_catalog_field field;

	if (row->known == 0) {
		dict_unset(t, lazy_expunge_catalog_key(
			lazy_expunge_catalog_field_name(
				LAZY_EXPUNGE_CATALOG_DUE), sent->username));
		return;
	}
	for (field = 0; field < LAZY_EXPUNGE_CATALOG_FIELDS; field++) {
		if ((row->known & LAZY_EXPUNGE_CATALOG_BIT(field)) == 0)
			continue;
		dict_set(t, lazy_expunge_catalog_key(
				lazy_expunge_catalog_field_name(field),
				sent->username),
			 lazy_expunge_catalog_row_get(row, field));
	}
}

void lazy_expunge_catalog_queue_send(struct lazy_expunge_catalog_queue *queue)
{
	const struct dict_op_settings set = { .username = "" };
	struct dict_transaction_context *t;
	unsigned int i, count;

	if (queue->committing || !lazy_expunge_catalog_queue_is_busy(queue)) {
		if (!queue->committing)
			refused_say(queue);
		return;
	}
	if (array_count(&queue->sent) > 0)
		count = 1;
	else {
		array_append_array(&queue->sent, &queue->rows);
		array_clear(&queue->rows);
		count = array_count(&queue->sent);
	}
	queue->alone = count == 1;
	queue->committing = TRUE;
	t = dict_transaction_begin(queue->dict, &set);
	for (i = 0; i < count; i++) T_BEGIN {
		send_row(t, array_idx(&queue->sent, i));
	} T_END;
	dict_transaction_commit_async(&t, queue_committed, queue);
}

/* Who does not answer is hung up on: the transaction that waits for it ends. */
static void queue_hang_up(struct ioloop *loop)
{
	for (struct io_file *io = loop->io_files; io != NULL; io = io->next)
		(void)shutdown(io->fd, SHUT_RDWR);
}

static void wait_over(struct ioloop *loop)
{
	io_loop_stop(loop);
}

static void queue_wait_once(struct lazy_expunge_catalog_queue *queue,
			    unsigned int msecs)
{
	struct timeout *to;

	if (!queue->committing)
		return;
	to = timeout_add(msecs, wait_over, queue->loop);
	io_loop_run(queue->loop);
	timeout_remove(&to);
}

static void queue_give_up(struct lazy_expunge_catalog_queue *queue,
			  unsigned int msecs)
{
	queue_failed(queue, t_strdup_printf("no answer within %u ms", msecs));
	/* from 2.4.2 on the dict tries once more with a new connection */
	for (unsigned int i = 0; i < HANG_UPS && queue->committing; i++) {
		queue_hang_up(queue->loop);
		queue_wait_once(queue, HANG_UP_MSECS);
	}
}

static void queue_flush(struct lazy_expunge_catalog_queue *queue,
			unsigned int msecs, bool each_msecs)
{
	struct timeval begin = ioloop_timeval;
	int passed = 0;

	while (lazy_expunge_catalog_queue_is_busy(queue) &&
	       passed < (int)msecs) T_BEGIN {
		lazy_expunge_catalog_queue_send(queue);
		queue_wait_once(queue, msecs - (unsigned int)passed);
		if (each_msecs && !queue->committing)
			begin = ioloop_timeval;
		passed = queue->committing ? (int)msecs :
			I_MAX(timeval_diff_msecs(&ioloop_timeval, &begin), 0);
	} T_END;
	if (lazy_expunge_catalog_queue_is_busy(queue))
		queue_give_up(queue, msecs);
	refused_say(queue);
}

void lazy_expunge_catalog_queue_flush(struct lazy_expunge_catalog_queue *queue,
				      unsigned int msecs, bool each_msecs)
{
	struct ioloop *prev = current_ioloop;

	if (!lazy_expunge_catalog_queue_is_busy(queue)) {
		refused_say(queue);
		return;
	}
	queue->loop = io_loop_create();
	(void)dict_switch_ioloop(queue->dict);
	io_loop_time_refresh();
	queue_flush(queue, msecs, each_msecs);
	io_loop_set_current(prev);
	(void)dict_switch_ioloop(queue->dict);
	io_loop_set_current(queue->loop);
	io_loop_destroy(&queue->loop);
}
