#ifndef LAZY_EXPUNGE_HOLD_FIELDS_H
#define LAZY_EXPUNGE_HOLD_FIELDS_H

/* Holds' queries by header fields, answered for a third of what Dovecot's search
   costs, where the answer is the same beyond doubt: the words and the fields are
   plain ASCII on one line. All else is left to the search. */

struct lazy_expunge_fields;
struct mail_search_arg;
struct mailbox;

/* Can the query of some mails be answered by header fields alone? */
bool lazy_expunge_fields_are_asked(const struct mail_search_arg *args);

/* The mails of an open mailbox. No query needs to be one of those. */
struct lazy_expunge_fields *
lazy_expunge_fields_init(struct mailbox *box,
			 const struct mail_search_arg *const *queries,
			 unsigned int queries_count);
/* Is all in the cache that the queries ask of the mail with this sequence? */
bool lazy_expunge_fields_are_cached(struct lazy_expunge_fields *fields,
				    uint32_t seq);
/* Read that, so that it will be. */
void lazy_expunge_fields_read(struct lazy_expunge_fields *fields, uint32_t seq);
/* Go to the mail with this sequence. */
void lazy_expunge_fields_go(struct lazy_expunge_fields *fields, uint32_t seq);
/* Returns 1 if the mail matches the query, 0 if it does not, -1 if it is for
   the search to tell. */
int lazy_expunge_fields_match(struct lazy_expunge_fields *fields,
			      const struct mail_search_arg *args);
/* What was read is cached by this. Returns -1 if that failed. */
int lazy_expunge_fields_deinit(struct lazy_expunge_fields **fields);

#endif
