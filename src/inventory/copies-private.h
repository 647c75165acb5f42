#ifndef LAZY_EXPUNGE_INVENTORY_COPIES_PRIVATE_H
#define LAZY_EXPUNGE_INVENTORY_COPIES_PRIVATE_H

/* A search for copies: what is looked for, and what was found where. */

#include "array.h"
#include "hash.h"
#include "core/passed-lines.h"
#include "inventory/select.h"

struct lazy_expunge_copies_params;

struct copies_wanted {
	const struct lazy_expunge_passed *passed;
	/* the mailbox as it is shown now */
	const char *shown;
	/* it is there, or the selection has it from there */
	bool present;
};

/* A mail that is looked for, for all mailboxes that it was deleted in. */
struct copies_mail {
	guid_128_t guid;
	ARRAY(struct copies_wanted *) wanted;
	/* where a copy is: the first that was found. 0 = none. Of a storage's
	   it is an index to select->boxes, else to copies->live. */
	uint32_t uid;
	unsigned int box;
	bool in_storage;
	/* the query matches it */
	bool found;
};

/* A mailbox that has a copy which is needed. */
struct copies_box {
	struct mail_namespace *ns;
	const char *vname;
};

struct copies {
	struct lazy_expunge_select *select;
	pool_t pool;
	struct mail_search_args *args;
	const struct lazy_expunge_copies_params *params;
	ARRAY(struct copies_mail *) mails;
	HASH_TABLE(const uint8_t *, struct copies_mail *) by_guid;
	ARRAY(struct copies_box) live;
	/* live mailboxes that cannot be read, as they are shown */
	ARRAY_TYPE(const_string) unread;
	/* of each mailbox of the storages: what the selection has already */
	ARRAY_TYPE(seq_range) *selected;
};

/* What the mail is to the search, NULL if it is not looked for. */
struct copies_mail *lazy_expunge_copies_lookup(struct copies *copies,
					       struct mail *mail);
/* The live mailbox cannot be read: remember why. A lazy_expunge_live_boxes()
   callback. */
void lazy_expunge_copies_unread(const char *vname,
				const struct lazy_expunge_error *error,
				void *context);
/* Add to the selection what was found and matches the query: first from the
   storages, of which there are so many mailboxes. Returns 0 if ok, -1 and the
   error. */
int lazy_expunge_copies_add(struct copies *copies, unsigned int storage_boxes,
			    struct lazy_expunge_error *error_r);

#endif
