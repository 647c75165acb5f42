#ifndef LAZY_EXPUNGE_PLUGIN_MODULE_H
#define LAZY_EXPUNGE_PLUGIN_MODULE_H

/* The mail plugin of this name as Dovecot has loaded it: this one, or the one
   that Dovecot ships, which an upgrade of Dovecot may put back. */

struct module;

/* NULL if none is loaded. */
struct module *lazy_expunge_plugin_module_find(void);
/* TRUE if the module, which may be NULL, is this plugin. */
bool lazy_expunge_plugin_module_is_ours(struct module *module);
/* The path of another plugin that is loaded in this one's place: what it does
   with deleted mail is not what settings and commands of this one say. NULL if
   there is none. */
const char *lazy_expunge_plugin_module_foreign(void);

#endif
