#ifndef LAZY_EXPUNGE_ACL_SHOWN_H
#define LAZY_EXPUNGE_ACL_SHOWN_H

/* MYRIGHTS and GETACL (RFC 4314) of a protected storage are answered without the
   rights that protection denies. What is looked up for anything else is as the
   acl plugin has it: a move out of the storage needs the right to expunge. */

struct lazy_expunge_user;
struct mailbox_list;

/* A mailbox of a storage of the list is being allocated: whoever asks for its
   rights does that before. */
void lazy_expunge_acl_shown_init(struct lazy_expunge_user *luser,
				 struct mailbox_list *list);

#endif
