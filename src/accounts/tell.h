#ifndef LAZY_EXPUNGE_TELL_H
#define LAZY_EXPUNGE_TELL_H

/* Others' ACLs and shared lists name a user who has a new name now. */

struct mail_user;

enum lazy_expunge_told {
	LAZY_EXPUNGE_TOLD_CHANGED = 0,
	/* it would be changed */
	LAZY_EXPUNGE_TOLD_PLANNED,
	LAZY_EXPUNGE_TOLD_FAILED
};

struct lazy_expunge_tell {
	const char *old_name, *new_name;
	/* change nothing */
	bool plan;
	/* what: acl, or shared list. where: a file or a key. error: of
	   LAZY_EXPUNGE_TOLD_FAILED. */
	void (*report)(void *context, const char *what, const char *where,
		       enum lazy_expunge_told told, const char *error);
	void *context;
};

/* The ACLs of the user's own mailboxes. */
void lazy_expunge_tell_acls(struct lazy_expunge_tell *tell,
			    struct mail_user *user);
/* The dict of shared mailboxes, as the user's settings name it. */
void lazy_expunge_tell_dict(struct lazy_expunge_tell *tell,
			    struct mail_user *user);

/* The text of an ACL file in which the identifier of the old name has become the
   new one's. NULL if it is not there. Data stack. */
const char *lazy_expunge_tell_acl_text(const char *text, const char *old_name,
				       const char *new_name);

#endif
