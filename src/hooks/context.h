#ifndef LAZY_EXPUNGE_STORAGE_H
#define LAZY_EXPUNGE_STORAGE_H

/* Contexts of the hooks and what they know. */

#include "seq-range-array.h"
#include "mail-storage-private.h"
#include "mailbox-list-private.h"
#include "core/passed-lines.h"
#include "core/policy.h"
#include "account/user.h"
#include "keep/destination.h"

struct lazy_expunge_cover;
struct lazy_expunge_deletion_sum;
struct lazy_expunge_events;
struct lazy_expunge_kept_now;
struct lazy_expunge_live;
struct lazy_expunge_trail_steps;

struct lazy_expunge_hooks_user {
	union mail_user_module_context module_ctx;
	/* the error of the last commit that failed: a virtual mailbox does not
	   get to know that of its backend */
	char *commit_error;
	enum mail_error commit_error_code;
};

struct lazy_expunge_mailbox {
	union mailbox_module_context module_ctx;
	struct lazy_expunge_user *luser;

	/* settings of this mailbox, read when first needed */
	const struct lazy_expunge_settings *set;
	/* the storage that the mailbox belongs to, or NULL */
	struct lazy_expunge_storage *storage;
	/* where its mails go, and the name of that. Opened when first needed. */
	struct lazy_expunge_destination *dest;
	const char *dest_vname;

	/* The layout forbids the storage's name: the name that it is opened
	   by, and its own. */
	const char *legal_vname, *own_vname;
	/* of a storage in a Maildir, when first needed */
	struct lazy_expunge_letters *letters;
	/* of a storage: mailboxes that were renamed, when first needed */
	struct lazy_expunge_kept_now *now;
	/* what lazy_expunge_compat_quota_mailbox_freed() wants */
	void *quota_context;

	/* what is held here, while the plugin itself does the retention */
	struct lazy_expunge_cover *cover;

	/* save dates are cached up to here */
	uint32_t save_dates_next_uid;

	/* of a storage: why it is none, NULL if it is, and whether that is known */
	const char *live_error;
	bool live_checked;

	bool is_virtual;
	/* opened by the plugin itself, and for nothing but to keep mail in it */
	bool internal, destination;
	bool excluded;
	/* excluded is known */
	bool excluded_checked;
	/* a Trash or Junk, and whether that is known */
	bool trash, trash_checked;
	/* whose mail it has, and its name for that user (keep/origin.h): known
	   from the first transaction on */
	struct mail_user *owner;
	const char *owner_vname;
	/* the plugin did autoexpunge's work: there is nothing to do for it */
	bool expired;
};

struct lazy_expunge_mail {
	union mail_module_context module_ctx;
	/* of the storage: its keywords with its origin, NULL if not looked up,
	   and whether they are others than those in the index */
	const char *const *keywords;
	bool keywords_differ;
	/* these are being looked up */
	bool keywords_reading;
};

struct lazy_expunge_transaction {
	union mailbox_transaction_module_context module_ctx;
	struct mailbox_transaction_context *t;
	struct lazy_expunge_mailbox *lbox;
	/* those of its mailbox */
	const struct lazy_expunge_settings *set;
	/* what holds for each mail that it expunges, and whether its mailbox is a
	   Trash or Junk that mail is kept from: known once it expunges one */
	struct lazy_expunge_facts facts;
	bool facts_known, from_trash;

	/* what becomes of the mails */
	struct lazy_expunge_events *events;
	/* what is held of the storage, NULL until it is asked for */
	struct lazy_expunge_cover *cover;
	/* it was said that mail is held */
	bool held_said;
	/* NULL until a mail is kept */
	struct lazy_expunge_destination_transaction *dest_trans;
	/* the source's latest state, for mails that another session has
	   expunged meanwhile. NULL if not taken. */
	struct lazy_expunge_live *live;
	/* it was tried to take it */
	bool live_tried;
	/* the mailbox was deleted meanwhile */
	bool deleted;

	/* GUIDs of kept mails that the storage may have already */
	pool_t pool;
	ARRAY_TYPE(const_string) kept_guids;
	/* mails that were copied to the destination */
	ARRAY_TYPE(seq_range) kept_uids;
	/* those of them that do not depend on the destination's commit */
	ARRAY_TYPE(seq_range) linked_uids;
	/* the account is locked, or it was tried */
	bool locked, lock_tried;
	/* a Trash: where the mails come from that are copied to it. NULL before
	   the first. */
	struct lazy_expunge_trail_steps *trail_steps;
	/* what it adds to deletions. Not created before the first. */
	ARRAY(struct lazy_expunge_deletion_sum) deletion_sums;
	/* mails that passed while a copy lived. text is NULL before the first. */
	struct lazy_expunge_passed_lines passed;
	/* a Trash: where its mails came from is as of this transaction */
	bool trail_read;

	/* first failure: nothing of this transaction may be committed */
	bool failed;
	enum mail_error error_code;
	char *error_text;
};

#define LAZY_EXPUNGE_CONTEXT(obj) \
	MODULE_CONTEXT(obj, lazy_expunge_storage_module)
#define LAZY_EXPUNGE_CONTEXT_REQUIRE(obj) \
	MODULE_CONTEXT_REQUIRE(obj, lazy_expunge_storage_module)
#define LAZY_EXPUNGE_HOOKS_USER_REQUIRE(obj) \
	MODULE_CONTEXT_REQUIRE(obj, lazy_expunge_hooks_user_module)
#define LAZY_EXPUNGE_MAIL_CONTEXT(obj) \
	MODULE_CONTEXT(obj, lazy_expunge_mail_module)
#define LAZY_EXPUNGE_MAIL_CONTEXT_REQUIRE(obj) \
	MODULE_CONTEXT_REQUIRE(obj, lazy_expunge_mail_module)

extern MODULE_CONTEXT_DEFINE(lazy_expunge_storage_module,
			     &mail_storage_module_register);
extern MODULE_CONTEXT_DEFINE(lazy_expunge_hooks_user_module,
			     &mail_user_module_register);
extern MODULE_CONTEXT_DEFINE(lazy_expunge_mail_module, &mail_module_register);

/* The settings that hold for the mailbox. */
const struct lazy_expunge_settings *
lazy_expunge_mailbox_settings(struct mailbox *box);
/* The mailbox's name as the administrator and the user know it. */
const char *lazy_expunge_mailbox_vname(struct mailbox *box);
/* Where a mail of the storage came from, NULL if that is unknown. Data stack. */
const char *lazy_expunge_mailbox_origin(struct mail *mail);
/* TRUE if mail goes there on its way to be deleted: \Trash or \Junk. */
bool lazy_expunge_mailbox_is_trash(struct mailbox *box);
/* TRUE if lazy_expunge_exclude names the mailbox, with the settings that hold
   for it. */
bool lazy_expunge_mailbox_is_excluded(struct mailbox *box);
/* TRUE if the user of this session may not change the storage box. */
bool lazy_expunge_mailbox_is_protected(struct mailbox *box);

/* The context of a transaction, created when it is not there. */
struct lazy_expunge_transaction *
lazy_expunge_transaction_get(struct mailbox_transaction_context *t);
/* The same, with the facts that hold for all mails of the mailbox, which is not
   a virtual one. */
struct lazy_expunge_transaction *
lazy_expunge_transaction_get_expunging(struct mailbox_transaction_context *t);
/* Mark the transaction as failed. text goes to the client. The first one
   counts. */
void lazy_expunge_transaction_fail(struct mailbox_transaction_context *t,
				   enum mail_error code, const char *text);

#endif
