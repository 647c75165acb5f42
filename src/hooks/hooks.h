#ifndef LAZY_EXPUNGE_HOOKS_H
#define LAZY_EXPUNGE_HOOKS_H

/* Hooks, each in the file of its name. */

struct mail;
struct mailbox;
struct mailbox_list;
struct mail_namespace;
struct mail_user;

void lazy_expunge_mail_user_created(struct mail_user *user);
void lazy_expunge_mail_namespaces_added(struct mail_namespace *namespaces);
void lazy_expunge_mail_namespaces_created(struct mail_namespace *namespaces);
void lazy_expunge_mailbox_list_created(struct mailbox_list *list);
void lazy_expunge_mailbox_allocated(struct mailbox *box);
void lazy_expunge_mail_allocated(struct mail *mail);

#endif
