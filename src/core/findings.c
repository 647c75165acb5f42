/* Findings: rows of check, and how bad they are. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "core/findings.h"

/* a daily run may be late, but not miss a day */
#define MAINTAIN_LATE_SECS (2 * 24 * 3600)
/* and one that visits once a week who has nothing due */
#define MAINTAIN_WEEKLY_LATE_SECS (9 * 24 * 3600)
/* of the rows that ask for each protocol */
#define PROTOCOL_PREFIX "protocol-"

const char *
lazy_expunge_finding_state_name(enum lazy_expunge_finding_state state)
{
	switch (state) {
	case LAZY_EXPUNGE_FINDING_OK:
		return "OK";
	case LAZY_EXPUNGE_FINDING_WARN:
		return "WARN";
	case LAZY_EXPUNGE_FINDING_FAIL:
		return "FAIL";
	}
	i_unreached();
}

void lazy_expunge_findings_add(struct lazy_expunge_findings *findings,
			       const char *id,
			       enum lazy_expunge_finding_state state,
			       const char *found, const char *remedy)
{
	struct lazy_expunge_finding *row;

	if (!array_is_created(&findings->rows))
		p_array_init(&findings->rows, findings->pool, 32);
	row = array_append_space(&findings->rows);
	row->id = p_strdup(findings->pool, id);
	row->state = state;
	row->found = p_strdup(findings->pool, found);
	row->remedy = state == LAZY_EXPUNGE_FINDING_OK || remedy == NULL ? "" :
		p_strdup(findings->pool, remedy);
}

enum lazy_expunge_finding_state
lazy_expunge_findings_worst(const struct lazy_expunge_findings *findings)
{
	enum lazy_expunge_finding_state worst = LAZY_EXPUNGE_FINDING_OK;
	const struct lazy_expunge_finding *row;

	if (!array_is_created(&findings->rows))
		return worst;
	array_foreach(&findings->rows, row)
		worst = I_MAX(worst, row->state);
	return worst;
}

const char *
lazy_expunge_findings_verdict(const struct lazy_expunge_findings *findings,
			      const char *username)
{
	const struct lazy_expunge_finding *row;
	string_t *text = t_str_new(128);
	const char *what;
	bool kept = TRUE;

	str_printfa(text, "Deleted mail of %s is ", username);
	if (array_is_created(&findings->rows)) {
		array_foreach(&findings->rows, row) {
			if (row->state != LAZY_EXPUNGE_FINDING_FAIL)
				continue;
			what = row->id;
			if (strncmp(what, PROTOCOL_PREFIX,
				    strlen(PROTOCOL_PREFIX)) == 0)
				what += strlen(PROTOCOL_PREFIX);
			str_printfa(text, "%s%s", kept ? "NOT kept: " : ", ",
				    what);
			kept = FALSE;
		}
	}
	if (kept)
		str_append(text, "kept");
	return str_c(text);
}

enum lazy_expunge_finding_state
lazy_expunge_finding_maintained(time_t last, uint64_t failed, bool weekly,
				time_t now)
{
	const time_t late = weekly ? MAINTAIN_WEEKLY_LATE_SECS :
		MAINTAIN_LATE_SECS;

	if (last == 0 || failed > 0 || last + late < now)
		return LAZY_EXPUNGE_FINDING_WARN;
	return LAZY_EXPUNGE_FINDING_OK;
}

/* Returns 1 if the word is in the list, 0 if not, -1 if the list does not
   mention it and only adds to another. */
static int list_find(const char *text, const char *word)
{
	const char *const *words, *const *p;

	words = t_strsplit_spaces(text, " \t\r\n,");
	if (!str_array_find(words, "{")) {
		text = strchr(text, '=');
		return text != NULL && str_array_find(
			t_strsplit_spaces(text + 1, " \t\r\n,"), word) ? 1 : 0;
	}
	for (p = words; p[0] != NULL && p[1] != NULL && p[2] != NULL; p++) {
		if (strcmp(p[0], word) == 0 && strcmp(p[1], "=") == 0)
			return strcmp(p[2], "yes") == 0 ? 1 : 0;
	}
	return -1;
}

bool lazy_expunge_finding_list_has(const char *text, const char *base,
				   const char *word)
{
	int ret;

	T_BEGIN {
		ret = list_find(text, word);
		if (ret < 0 && base != NULL)
			ret = list_find(base, word);
	} T_END;
	return ret > 0;
}
