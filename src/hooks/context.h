#ifndef LAZY_EXPUNGE_STORAGE_H
#define LAZY_EXPUNGE_STORAGE_H

/* Contexts of the hooks and how to get at them. */

#include "seq-range-array.h"
#include "mail-storage-private.h"
#include "mailbox-list-private.h"
#include "core/policy.h"
#include "account/user.h"
#include "keep/destination.h"

struct lazy_expunge_events;
struct lazy_expunge_live;

struct lazy_expunge_mailbox {
	union mailbox_module_context module_ctx;
	struct lazy_expunge_user *luser;

	/* settings of this mailbox, read when first needed */
	const struct lazy_expunge_settings *set;
	/* the storage that the mailbox belongs to, or NULL */
	struct lazy_expunge_storage *storage;
	/* where its mails go. Opened when first needed. */
	struct lazy_expunge_destination *dest;

	/* The layout forbids the storage's name: the name that it is opened
	   by, and its own. */
	const char *legal_vname, *own_vname;
	/* what lazy_expunge_compat_quota_mailbox_freed() wants */
	void *quota_context;

	/* save dates are cached up to here */
	uint32_t save_dates_next_uid;

	bool is_virtual;
	/* opened by the plugin itself */
	bool internal;
	bool excluded;
	/* excluded is known */
	bool excluded_checked;
};

struct lazy_expunge_mail {
	union mail_module_context module_ctx;
	/* mailbox_move() copied it within the account: it is expunged next */
	bool moving;
	/* while moving: the transaction that has the copy, NULL if unknown */
	struct lazy_expunge_transaction *move_dest;
};

struct lazy_expunge_transaction {
	union mailbox_transaction_module_context module_ctx;
	struct mailbox_transaction_context *t;
	struct lazy_expunge_mailbox *lbox;

	/* what becomes of the mails */
	struct lazy_expunge_events *events;
	/* NULL until a mail is kept */
	struct lazy_expunge_destination_transaction *dest_trans;
	/* the source's latest state, for mails that another session has
	   expunged meanwhile. NULL if not taken. */
	struct lazy_expunge_live *live;
	/* it was tried to take it */
	bool live_tried;

	/* GUIDs of kept mails that the storage may have already */
	pool_t pool;
	ARRAY_TYPE(const_string) kept_guids;
	/* mails that were copied to the destination */
	ARRAY_TYPE(seq_range) kept_uids;
	/* those of them that do not depend on the destination's commit */
	ARRAY_TYPE(seq_range) linked_uids;
	/* the account is locked, or it was tried */
	bool locked, lock_tried;

	/* A move: the uncommitted transaction that has the copies of what this
	   one expunges, and the other way round. */
	struct lazy_expunge_transaction *move_dest, *move_src;

	/* first failure: nothing of this transaction may be committed */
	bool failed;
	enum mail_error error_code;
	char *error_text;
};

#define LAZY_EXPUNGE_CONTEXT(obj) \
	MODULE_CONTEXT(obj, lazy_expunge_storage_module)
#define LAZY_EXPUNGE_CONTEXT_REQUIRE(obj) \
	MODULE_CONTEXT_REQUIRE(obj, lazy_expunge_storage_module)
#define LAZY_EXPUNGE_MAIL_CONTEXT(obj) \
	MODULE_CONTEXT(obj, lazy_expunge_mail_module)
#define LAZY_EXPUNGE_MAIL_CONTEXT_REQUIRE(obj) \
	MODULE_CONTEXT_REQUIRE(obj, lazy_expunge_mail_module)

extern MODULE_CONTEXT_DEFINE(lazy_expunge_storage_module,
			     &mail_storage_module_register);
extern MODULE_CONTEXT_DEFINE(lazy_expunge_mail_module, &mail_module_register);

/* Hooks, each in the file of its name. */
void lazy_expunge_mail_user_created(struct mail_user *user);
void lazy_expunge_mail_namespaces_added(struct mail_namespace *namespaces);
void lazy_expunge_mail_namespaces_created(struct mail_namespace *namespaces);
void lazy_expunge_mailbox_list_created(struct mailbox_list *list);
void lazy_expunge_mailbox_allocated(struct mailbox *box);
void lazy_expunge_mail_allocated(struct mail *mail);

/* TRUE within mail_user_autoexpunge(), which says so in the global event. */
bool lazy_expunge_is_within_autoexpunge(void);
/* The settings that hold for the mailbox. */
const struct lazy_expunge_settings *
lazy_expunge_mailbox_settings(struct mailbox *box);
/* The mailbox's name as the administrator and the user know it. */
const char *lazy_expunge_mailbox_vname(struct mailbox *box);
/* Where a mail of the storage came from, NULL if that is unknown. Data stack. */
const char *lazy_expunge_mailbox_origin(struct mail *mail);
/* TRUE if the user of this session may not change the storage box. */
bool lazy_expunge_mailbox_is_protected(struct mailbox *box);

/* Called for a mail that is to be kept: returns 0 if it was copied into the
   transaction's destination (the caller expunges it), 1 if it is already gone,
   -1 if that failed: the transaction is marked as failed. */
int lazy_expunge_transaction_keep(struct mail *mail,
				  enum lazy_expunge_reason reason);
/* The mail passes, to be seen by later looks of this process. */
void lazy_expunge_transaction_pass(struct mail *mail);
/* What is to be said of the mails when the transaction is committed. */
struct lazy_expunge_events *
lazy_expunge_transaction_events(struct mailbox_transaction_context *t);
/* Lock the account until the mail's transaction ends. Returns TRUE if no other
   session can look at the account's instances meanwhile. */
bool lazy_expunge_transaction_lock(struct mail *mail);
/* Lock the account for the transaction and look at the latest state of the
   source. Returns TRUE if another session has expunged the mail. */
bool lazy_expunge_transaction_is_gone(struct mail *mail);
/* The mail was copied within a move, and is to be expunged. */
void lazy_expunge_transaction_move_copied(struct lazy_expunge_mail *lmail,
					  struct mailbox_transaction_context *t);
/* The mail's transaction expunges what dest has copied: it may be committed
   only when that was. dest may be NULL. */
void lazy_expunge_transaction_move_expunged(
	struct mail *mail, struct lazy_expunge_transaction *dest);
/* Mark the transaction as failed. text goes to the client. The first one
   counts. */
void lazy_expunge_transaction_fail(struct mailbox_transaction_context *t,
				   enum mail_error code, const char *text);

int lazy_expunge_transaction_commit(
	struct mailbox_transaction_context *t,
	struct mail_transaction_commit_changes *changes_r);
void lazy_expunge_transaction_rollback(struct mailbox_transaction_context *t);

#endif
