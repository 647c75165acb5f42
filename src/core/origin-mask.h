#ifndef LAZY_EXPUNGE_ORIGIN_MASK_H
#define LAZY_EXPUNGE_ORIGIN_MASK_H

/* Which origins are meant: names and wildcards of mailboxes, several of which
   add up. */

struct lazy_expunge_origin_mask {
	/* names or wildcards, NULL-terminated; NULL means any origin */
	const char *const *names;
	/* and what is below them */
	bool below;
};

/* TRUE if the mailbox is meant. origin is its full virtual name, NULL or "" if
   it is unknown; separator is that of its namespace. A name in which * and ?
   stand for themselves matches as it is, too; INBOX has no case. */
bool lazy_expunge_origin_mask_match(const struct lazy_expunge_origin_mask *mask,
				    const char *origin, char separator);

/* TRUE if somebody who wrote name may have meant origin: but for letters' case
   it is the same, is its last part, contains it, or is a letter or two (of
   three or more) away. */
bool lazy_expunge_origin_is_near(const char *name, const char *origin,
				 char separator);

#endif
