#ifndef LAZY_EXPUNGE_CATALOG_QUEUE_H
#define LAZY_EXPUNGE_CATALOG_QUEUE_H

/* Rows on their way to one catalog: one dict, and one transaction at a time. What a
   transaction of several rows did not take is sent row by row, so that a row that
   cannot be written is lost alone. */

#include "core/catalog-row.h"

struct dict;
struct lazy_expunge_catalog_queue;

/* uri tells catalogs apart. progress is called when an answer came while no loop is
   run for it: there may be more to send, or the dict can be closed, but not
   within the call. */
struct lazy_expunge_catalog_queue *
lazy_expunge_catalog_queue_init(const char *uri, void (*progress)(void));
/* Must not wait for an answer. */
void lazy_expunge_catalog_queue_deinit(
	struct lazy_expunge_catalog_queue **queue);

const char *
lazy_expunge_catalog_queue_uri(const struct lazy_expunge_catalog_queue *queue);
/* The dict is handed over. */
void lazy_expunge_catalog_queue_open(struct lazy_expunge_catalog_queue *queue,
				     struct dict *dict);
bool lazy_expunge_catalog_queue_is_open(
	const struct lazy_expunge_catalog_queue *queue);
/* After a failure nothing is tried for some time. */
bool lazy_expunge_catalog_queue_is_paused(
	const struct lazy_expunge_catalog_queue *queue);
/* TRUE if there is something to send or an answer is awaited. */
bool lazy_expunge_catalog_queue_is_busy(
	const struct lazy_expunge_catalog_queue *queue);
/* Does nothing if an answer is awaited. */
void lazy_expunge_catalog_queue_close(
	struct lazy_expunge_catalog_queue *queue);

/* How many rows there are that were not sent yet. */
unsigned int lazy_expunge_catalog_queue_count(
	const struct lazy_expunge_catalog_queue *queue);
/* A row of which no field is known is taken out. With admin, an administrator waits
   at the end: each row that cannot be written is named, not only the first. */
void lazy_expunge_catalog_queue_add(struct lazy_expunge_catalog_queue *queue,
				    const char *username, bool admin,
				    const struct lazy_expunge_catalog_row *row);
/* Send what there is, if no answer is awaited. */
void lazy_expunge_catalog_queue_send(struct lazy_expunge_catalog_queue *queue);
/* Send all and wait, until msecs have passed; each_msecs: since the last answer.
   Who does not answer in time is given up. */
void lazy_expunge_catalog_queue_flush(struct lazy_expunge_catalog_queue *queue,
				      unsigned int msecs, bool each_msecs);

/* Say once a process that a catalog cannot be written. */
void lazy_expunge_catalog_warn(bool *warned, const char *error);

#endif
