#ifndef LAZY_EXPUNGE_FIRST_ROOM_H
#define LAZY_EXPUNGE_FIRST_ROOM_H

/* The first room on a disk that is full: what can be made anew. */

#include "lib.h"

struct lazy_expunge_user;
struct mailbox;

/* Unlink cache files of the user's other mailboxes, which Dovecot fills again
   when somebody reads there, until the disk of the storage's mailbox has so
   many bytes free. Not where save dates are needed (Maildir and sdbox with
   autoexpunge). force: one of them at least. Returns TRUE if one is gone. */
bool lazy_expunge_first_room(struct lazy_expunge_user *luser,
			     struct mailbox *box, uint64_t bytes, bool force);
/* The same with the caches of the user's storages in mdbox, none of which may
   be open. Save dates and origins are in the indexes there; the cache has the
   origins a second time, for an index that is lost. */
bool lazy_expunge_first_room_of_storages(struct lazy_expunge_user *luser);
/* The first room without which a storage in mdbox cannot even be opened: what was
   expunged last is in its index and not in the map, which opening would mend. A
   cache of each storage whose disk is full, or of another mailbox. Returns TRUE
   if one is gone. */
bool lazy_expunge_first_room_to_open(struct lazy_expunge_user *luser);

#endif
