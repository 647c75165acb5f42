/* Check of modules: is the plugin loaded, is it this one, and by whom. */

#include "lazy-expunge-config.h"
#include "lib.h"
#include "array.h"
#include "module-dir.h"
#include "str.h"
#include "mail-storage-service.h"
#include "compat/dovecot.h"
#include "check/doveconf.h"
#include "check/check.h"

#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>

#define PLUGIN_NAME "lazy_expunge"
#define PLUGIN_FNAME "lib02_lazy_expunge_plugin.so"
#define PLUGIN_SUFFIX "_lazy_expunge_plugin.so"
/* a symbol that only this plugin has */
#define PLUGIN_IDENTITY "lazy_expunge_plugin_identity"

static const char *const protocol_names[LAZY_EXPUNGE_CHECK_PROTOCOLS] = {
	"imap", "pop3", "lmtp", "lda", "doveadm"
};

void lazy_expunge_check_config_read(struct lazy_expunge_check_config *config_r,
				    const char *config_path, pool_t pool)
{
	const char *const protocols[] = { "protocols", NULL };
	const char *const all_plugins[] = { "mail_plugins", NULL };

	i_zero(config_r);
	T_BEGIN {
		config_r->protocols = p_strdup(pool,
			lazy_expunge_doveconf(config_path, protocols));
		config_r->all_mail_plugins = p_strdup(pool,
			lazy_expunge_doveconf(config_path, all_plugins));
	} T_END;
	for (unsigned int i = 0; i < LAZY_EXPUNGE_CHECK_PROTOCOLS; i++) T_BEGIN {
		const char *const plugins[] = {
			"-f", t_strconcat("protocol=", protocol_names[i], NULL),
			"mail_plugins", NULL
		};
		config_r->mail_plugins[i] = p_strdup(pool,
			lazy_expunge_doveconf(config_path, plugins));
	} T_END;
}

static struct module *find_module(void)
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

/* Not loaded by Dovecot: would it load, and what is it? */
static void check_file(struct lazy_expunge_findings *findings, const char *path)
{
	const char *error, *const *version;
	void *handle;

	handle = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
	if (handle == NULL) {
		error = dlerror();
		lazy_expunge_findings_add(findings, "module",
			LAZY_EXPUNGE_FINDING_FAIL,
			t_strdup_printf("the mail plugin cannot be loaded: %s",
					error == NULL ? path : error),
			"install the plugin that was built for this Dovecot");
		return;
	}
	version = dlsym(handle, "lazy_expunge_plugin_version");
	if (dlsym(handle, PLUGIN_IDENTITY) == NULL) {
		lazy_expunge_findings_add(findings, "module",
			LAZY_EXPUNGE_FINDING_FAIL, t_strdup_printf(
			"%s is another plugin of this name", path),
			"install dovecot-lazy-expunge over it, or divert the "
			"shipped file");
	} else if (version == NULL ||
		   strcmp(*version, DOVECOT_ABI_VERSION) != 0) {
		lazy_expunge_findings_add(findings, "module",
			LAZY_EXPUNGE_FINDING_FAIL, t_strdup_printf(
			"%s was built for %s, this Dovecot is %s", path,
			version == NULL ? "an unknown version" : *version,
			DOVECOT_ABI_VERSION),
			"install the plugin that was built for this Dovecot");
	} else {
		lazy_expunge_findings_add(findings, "module",
			LAZY_EXPUNGE_FINDING_FAIL, t_strdup_printf(
			"%s is fine, but doveadm does not load it", path),
			"add lazy_expunge to mail_plugins, outside of all "
			"protocol blocks");
	}
	(void)dlclose(handle);
}

static void check_loaded(struct lazy_expunge_findings *findings,
			 struct lazy_expunge_user *luser)
{
	struct module *module = find_module();

	if (module == NULL) {
		check_file(findings, t_strconcat(
			lazy_expunge_compat_module_dir(luser->user),
			"/"PLUGIN_FNAME, NULL));
		return;
	}
	if (module_get_symbol_quiet(module, PLUGIN_IDENTITY) == NULL) {
		lazy_expunge_findings_add(findings, "module",
			LAZY_EXPUNGE_FINDING_FAIL, t_strdup_printf(
			"%s is another plugin of this name", module->path),
			"install dovecot-lazy-expunge over it, or divert the "
			"shipped file");
		return;
	}
	lazy_expunge_findings_add(findings, "module", LAZY_EXPUNGE_FINDING_OK,
		t_strdup_printf("%s, built for %s", module->path,
				DOVECOT_ABI_VERSION), NULL);
}

