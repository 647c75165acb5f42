#ifndef LAZY_EXPUNGE_PROPERTIES_H
#define LAZY_EXPUNGE_PROPERTIES_H

/* What a mailbox is beside its mails: its metadata and its ACL. (A special use
   belongs to the name: Dovecot has it from its configuration alone.) Written down when it is deleted, in the file
   of deletions: a hint, without which it comes back without them. A line has
   fields separated by tabs: "P", number of the deletion, the mailbox, and then
   "p:key=value" and "s:key=value" for metadata of the user and of all ("%3D" in a
   key is "=", and "%25" is "%"), "l" if an ACL holds there, and "l:…" for each of
   its own entries (account/acl.h). One that has none has a line, too, which takes
   the place of that of an earlier mailbox of its name. */

struct mail_user;
struct mailbox;

/* Append what the open mailbox has, each field with a tab before it. */
void lazy_expunge_properties_read(struct mailbox *box, string_t *dest);
/* Append the line with these fields. */
void lazy_expunge_properties_append(string_t *dest, uint32_t deletion,
				    const char *mailbox, const char *fields);
/* The fields of the mailbox, written by this deletion or (0) by the last one,
   NULL-terminated. NULL if there is no line of it. Allocated from the pool. */
const char *const *
lazy_expunge_properties_find(struct mail_user *user, pool_t pool,
			     uint32_t deletion, const char *mailbox);
/* The mailbox, which is open, was made anew: give it these. Returns 0 if ok, -1 if not all could
   be set. */
int lazy_expunge_properties_set(struct mailbox *box,
				const char *const *fields);

#endif
