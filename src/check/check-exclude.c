/* Check of the exclude list: is what is in force what the file says? */

#include "lib.h"
#include "str.h"
#include "strescape.h"
#include "check/check.h"

static bool excludes_name(const struct lazy_expunge_settings *set,
			  const char *name)
{
	return set->exclude != NULL && str_array_find(set->exclude, name);
}

/* The entry that begins in a line of doveconf's output, NULL if none does. */
static const char *line_entry(const char *line)
{
	const char *end;

	while (*line == ' ')
		line++;
	end = strstr(line, " = ");
	if (end == NULL)
		return NULL;
	if (*line == '"' && end[-1] == '"' && end - line >= 2)
		return str_unescape(t_strdup_noconst(
				t_strdup_until(line + 1, end - 1)));
	return t_strdup_until(line, end);
}

void lazy_expunge_check_exclude(struct lazy_expunge_findings *findings,
				struct lazy_expunge_user *luser,
				const struct lazy_expunge_check_config *config)
{
	const char *const *lines, *name;
	string_t *changed = t_str_new(64);

	if (config->exclude == NULL || luser->set.error != NULL)
		return;
	for (lines = t_strsplit(config->exclude, "\n"); *lines != NULL;
	     lines++) {
		name = line_entry(*lines);
		if (name == NULL || strstr(name, "%{") == NULL ||
		    excludes_name(&luser->set, name))
			continue;
		str_printfa(changed, "%s%s", str_len(changed) == 0 ? "" : ", ",
			    name);
	}
	if (str_len(changed) == 0)
		return;
	lazy_expunge_findings_add(findings, "exclude",
		LAZY_EXPUNGE_FINDING_WARN, t_strdup_printf(
		"%s of lazy_expunge_exclude is no name: this Dovecot expands "
		"its variables, and the list has %s", str_c(changed),
		t_strarray_join(luser->set.exclude, ", ")),
		"if a mailbox has this name, exclude it by a wildcard, with ? "
		"in the place of %");
}
