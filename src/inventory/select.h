#ifndef LAZY_EXPUNGE_SELECT_H
#define LAZY_EXPUNGE_SELECT_H

/* The mails of a user's storages that a query finds, with where each was
   deleted and when. Holds some 20 bytes for a mail, and the storages' mailboxes
   open. */

#include "account/error.h"
#include "account/user.h"

struct mail_search_args;
struct lazy_expunge_origin_mask;
struct lazy_expunge_passed;

/* A mailbox of a storage, open and synced, or a live one. */
struct lazy_expunge_select_box {
	/* NULL: it is a live one, and has copies of mails that passed */
	struct lazy_expunge_storage *storage;
	/* NULL: it is a live one that is not open
	   (lazy_expunge_select_box_open()) */
	struct mailbox *box;
	/* of a live one */
	struct mail_namespace *ns;
	/* the name that users and administrators know */
	const char *vname;
	/* Where its mails come from, if the storage has many mailboxes; in a tree
	   those that do not say it themselves. Else NULL. */
	const char *origin;
	/* index to caps */
	unsigned int cap;
};
ARRAY_DEFINE_TYPE(lazy_expunge_select_box, struct lazy_expunge_select_box);

/* A byte cap, over all mailboxes that have its index. The first is the user's.
   On 2.4 a filter can set another value: in that of a namespace it is over the
   mailboxes there, in that of a mailbox over this alone. */
struct lazy_expunge_select_cap {
	/* lazy_expunge_max_storage, 0 = none */
	uint64_t max;
	/* whose namespace has it, NULL = it is the user's or one mailbox's */
	struct lazy_expunge_storage *storage;
};
ARRAY_DEFINE_TYPE(lazy_expunge_select_cap, struct lazy_expunge_select_cap);

struct lazy_expunge_select_mail {
	/* when it was deleted */
	time_t saved;
	uint32_t uid;
	/* indexes to boxes and origins; via is the Trash that it went through,
	   0 = none */
	unsigned int box, origin, via;
	/* index to origins: as it was recorded, and not as Dovecot shows the
	   name now */
	unsigned int recorded;
	/* number of its deletion (core/deletion-lines.h), 0 if it has none */
	uint32_t deletion;
	/* NULL, or it is a copy of the mail that was deleted, and stays where it
	   is: what that was like (inventory/copies.h) */
	const struct lazy_expunge_passed *passed;
};

struct lazy_expunge_select {
	pool_t pool;
	struct lazy_expunge_user *luser;
	ARRAY_TYPE(lazy_expunge_select_box) boxes;
	ARRAY_TYPE(lazy_expunge_select_cap) caps;
	/* Sorted: newest deletion first, unless asked otherwise. */
	ARRAY(struct lazy_expunge_select_mail) mails;
	/* Names of the mailboxes that mails came from. The first is "", for
	   mails that do not say. */
	ARRAY_TYPE(const_string) origins;
	/* Why live mailboxes cannot be read: copies in them were not found, and
	   nothing is to go to them. */
	ARRAY_TYPE(const_string) unread;
};

/* The mails of one deletion. */
struct lazy_expunge_select_deletion {
	/* 0: those without a number from this origin ("" = not known), deleted
	   in these seconds or between them */
	uint32_t id;
	const char *origin;
	time_t first, last;
};

/* What a command is about, beside its search query. */
struct lazy_expunge_select_range {
	/* NULL = any origin */
	const struct lazy_expunge_origin_mask *origins;
	/* deleted in these seconds or between them, 0 = without a bound */
	time_t since, until;
	/* NULL = any deletion */
	const struct lazy_expunge_select_deletion *deletion;
};

enum lazy_expunge_select_flags {
	/* Sort the oldest deletion first. */
	LAZY_EXPUNGE_SELECT_OLDEST_FIRST = 0x01,
};

/* Open all mailboxes of all storages of the user that exist, for reading or
   for changing. Returns NULL and the error if one cannot be opened. */
struct lazy_expunge_select *
lazy_expunge_select_init(struct lazy_expunge_user *luser,
			 struct lazy_expunge_error *error_r);
/* Find the mails that match the query and lie in the range (NULL = all; its
   origins match also the Trash that a mail went through), adding them to what was
   found before. Returns 0 if ok, -1 and the error. */
int lazy_expunge_select_find(struct lazy_expunge_select *select,
			     struct mail_search_args *args,
			     const struct lazy_expunge_select_range *range,
			     enum lazy_expunge_select_flags flags,
			     struct lazy_expunge_error *error_r);
/* TRUE if one of the mails that were found has an origin that the name or
   wildcard matches, or with below = TRUE is above. If none has, *near_r has
   such origins that are written alike, for a question, or NULL (data stack). */
bool lazy_expunge_select_has_origin(const struct lazy_expunge_select *select,
				    const char *name, bool below,
				    const char **near_r);
/* TRUE if the mail's origin, or the Trash that it went through (NULL = none), is
   one of the mask's, whose names are as Dovecot shows them. */
bool lazy_expunge_select_match(const struct lazy_expunge_select *select,
			       const struct lazy_expunge_origin_mask *mask,
			       const char *origin, const char *via);
/* The name, or the mask (NULL = NULL) with its names, as Dovecot shows it now. Data stack
   or the selection's. */
const char *
lazy_expunge_select_shown(const struct lazy_expunge_select *select,
			  const char *origin);
const struct lazy_expunge_origin_mask *
lazy_expunge_select_shown_mask(const struct lazy_expunge_select *select,
			       const struct lazy_expunge_origin_mask *mask);
/* Sort as the flags say. */
void lazy_expunge_select_sort(struct lazy_expunge_select *select,
			      enum lazy_expunge_select_flags flags);
/* Compare for sorting: the oldest deletion first, then as they lie. */
int lazy_expunge_select_cmp_oldest(const struct lazy_expunge_select_mail *m1,
				   const struct lazy_expunge_select_mail *m2);
const char *
lazy_expunge_select_origin(struct lazy_expunge_select *select,
			   const struct lazy_expunge_select_mail *mail);
/* The Trash that the mail went through, "" if none. */
const char *
lazy_expunge_select_via(struct lazy_expunge_select *select,
			const struct lazy_expunge_select_mail *mail);
/* Have the mailbox open, which may be a live one: there may be too many of them to
   have all open. Returns 1 if it is, 0 if it is gone, -1 and the error. */
int lazy_expunge_select_box_open(struct lazy_expunge_select *select,
				 unsigned int idx,
				 struct lazy_expunge_error *error_r);
/* Close all live ones. */
void lazy_expunge_select_live_close(struct lazy_expunge_select *select);
/* Closes the mailboxes. Takes NULL. */
void lazy_expunge_select_deinit(struct lazy_expunge_select **select);

#endif