/* Two files of one module name keep every mail process from starting. */
static void check_leftovers(struct lazy_expunge_findings *findings,
			    struct lazy_expunge_user *luser)
{
	const char *dir = lazy_expunge_compat_module_dir(luser->user);
	string_t *others = t_str_new(64);
	struct dirent *entry;
	size_t len;
	DIR *dirp = opendir(dir);

	while (dirp != NULL && (entry = readdir(dirp)) != NULL) {
		len = strlen(entry->d_name);
		if (len > strlen(PLUGIN_SUFFIX) &&
		    strcmp(entry->d_name + len - strlen(PLUGIN_SUFFIX),
			   PLUGIN_SUFFIX) == 0 &&
		    strcmp(entry->d_name, PLUGIN_FNAME) != 0)
			str_printfa(others, " %s", entry->d_name);
	}
	if (dirp != NULL)
		(void)closedir(dirp);
	if (str_len(others) > 0) {
		lazy_expunge_findings_add(findings, "leftovers",
			LAZY_EXPUNGE_FINDING_FAIL, t_strdup_printf(
			"more modules of this name in %s:%s", dir,
			str_c(others)), "remove them");
		return;
	}
	lazy_expunge_findings_add(findings, "leftovers",
		LAZY_EXPUNGE_FINDING_OK,
		"no other module of this name", NULL);
}

static void check_protocol(struct lazy_expunge_findings *findings,
			   const struct lazy_expunge_check_config *config,
			   enum lazy_expunge_check_protocol protocol)
{
	const char *name = protocol_names[protocol];
	const char *id = t_strconcat("protocol-", name, NULL);
	const char *plugins = config->mail_plugins[protocol];

	/* lda and doveadm are programs, no services to be enabled */
	if (protocol < LAZY_EXPUNGE_CHECK_LDA && config->protocols != NULL &&
	    !lazy_expunge_finding_list_has(config->protocols, NULL, name)) {
		lazy_expunge_findings_add(findings, id, LAZY_EXPUNGE_FINDING_OK,
					  "not enabled", NULL);
		return;
	}
	if (plugins == NULL) {
		lazy_expunge_findings_add(findings, id,
			LAZY_EXPUNGE_FINDING_WARN,
			"its mail_plugins could not be read",
			"run check as root, with "LE_DOVECONF" in its place");
	} else if (!lazy_expunge_finding_list_has(plugins,
				config->all_mail_plugins, PLUGIN_NAME)) {
		lazy_expunge_findings_add(findings, id,
			LAZY_EXPUNGE_FINDING_FAIL, t_strdup_printf(
			"mail deleted by %s is not kept: mail_plugins there "
			"has no lazy_expunge", name), t_strdup_printf(
			"add lazy_expunge to mail_plugins outside of protocol "
			"blocks, and let that of protocol %s add to it ("
			LE_PLUGINS_ADD")", name));
	} else {
		lazy_expunge_findings_add(findings, id, LAZY_EXPUNGE_FINDING_OK,
					  "loads the plugin", NULL);
	}
}

/* A userdb may set mail_plugins for a user. */
static void check_user(struct lazy_expunge_findings *findings,
		       struct lazy_expunge_user *luser)
{
	if (lazy_expunge_compat_user_has_plugin(luser->user, PLUGIN_NAME)) {
		lazy_expunge_findings_add(findings, "user",
			LAZY_EXPUNGE_FINDING_OK,
			"the user's mail_plugins have it", NULL);
	} else if (find_module() == NULL) {
		lazy_expunge_findings_add(findings, "user",
			LAZY_EXPUNGE_FINDING_WARN,
			"whether the user's mail_plugins have it cannot be told",
			"have doveadm load the plugin");
	} else {
		lazy_expunge_findings_add(findings, "user",
			LAZY_EXPUNGE_FINDING_FAIL,
			"mail that this user deletes is not kept: the user's "
			"mail_plugins have no lazy_expunge",
			"add it to mail_plugins, in the userdb if that sets "
			"them for the user");
	}
}

void lazy_expunge_check_modules(struct lazy_expunge_findings *findings,
				struct lazy_expunge_user *luser,
				const struct lazy_expunge_check_config *config)
{
	check_loaded(findings, luser);
	check_leftovers(findings, luser);
	check_user(findings, luser);
	for (unsigned int i = 0; i < LAZY_EXPUNGE_CHECK_PROTOCOLS; i++) T_BEGIN {
		check_protocol(findings, config, i);
	} T_END;
}
