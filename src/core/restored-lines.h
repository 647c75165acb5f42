#ifndef LAZY_EXPUNGE_RESTORED_LINES_H
#define LAZY_EXPUNGE_RESTORED_LINES_H

/* What a restore has put where, so that it can be taken back. As text each is a
   line of fields separated by tabs: "U", the number of the restore, the target's
   UIDVALIDITY and UIDs ("3:9"), flags, number of the deletion (0 = none), the
   target, origin and Trash ("" = not known), and the keywords.
   Lines of another kind are for versions that know them. */

#include "mail-types.h"

/* Mails in a row that are alike. */
struct lazy_expunge_restored {
	uint32_t restore;
	uint32_t uid_validity, first_uid, last_uid;
	enum mail_flags flags;
	/* core/deletion-lines.h */
	uint32_t deletion;
	const char *target, *origin, *via;
	/* NULL-terminated, sorted */
	const char *const *keywords;
};
ARRAY_DEFINE_TYPE(lazy_expunge_restored, struct lazy_expunge_restored);

/* Append the line, with its end. */
void lazy_expunge_restored_append(string_t *dest,
				  const struct lazy_expunge_restored *restored);
/* Returns FALSE if the line (without its end) is none. Texts are allocated from
   the pool. */
bool lazy_expunge_restored_parse(const char *line, pool_t pool,
				 struct lazy_expunge_restored *restored_r);
/* TRUE if the line is one of these, or was before it was cut off. */
bool lazy_expunge_restored_is_line(const char *line);
/* TRUE if they differ in their UIDs alone. */
bool lazy_expunge_restored_are_alike(const struct lazy_expunge_restored *r1,
				     const struct lazy_expunge_restored *r2);

#endif
