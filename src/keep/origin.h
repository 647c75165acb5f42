#ifndef LAZY_EXPUNGE_ORIGIN_H
#define LAZY_EXPUNGE_ORIGIN_H

/* Origins as keywords of mails and mailboxes. */

struct mail;
struct mail_keywords;
struct mail_namespace;
struct mail_save_context;
struct mailbox;

/* The name of a source mailbox as the owner of the storage sees it: the vname,
   but for a shared namespace, whose prefix the owner does not have. Not
   allocated. */
const char *lazy_expunge_origin_vname(struct mailbox *source);
/* The keywords for a mail that is kept in dest: those of the mail but for old
   origins, and the origin unless it is NULL. Unreference with
   mailbox_keywords_unref(). NULL if there are none. dest must be open. */
struct mail_keywords *
lazy_expunge_origin_keywords_create(struct mailbox *dest, struct mail *mail,
				    const char *origin_vname);
/* Take the origins off a mail that is about to be saved outside the storage.
   Call before the save or copy. */
void lazy_expunge_origin_strip(struct mail_save_context *ctx);
/* The origin of a mail in a storage mailbox, NULL if it has none. Data stack. */
const char *lazy_expunge_origin_get(struct mail *mail);
/* Namespace mode: the mailbox that mails of this mailbox of the storage come
   from. Data stack. */
const char *lazy_expunge_origin_of_tree(struct mail_namespace *ns,
					const char *vname);
/* The same keywords without origins (keep = FALSE), or with those that the
   mail has added (keep = TRUE). For changes of keywords by users. Unreference
   the result; NULL if it would be empty and that is no change. */
struct mail_keywords *
lazy_expunge_origin_keywords_filter(struct mailbox *box,
				    const struct mail_keywords *keywords,
				    struct mail *keep_of);

#endif
