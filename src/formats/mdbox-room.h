#ifndef LAZY_EXPUNGE_MDBOX_ROOM_H
#define LAZY_EXPUNGE_MDBOX_ROOM_H

/* Room on a disk that is full, out of the files of an mdbox storage. A purge
   writes what is left of a file into a new one before it unlinks the old one,
   so it needs room first, and it stops at the first file for which there is
   none. */

#include "lib.h"

struct mail_storage;

/* What its files in the primary storage take on the disk. */
uint64_t lazy_expunge_mdbox_room_taken(struct mail_storage *storage);
/* Without writing: unlink files of which no mail is in a mailbox any more, and
   give back the blocks in the midst of such mails in other files (a hole),
   which a purge passes over. What cannot be done is left as it is. */
void lazy_expunge_mdbox_room_dead(struct mail_storage *storage);
/* Purge, those files first that need the least room, as long as there is room
   for one. Returns 0, or -1: the storage has the error. *needed_r is how many
   bytes must be free for the next file, 0 if none is left. */
int lazy_expunge_mdbox_room_purge(struct mail_storage *storage,
				  uint64_t *needed_r);

#endif
