/* See the header. */

#include "lib.h"
#include "module-dir.h"
#include "mail-storage-service.h"
#include "account/plugin-module.h"

#define PLUGIN_NAME "lazy_expunge"
#define PLUGIN_SUFFIX "_lazy_expunge_plugin.so"
/* a symbol that only this plugin has */
#define PLUGIN_IDENTITY "lazy_expunge_plugin_identity"

struct module *lazy_expunge_plugin_module_find(void)
{
	struct module *module;

	for (module = mail_storage_service_modules; module != NULL;
	     module = module->next) {
		if (strstr(module->path, PLUGIN_SUFFIX) != NULL &&
		    strcmp(module_get_plugin_name(module), PLUGIN_NAME) == 0)
			return module;
	}
	return NULL;
}

bool lazy_expunge_plugin_module_is_ours(struct module *module)
{
	return module != NULL &&
		module_get_symbol_quiet(module, PLUGIN_IDENTITY) != NULL;
}

const char *lazy_expunge_plugin_module_foreign(void)
{
	struct module *module = lazy_expunge_plugin_module_find();

	return module == NULL || lazy_expunge_plugin_module_is_ours(module) ?
		NULL : module->path;
}
