/* The writer: one dict and one transaction at a time for all rows of the
   process. */

#include "lib.h"
#include "array.h"
#include "hostpid.h"
#include "ioloop-private.h"
#include "master-service.h"
#include "catalog/keys.h"
#include "account/user.h"
#include "catalog/writer.h"

#include <sys/socket.h>

/* a process whose client is gone does not stay longer for the catalog */
#define WAIT_MSECS 2000
/* how often it is hung up on who does not answer, and how long to wait for the
   end of that */
#define HANG_UPS 5
#define HANG_UP_MSECS 200
/* an administrator's command that has written so many rows can wait */
#define ADMIN_ROWS 100
#define ADMIN_WAIT_MSECS 10000
/* a server that does not answer does not fill memory */
#define ROWS_MAX 1000
/* after a failure nothing is tried for so long */
#define PAUSE_SECS 60

struct catalog_write {
	char *username;
	char *server;
	/* no field is known: it is taken out */
	struct lazy_expunge_catalog_row row;
};

static struct {
	struct dict *dict;
	/* on 2.3 */
	char *uri;
	ARRAY(struct catalog_write) writes;
	/* sends the rows, or closes the dict */
	struct timeout *to;
	/* an answer is awaited; the loop that is run for it, or NULL */
	bool committing;
	struct ioloop *loop;
	time_t paused_until;
	bool warned;
	/* of a user's setting that is of no use */
	bool warned_open;
} catalog;

static void writes_free(void)
{
	struct catalog_write *write;

	if (!array_is_created(&catalog.writes))
		return;
	array_foreach_modifiable(&catalog.writes, write) {
		i_free(write->username);
		i_free(write->server);
	}
	array_free(&catalog.writes);
}

static void catalog_warn(bool *warned, const char *error)
{
	if (*warned)
		return;
	*warned = TRUE;
	i_warning("lazy_expunge: The catalog cannot be written: %s. Mail is "
		  "kept all the same; doveadm lazy-expunge maintain -A mends "
		  "the catalog", error);
}

static void catalog_failed(const char *error)
{
	catalog.paused_until = ioloop_time + PAUSE_SECS;
	writes_free();
	catalog_warn(&catalog.warned, error);
}

static void catalog_close(void)
{
	timeout_remove(&catalog.to);
	i_assert(!catalog.committing);
	if (catalog.dict != NULL)
		dict_deinit(&catalog.dict);
	i_free(catalog.uri);
}

static void catalog_send(void);

static void catalog_next(void *context ATTR_UNUSED)
{
	timeout_remove(&catalog.to);
	if (array_is_created(&catalog.writes))
		catalog_send();
	else if (!catalog.committing)
		catalog_close();
}

/* Only the process's own loop goes on by itself. */
static void catalog_schedule(void)
{
	if (catalog.loop == NULL && catalog.to == NULL)
		catalog.to = timeout_add_short(0, catalog_next, NULL);
}

static void catalog_committed(const struct dict_commit_result *result,
			      void *context ATTR_UNUSED)
{
	catalog.committing = FALSE;
	if (result->ret < 0)
		catalog_failed(result->error);
	if (catalog.loop != NULL)
		io_loop_stop(catalog.loop);
	/* the dict must not go within its own callback */
	catalog_schedule();
}

static void send_write(struct dict_transaction_context *t,
		       const struct catalog_write *write)
{
	const struct lazy_expunge_catalog_row *row = &write->row;
	enum lazy_expunge_catalog_field field;

	if (row->known == 0) {
		dict_unset(t, lazy_expunge_catalog_key(
			lazy_expunge_catalog_field_name(
				LAZY_EXPUNGE_CATALOG_DUE), write->username));
		return;
	}
	for (field = 0; field < LAZY_EXPUNGE_CATALOG_FIELDS; field++) {
		if ((row->known & LAZY_EXPUNGE_CATALOG_BIT(field)) == 0)
			continue;
		dict_set(t, lazy_expunge_catalog_key(
				lazy_expunge_catalog_field_name(field),
				write->username),
			 lazy_expunge_catalog_row_get(row, field));
	}
}

