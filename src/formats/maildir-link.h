#ifndef LAZY_EXPUNGE_MAILDIR_H
#define LAZY_EXPUNGE_MAILDIR_H

/* The short way into a Maildir: one link() into its cur/, without its index and
   without a lock, as any delivery agent may do. It costs the same however large
   the Maildir is. Base name (the GUID), flags, keywords and the origin are in
   the file name, the received date is the file's mtime, and its ctime is the save date
   until lazy_expunge_save_date_catch_up(). The next one who syncs the Maildir
   gives it a UID.

   A link cannot lose: the mail has both names until the source's expunge is
   committed, and journaling file systems keep the order of link and unlink. */

struct lazy_expunge_deletion;
struct mail_save_context;
struct mailbox;
struct lazy_expunge_letters;
struct lazy_expunge_maildir;
struct lazy_expunge_origin_carrier;
struct lazy_expunge_storage;
struct lazy_expunge_user;

/* dest need not be open. letters are those of dest, must stay, and may be NULL.
   Returns NULL if the ordinary way is the only one between these mailboxes. */
struct lazy_expunge_maildir *
lazy_expunge_maildir_init(struct lazy_expunge_user *luser,
			  struct lazy_expunge_storage *storage,
			  struct mailbox *source, struct mailbox *dest,
			  struct lazy_expunge_letters *letters);
/* Takes NULL. */
void lazy_expunge_maildir_deinit(struct lazy_expunge_maildir **maildir);

/* Link the mail, with its flags but \Deleted, its keywords, and the origin.
   Returns the new path (data stack), or NULL if the mail
   needs the ordinary way: it may have other instances, so that its name could
   be taken; a keyword has no letter yet; the directory is gone or on another
   file system; it was in a storage before. */
const char *
lazy_expunge_maildir_link(struct lazy_expunge_maildir *maildir,
			  struct lazy_expunge_deletion *deletion,
			  const struct lazy_expunge_origin_carrier *carrier);

/* A mail was copied out of a storage by the save context of a Maildir, under
   the base name that it had there. Remember that in the cache file: deleted
   again, it must not be linked back under a name that the storage's uidlist
   may still have as that of an expunged mail. If the cache file is lost, it
   is, and gets a new UID there ("Expunged message reappeared"). */
void lazy_expunge_maildir_mark_left(struct mail_save_context *ctx);

#endif
