#ifndef LAZY_EXPUNGE_MAIL_ROOM_H
#define LAZY_EXPUNGE_MAIL_ROOM_H

/* What a disk has free again when a mail goes, and how a mail goes where
   nothing can be written. */

#include "lib.h"

struct mail;
struct mailbox;
struct lazy_expunge_room_dir;

struct lazy_expunge_mail_room {
	/* Of the primary storage: 0 where another name of the file (a hard
	   link), another mailbox (mdbox) or the alternative storage has the
	   mail, or where its file is gone. Maildir, sdbox: the blocks of the
	   file; mdbox: what a purge takes out. */
	uint64_t bytes;
	/* Maildir: its file, as long as the directory, and when that changed */
	const char *path;
	time_t changed;
};

/* The files of a Maildir, in whose uidlist names may be old that cannot be
   written anew. NULL for other formats. */
struct lazy_expunge_room_dir *
lazy_expunge_room_dir_init(struct mailbox *box);
/* Takes NULL. */
void lazy_expunge_room_dir_deinit(struct lazy_expunge_room_dir **dir);
/* dir is that of the mail's mailbox. Returns 0, or -1 if it cannot be told. */
int lazy_expunge_mail_room(struct lazy_expunge_room_dir *dir,
			   struct mail *mail,
			   struct lazy_expunge_mail_room *room_r);
/* Calls back for each mail of a Maildir that has no UID, because the uidlist
   could not be written since it came. Nothing for NULL. */
typedef void
lazy_expunge_room_file_t(const struct lazy_expunge_mail_room *room,
			 void *context);
void lazy_expunge_room_dir_files(struct lazy_expunge_room_dir *dir,
				 lazy_expunge_room_file_t *callback,
				 void *context);

/* The log of an index, a dotlock and a list are written with less. */
#define LAZY_EXPUNGE_ROOM_TO_WRITE (256 * 1024)

/* TRUE if there are so many bytes, and some inodes, on the disk of the
   mailbox. */
bool lazy_expunge_disk_has(struct mailbox *box, uint64_t bytes);

/* sdbox: take the file of a mail away before its index says so, which catches
   up when the mail is expunged. Never a mail that may have attachments in files
   of their own. Does nothing for other formats. */
void lazy_expunge_mail_room_unlink(struct mailbox *box, uint32_t uid);

#endif
