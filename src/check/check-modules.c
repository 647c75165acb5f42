/* Check of modules: is the plugin loaded, and is it this one? */

#include "lib.h"
#include "array.h"
#include "module-dir.h"
#include "str.h"
#include "compat/dovecot.h"
#include "account/plugin-module.h"
#include "check/check.h"

#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>

#define PLUGIN_NAME "lazy_expunge"
#define PLUGIN_FNAME "lib02_lazy_expunge_plugin.so"
#define PLUGIN_SUFFIX "_lazy_expunge_plugin.so"
/* a symbol that only this plugin has */
#define PLUGIN_IDENTITY "lazy_expunge_plugin_identity"

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
	struct module *module = lazy_expunge_plugin_module_find();

	if (module == NULL) {
		check_file(findings, t_strconcat(
			lazy_expunge_compat_module_dir(luser->user),
			"/"PLUGIN_FNAME, NULL));
		return;
	}
	if (!lazy_expunge_plugin_module_is_ours(module)) {
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

/* A userdb may set mail_plugins for a user. */
static void check_user(struct lazy_expunge_findings *findings,
		       struct lazy_expunge_user *luser)
{
	if (lazy_expunge_compat_user_has_plugin(luser->user, PLUGIN_NAME)) {
		lazy_expunge_findings_add(findings, "user",
			LAZY_EXPUNGE_FINDING_OK,
			"the user's mail_plugins have it", NULL);
	} else if (lazy_expunge_plugin_module_find() == NULL) {
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
				struct lazy_expunge_user *luser)
{
	check_loaded(findings, luser);
	check_leftovers(findings, luser);
	check_user(findings, luser);
}
