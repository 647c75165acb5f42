#ifndef STORAGE_BOX_H
#define STORAGE_BOX_H

/* Whether an open mailbox is one of a storage's, by what stat() says of their
   directories: through a link, or as the root of a namespace. Names and text do
   not tell that (lazy_expunge_storage_match()), so that it is asked where mail
   would go for good if it were wrong. */

struct lazy_expunge_storage;
struct lazy_expunge_user;
struct mailbox;

/* TRUE if a storage of the user has this mailbox, or if it is not known. */
bool lazy_expunge_storage_has_box(struct lazy_expunge_user *luser,
				  struct mailbox *box);
/* The mailbox is one of the storage's by its name. TRUE if a link leads from it
   to mail of the user that is not deleted: then *error_r says so (data stack). */
bool lazy_expunge_storage_box_is_live(struct lazy_expunge_storage *storage,
				      struct mailbox *box,
				      const char **error_r);

#endif
