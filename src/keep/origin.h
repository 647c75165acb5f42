#ifndef LAZY_EXPUNGE_ORIGIN_H
#define LAZY_EXPUNGE_ORIGIN_H

/* Origins of mails and mailboxes. A kept mail carries its origin as a keyword or
   as a number (keep/origin-carrier.h). The number is in a record of the
   index and, because Dovecot does not take that along when it rebuilds an index,
   in the cache file, or on Maildir in the file name. */

#include "seq-range-array.h"

struct lazy_expunge_origin_carrier;
struct mail;
struct mail_keywords;
struct lazy_expunge_storage;
struct mail_save_context;
struct mail_user;
struct mailbox;
struct mailbox_transaction_context;

/* The name of a source mailbox as the owner of the storage sees it: the vname,
   but for a shared namespace, whose prefix the owner does not have. Not
   allocated. */
const char *lazy_expunge_origin_vname(struct mailbox *source);
/* Whose names account/origin-names.h has for a storage's mailbox. */
struct mail_user *lazy_expunge_origin_owner(struct mailbox *box);
/* The mailbox of a storage was opened: see to it that the cache keeps the numbers
   also where nobody adds or reads one for long. Dovecot drops other fields
   when it purges a cache. */
void lazy_expunge_origin_keep_field(struct mailbox *box);
/* Add the number to a mail that was saved in the transaction. The name must be
   known (lazy_expunge_origin_names_add()). */
void lazy_expunge_origin_set_id(struct mailbox_transaction_context *t,
				uint32_t seq, uint64_t id);
/* The save context of the storage's mailbox may have the origin among its
   keywords, which those of dsync have: take it out. Returns the origin and the
   Trash between (data stack), or NULL if there is none, and the number of the
   deletion, 0 if there is none. */
const char *lazy_expunge_origin_take(struct mail_save_context *ctx,
				     const char **via_r, uint32_t *deletion_r);
/* The origin that the keywords say, NULL if none. Data stack. */
const char *
lazy_expunge_origin_of_keywords(struct mailbox *box,
				const struct mail_keywords *keywords);
/* The number of the deletion that they say, 0 if none. */
uint32_t
lazy_expunge_origin_deletion_of_keywords(struct mailbox *box,
					 const struct mail_keywords *keywords);
/* Add the carrier's keywords to those of the save context. */
void lazy_expunge_origin_put_keywords(
			struct mail_save_context *ctx,
			const struct lazy_expunge_origin_carrier *carrier);

/* The keywords for a mail that is saved in dest: those of the mail but for old
   origins, and those of the carrier unless it is NULL. Unreference with
   mailbox_keywords_unref(). NULL if there are none. dest must be open. */
struct mail_keywords *
lazy_expunge_origin_keywords_create(
			struct mailbox *dest, struct mail *mail,
			const struct lazy_expunge_origin_carrier *carrier);
/* Take the origins off a mail that is about to be saved outside the storage.
   Call before the save or copy. */
void lazy_expunge_origin_strip(struct mail_save_context *ctx);
/* The origin of a mail in a storage mailbox, NULL if it has none. Data stack. */
const char *lazy_expunge_origin_get(struct mail *mail);
/* The Trash that it went through on its way, NULL if none is known. Data stack. */
const char *lazy_expunge_origin_get_via(struct mail *mail);
/* The origin for who knows the keywords that are in the index. */
const char *lazy_expunge_origin_get_by(struct mail *mail,
				       const char *const *keywords);
/* Maildir: a mail that got its UID in this transaction may have its number in
   its file name alone: add it to the index. */
void lazy_expunge_origin_catch_up(struct mailbox_transaction_context *t,
				  struct mail *mail);
/* Maildir: mails that were saved have their numbers in the index: write them to
   the file names. */
void lazy_expunge_origin_write_names(struct mailbox *box,
				     const ARRAY_TYPE(seq_range) *uids);
/* A storage that has many mailboxes: the one that mails of this mailbox of it
   come from, NULL if from none. Data stack. */
const char *
lazy_expunge_origin_of_tree(const struct lazy_expunge_storage *storage,
			    const char *vname);
/* The same keywords without origins (keep = FALSE), or with those that the
   mail has added (keep = TRUE). For changes of keywords by users. Unreference
   the result; NULL if it would be empty and that is no change. */
struct mail_keywords *
lazy_expunge_origin_keywords_filter(struct mailbox *box,
				    const struct mail_keywords *keywords,
				    struct mail *keep_of);

#endif
