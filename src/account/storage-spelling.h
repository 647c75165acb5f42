#ifndef STORAGE_SPELLING_H
#define STORAGE_SPELLING_H

/* A name may be written in more than one way in Unicode: "ü" is one character
   or two. From 2.4.5 on Dovecot takes them for one name and renames mailboxes
   to NFC; before that they are two mailboxes. So a storage may have another
   spelling on disk than in the configuration. */

struct lazy_expunge_user;
struct mail_namespace;

/* The mailbox of the storage does not exist by this name (virtual, as it is
   opened). If it does by another spelling, rename it. Returns 1 if it has the
   name now, 0 if there is none, -1 if it could not be renamed, which is
   logged. Where Dovecot keeps spellings apart, only a mailbox that is known to
   have had the name is taken for it. */
int lazy_expunge_spelling_mend(struct lazy_expunge_user *luser,
			       struct mail_namespace *ns, const char *vname);
/* The same for each storage that is a mailbox, if it does not exist. */
void lazy_expunge_spelling_mend_storages(struct lazy_expunge_user *luser);

#endif
