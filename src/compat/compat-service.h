#ifndef LAZY_EXPUNGE_COMPAT_SERVICE_H
#define LAZY_EXPUNGE_COMPAT_SERVICE_H

/* What differs between versions for who looks up users by itself. */

#include "lazy-expunge-config.h"
#include "master-service.h"
#include "master-service-settings.h"
#include "mail-storage-service.h"
#include "mailbox-list-private.h"
#include "mail-storage-settings.h"

static inline struct mail_storage_service_ctx *
lazy_expunge_compat_service_init(enum mail_storage_service_flags flags)
{
#ifdef HAVE_DOVECOT_SETTINGS_GET
	return mail_storage_service_init(master_service, flags);
#else
	return mail_storage_service_init(master_service, NULL, flags);
#endif
}

static inline void
lazy_expunge_compat_service_input(struct mail_storage_service_input *input)
{
#ifdef HAVE_DOVECOT_SETTINGS_GET
	input->service = "doveadm";
#else
	input->module = "mail";
	input->service = "doveadm";
#endif
}

static inline const struct master_service_settings *
lazy_expunge_compat_service_settings(void)
{
#ifdef HAVE_DOVECOT_SETTINGS_GET
	return master_service_get_service_settings(master_service);
#else
	return master_service_settings_get(master_service);
#endif
}

/* The list's volatile directory, NULL or "" if it has none. */
static inline const char *
lazy_expunge_compat_list_volatile_dir(struct mailbox_list *list)
{
#ifdef HAVE_DOVECOT_SETTINGS_GET
	return list->mail_set->mail_volatile_path;
#else
	return list->set.volatile_dir;
#endif
}

/* What dbox takes out of mails, attachments, lies there in files of their own. ""
   if it does not. */
const char *lazy_expunge_compat_attachment_dir(struct mail_namespace *ns);
/* The setting of that directory with its variables as they are in the
   configuration, NULL if the userdb has it for this user. */
const char *lazy_expunge_compat_attachment_setting(struct mail_namespace *ns);
/* What is to be set so that the mailboxes of the list are found without its
   namespace: names of 2.4 and values, one after the other, up to a NULL. Data
   stack. */
const char *const *
lazy_expunge_compat_list_location(struct mailbox_list *list);
/* The user once more, with one namespace, whose mailboxes are where such settings
   say, and with this home (NULL = as it is). inbox: INBOX is not a mailbox as
   others are. Its event has LAZY_EXPUNGE_COMPAT_FIELD_USER_AT. like stays the
   active one. Returns 0, or -1 and the error (data stack). */
int lazy_expunge_compat_user_at(struct mail_storage_service_ctx *service,
				struct mail_user *like, const char *home,
				const char *const *settings, bool inbox,
				struct mail_user **user_r,
				const char **error_r);

#endif
