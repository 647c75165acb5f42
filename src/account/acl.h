#ifndef LAZY_EXPUNGE_ACL_H
#define LAZY_EXPUNGE_ACL_H

/* What the acl plugin says of a user's rights, which may come from a global
   file or directory, from the mailbox's own file, or on 2.4 from acl blocks.
   The plugin need not be loaded. */

struct mailbox;

/* The user's rights in the mailbox, which need not be open and may ignore ACLs
   itself (data stack). Returns 1 if ACLs hold for it, 0 if they do not, -1 if
   they cannot be read. */
int lazy_expunge_acl_get_rights(struct mailbox *box,
				const char *const **rights_r);
/* The same for the parent of the mailbox, which says who may create it. */
int lazy_expunge_acl_get_parent_rights(struct mailbox *box,
				       const char *const **rights_r);
/* TRUE if ACLs do not hold for what these have returned, or give the right.
   What cannot be read gives none. */
bool lazy_expunge_acl_has(int ret, const char *const *rights,
			  const char *right);

/* TRUE if an entry of the mailbox's own, or of the administrator's for it, gives
   the user rights there: not what holds where there is none. */
bool lazy_expunge_acl_names_user(struct mailbox *box);
/* Take away what the mailbox, which was just created, has got from its parent
   for others than its owner. Returns 0 if ok, -1 if not. */
int lazy_expunge_acl_forget_parent(struct mailbox *box);
/* Add the entries of the mailbox's own, each as text: type, rights, negative
   rights ("*" = none are said) and identifier, separated by ":". Data stack.
   Returns 1 if ACLs hold for it, 0 if they do not, -1 if they cannot be read. */
int lazy_expunge_acl_read(struct mailbox *box,
			  ARRAY_TYPE(const_string) *entries);
/* Give the mailbox, which was just created, these entries and no others of its
   own. Returns 0 if ok, also if no ACLs hold for it, -1 if not. */
int lazy_expunge_acl_write(struct mailbox *box,
			   const ARRAY_TYPE(const_string) *entries);
/* The mailbox is the user's own. TRUE if others have rights there because they
   have them in the INBOX (acl_defaults_from_inbox). */
bool lazy_expunge_acl_inbox_opens(struct mailbox *box);

#endif
