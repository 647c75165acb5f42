#ifndef LAZY_EXPUNGE_SETTINGS_READ_H
#define LAZY_EXPUNGE_SETTINGS_READ_H

#include "core/setting-values.h"

struct event;
struct mail_user;
struct mailbox_list;

/* Fills *set_r from Dovecot's configuration for the event: a user's, or on 2.4
   also a namespace's or a mailbox's. What cannot be read ends in
   set_r->error. Strings are allocated from the pool. */
void lazy_expunge_settings_read(struct mail_user *user, struct event *event,
				pool_t pool,
				struct lazy_expunge_settings *set_r);
/* The same for a mailbox by its name, which need not exist, or with vname = NULL
   for the namespace of the list. On 2.3 that is the user's. */
void lazy_expunge_settings_read_filters(struct mail_user *user,
					struct mailbox_list *list,
					const char *vname, pool_t pool,
					struct lazy_expunge_settings *set_r);
/* TRUE if settings can differ between the mailboxes of a user, so that they
   have to be read for each. */
bool lazy_expunge_settings_are_per_mailbox(void);

#endif
