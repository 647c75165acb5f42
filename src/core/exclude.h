#ifndef LAZY_EXPUNGE_MATCH_H
#define LAZY_EXPUNGE_MATCH_H

/* Which mailboxes an exclude list names. */

struct lazy_expunge_match {
	/* Full virtual name, with the namespace prefix. */
	const char *vname;
	/* Length of the namespace's prefix, 0 = none. vname begins with it,
	   unless it is INBOX. */
	size_t prefix_len;
	/* Name in the storage, the form that Dovecot 2.3 compares with. */
	const char *storage_name;
	/* NULL-terminated special-use flags of the mailbox, or NULL. */
	const char *const *special_use;
};

/* Returns TRUE if one of the patterns (NULL-terminated, may be NULL) names the
   mailbox. A pattern that begins with a backslash is a special-use flag and
   compared without case. Others are names in which * and ? are wildcards
   (wildcard_match()); they are compared with the full name, the name without
   its namespace prefix, and the storage name. */
bool lazy_expunge_match(const char *const *patterns,
			const struct lazy_expunge_match *box);

#endif