/* All rows, in one transaction. */
static void catalog_send(void)
{
	const struct dict_op_settings set = { .username = "" };
	struct dict_transaction_context *t;
	const struct catalog_write *write;

	if (catalog.committing || !array_is_created(&catalog.writes))
		return;
	catalog.committing = TRUE;
	t = dict_transaction_begin(catalog.dict, &set);
	array_foreach(&catalog.writes, write) T_BEGIN {
		send_write(t, write);
	} T_END;
	writes_free();
	dict_transaction_commit_async(&t, catalog_committed, (void *)NULL);
}

/* Who does not answer is hung up on: the transaction that waits for it ends. */
static void catalog_hang_up(struct ioloop *loop)
{
	for (struct io_file *io = loop->io_files; io != NULL; io = io->next)
		(void)shutdown(io->fd, SHUT_RDWR);
}

static void wait_over(struct ioloop *loop)
{
	io_loop_stop(loop);
}

static void catalog_wait_once(unsigned int msecs)
{
	struct timeout *to;

	if (!catalog.committing)
		return;
	to = timeout_add(msecs, wait_over, catalog.loop);
	io_loop_run(catalog.loop);
	timeout_remove(&to);
}

static void catalog_wait(unsigned int msecs)
{
	struct ioloop *prev = current_ioloop;

	if (!catalog.committing)
		return;
	timeout_remove(&catalog.to);
	catalog.loop = io_loop_create();
	(void)dict_switch_ioloop(catalog.dict);
	catalog_wait_once(msecs);
	if (catalog.committing)
		catalog_failed(t_strdup_printf("no answer within %u ms", msecs));
	/* from 2.4.2 on the dict tries once more with a new connection */
	for (unsigned int i = 0; i < HANG_UPS && catalog.committing; i++) {
		catalog_hang_up(catalog.loop);
		catalog_wait_once(HANG_UP_MSECS);
	}
	io_loop_set_current(prev);
	(void)dict_switch_ioloop(catalog.dict);
	io_loop_set_current(catalog.loop);
	io_loop_destroy(&catalog.loop);
}

/* Returns FALSE if there is nothing to write to. */
static bool catalog_open(struct event *event, const char *uri)
{
	struct dict *dict;
	const char *error;
	int ret;

	if (ioloop_time < catalog.paused_until)
		return FALSE;
	ret = lazy_expunge_compat_catalog_init(event, uri, &dict, &error);
	/* the rows of other users go on */
	if (ret < 0)
		catalog_warn(&catalog.warned_open, error);
	if (ret <= 0)
		return FALSE;
	if (catalog.dict != NULL && null_strcmp(catalog.uri, uri) != 0) {
		/* another user's goes elsewhere: the row is written by the
		   next maintenance */
		dict_deinit(&dict);
		return FALSE;
	}
	if (catalog.dict != NULL)
		dict_deinit(&dict);
	else {
		catalog.dict = dict;
		catalog.uri = i_strdup(uri);
	}
	return TRUE;
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
	struct catalog_write *write;

	if (!catalog_open(event, uri))
		return;
	if (!array_is_created(&catalog.writes))
		i_array_init(&catalog.writes, 8);
	if (array_count(&catalog.writes) >= ROWS_MAX)
		return;
	write = array_append_space(&catalog.writes);
	write->row = *row;
	write->username = i_strdup(username);
	if (row->known != 0) {
		write->row.known |=
			LAZY_EXPUNGE_CATALOG_BIT(LAZY_EXPUNGE_CATALOG_SERVER);
		write->server = i_strdup(my_hostname);
		write->row.server = write->server;
	}
	if (!admin)
		catalog_schedule();
	else if (master_service_get_socket_count(master_service) > 0) {
		/* a server of doveadm, whose loop goes with the command */
		catalog_send();
		catalog_wait(WAIT_MSECS);
		if (!catalog.committing)
			catalog_close();
	} else if (array_count(&catalog.writes) >= ADMIN_ROWS) {
		catalog_send();
		catalog_wait(ADMIN_WAIT_MSECS);
	}
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
	if (catalog.dict == NULL)
		return;
	T_BEGIN {
		catalog_wait(WAIT_MSECS);
		catalog_send();
		catalog_wait(WAIT_MSECS);
	} T_END;
	writes_free();
	if (!catalog.committing)
		catalog_close();
}
