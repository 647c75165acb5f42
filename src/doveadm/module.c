/* The doveadm module: its commands, and what it mends of Dovecot's own. */

#include "lib.h"
#include "compat/dovecot.h"
#include "doveadm-mail.h"
#include "doveadm/commands.h"
#include "doveadm/help.h"
#include "doveadm/load-failure.h"
#include "doveadm/missing-storage.h"
#include "doveadm/print.h"

#define EXPORT __attribute__((visibility("default")))

struct module;

extern const char *doveadm_lazy_expunge_plugin_version;
void doveadm_lazy_expunge_plugin_init(struct module *module);
void doveadm_lazy_expunge_plugin_deinit(void);

EXPORT const char *doveadm_lazy_expunge_plugin_version = DOVECOT_ABI_VERSION;

static struct doveadm_cmd_ver2 *commands[] = {
	&lazy_expunge_cmd_account_delete,
	&lazy_expunge_cmd_account_list,
	&lazy_expunge_cmd_account_purge,
	&lazy_expunge_cmd_account_rename,
	&lazy_expunge_cmd_account_undelete,
	&lazy_expunge_cmd_check,
	&lazy_expunge_cmd_deletions,
	&lazy_expunge_cmd_erase,
	&lazy_expunge_cmd_export,
	&lazy_expunge_cmd_hold,
	&lazy_expunge_cmd_holds,
	&lazy_expunge_cmd_import,
	&lazy_expunge_cmd_list,
	&lazy_expunge_cmd_maintain,
	&lazy_expunge_cmd_release,
	&lazy_expunge_cmd_restore,
	&lazy_expunge_cmd_status,
	&lazy_expunge_cmd_verify,
};

EXPORT void
doveadm_lazy_expunge_plugin_init(struct module *module ATTR_UNUSED)
{
	lazy_expunge_startup_watch();
	lazy_expunge_print_init();
	lazy_expunge_missing_storage_init();
	for (unsigned int i = 0; i < N_ELEMENTS(commands); i++) {
		if (commands[i]->mail_cmd != NULL)
			commands[i]->cmd = lazy_expunge_help_or_run;
		doveadm_cmd_register_ver2(commands[i]);
	}
}

EXPORT void doveadm_lazy_expunge_plugin_deinit(void)
{
	lazy_expunge_startup_done();
	lazy_expunge_missing_storage_deinit();
	lazy_expunge_print_deinit();
}
