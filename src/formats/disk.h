#ifndef LAZY_EXPUNGE_DISK_H
#define LAZY_EXPUNGE_DISK_H

/* What mail takes on the disk, by format. Attachments in a directory of their
   own (mail_attachment_dir) are not seen. */

struct mailbox;
struct mail_storage;

/* Add what the mails of the open mailbox take. Maildir, sdbox: the blocks of
   their files, in full also where a file has other names. mdbox: the bytes of
   the mails in its files, compressed as they are. Returns 0, or -1 and the
   error. */
int lazy_expunge_disk_add(struct mailbox *box, uint64_t *bytes,
			  const char **error_r);
/* What a purge of the storage would free: bytes of mails in mdbox files that no
   mailbox has any more. 0 for other formats. Returns 0, or -1 if Dovecot's map
   of the files cannot be read, which was logged. */
int lazy_expunge_disk_purgeable(struct mail_storage *storage,
				uint64_t *bytes_r);

#endif
