#ifndef LAZY_EXPUNGE_MERGE_NAMES_H
#define LAZY_EXPUNGE_MERGE_NAMES_H

/* What mailboxes of the account are called below a mailbox of the target. */

struct lazy_expunge_merge_names;
struct lazy_expunge_user;
struct mail_namespace;

/* mailbox is in this namespace of the user, and lives as long as the names. */
struct lazy_expunge_merge_names *
lazy_expunge_merge_names_init(struct lazy_expunge_user *luser,
			      struct mail_namespace *ns, const char *mailbox);
void lazy_expunge_merge_names_deinit(struct lazy_expunge_merge_names **names);
/* The name, in which this is the separator, below the mailbox. What the target's
   layout has no room for becomes another sign, as its separator does. Lives as long
   as the names. */
const char *lazy_expunge_merge_names_get(struct lazy_expunge_merge_names *names,
					 const char *name, char separator);
/* Can there be mailboxes below this one? If not, the error says why (data stack). */
bool lazy_expunge_merge_names_can_be(struct lazy_expunge_user *luser,
				     struct mail_namespace *ns,
				     const char *mailbox, const char **error_r);

#endif
