/* The mail plugin: its hook table and nothing else. */

#include "lib.h"
#include "mail-storage-hooks.h"
#include "catalog/writer.h"
#include "hooks/hooks.h"
#include "hooks/plugin.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT const char *lazy_expunge_plugin_version = DOVECOT_ABI_VERSION;

/* tells this plugin from the one that Dovecot ships under the same name */
EXPORT const char *lazy_expunge_plugin_identity = "dovecot-lazy-expunge";

static struct mail_storage_hooks lazy_expunge_mail_storage_hooks = {
	.mail_user_created = lazy_expunge_mail_user_created,
	.mail_namespaces_created = lazy_expunge_mail_namespaces_created,
	.mail_namespaces_added = lazy_expunge_mail_namespaces_added,
	.mailbox_list_created = lazy_expunge_mailbox_list_created,
	.mailbox_allocated = lazy_expunge_mailbox_allocated,
	.mail_allocated = lazy_expunge_mail_allocated
};

EXPORT void lazy_expunge_plugin_init(struct module *module)
{
	mail_storage_hooks_add(module, &lazy_expunge_mail_storage_hooks);
}

EXPORT void lazy_expunge_plugin_deinit(void)
{
	lazy_expunge_catalog_deinit();
	mail_storage_hooks_remove(&lazy_expunge_mail_storage_hooks);
}
