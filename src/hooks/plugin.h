#ifndef LAZY_EXPUNGE_PLUGIN_H
#define LAZY_EXPUNGE_PLUGIN_H

struct module;

extern const char *lazy_expunge_plugin_version;
extern const char *lazy_expunge_plugin_identity;

void lazy_expunge_plugin_init(struct module *module);
void lazy_expunge_plugin_deinit(void);

#endif
