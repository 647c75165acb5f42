#ifndef LAZY_EXPUNGE_LIST_COLUMNS_H
#define LAZY_EXPUNGE_LIST_COLUMNS_H

/* The columns of list: which are wanted, and what stands in them. */

#include "inventory/select.h"

struct lazy_expunge_cover;
struct lazy_expunge_list_columns;
struct mail;
struct mailbox_header_lookup_ctx;

/* Lives in the pool. names: separated by commas, of all columns that there are;
   NULL = those that people see first, or with all = TRUE all. Returns 0, or -1
   and the error, which names what is no column. */
int lazy_expunge_list_columns_init(pool_t pool, const char *names, bool all,
				   struct lazy_expunge_list_columns **columns_r,
				   const char **error_r);
/* Declare them. */
void lazy_expunge_list_columns_headers(
	struct lazy_expunge_list_columns *columns);
/* A mail of the mailbox that reads ahead what they need. */
struct mail *
lazy_expunge_list_columns_mail(struct lazy_expunge_list_columns *columns,
			       struct mailbox_transaction_context *t);
/* Print the row of a mail. sent: its origin is a mailbox of sent mail; cover: NULL
   if nothing is held. Returns 0, or -1 if something of the mail could not be
   read: nothing is printed then. */
int lazy_expunge_list_columns_print(
	struct lazy_expunge_list_columns *columns,
	struct lazy_expunge_select *select,
	const struct lazy_expunge_select_mail *smail, struct mail *mail,
	bool sent, struct lazy_expunge_cover *cover);

#endif
