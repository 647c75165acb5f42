/* Findings of many users, grouped. */

#include "lib.h"
#include "array.h"
#include "str.h"
#include "core/finding-groups.h"

static struct lazy_expunge_finding_group *
group_get(struct lazy_expunge_finding_groups *groups,
	  const struct lazy_expunge_finding *row)
{
	struct lazy_expunge_finding_group *group;

	array_foreach_modifiable(&groups->rows, group) {
		if (group->row.state == row->state &&
		    strcmp(group->row.id, row->id) == 0)
			return group;
	}
	group = array_append_space(&groups->rows);
	group->nth = array_count(&groups->rows);
	group->row.id = p_strdup(groups->pool, row->id);
	group->row.state = row->state;
	group->row.found = p_strdup(groups->pool, row->found);
	group->row.remedy = p_strdup(groups->pool, row->remedy);
	return group;
}

void lazy_expunge_finding_groups_add(struct lazy_expunge_finding_groups *groups,
				     const char *username,
				     const struct lazy_expunge_findings *rows)
{
	struct lazy_expunge_finding_group *group;
	const struct lazy_expunge_finding *row;

	if (!array_is_created(&groups->rows))
		p_array_init(&groups->rows, groups->pool, 32);
	if (lazy_expunge_findings_worst(rows) != LAZY_EXPUNGE_FINDING_FAIL)
		groups->protected_users++;
	if (!array_is_created(&rows->rows))
		return;
	array_foreach(&rows->rows, row) {
		group = group_get(groups, row);
		if (strcmp(group->row.found, row->found) != 0)
			group->differs = TRUE;
		if (group->users < LAZY_EXPUNGE_FINDING_NAMES) {
			group->names[group->users] =
				p_strdup(groups->pool, username);
		}
		group->users++;
	}
}

static int group_cmp(const struct lazy_expunge_finding_group *g1,
		     const struct lazy_expunge_finding_group *g2)
{
	if (g1->row.state != g2->row.state)
		return g1->row.state > g2->row.state ? -1 : 1;
	/* array_sort() is no stable sort */
	return (int)g1->nth - (int)g2->nth;
}

void lazy_expunge_finding_groups_sort(
		struct lazy_expunge_finding_groups *groups)
{
	if (array_is_created(&groups->rows))
		array_sort(&groups->rows, group_cmp);
}

const char *lazy_expunge_finding_group_names(
		const struct lazy_expunge_finding_group *group)
{
	string_t *names = t_str_new(64);
	unsigned int shown = I_MIN(group->users, LAZY_EXPUNGE_FINDING_NAMES);

	for (unsigned int i = 0; i < shown; i++) {
		if (i > 0)
			str_append(names, ", ");
		str_append(names, group->names[i]);
	}
	if (group->users > shown)
		str_printfa(names, " and %u more", group->users - shown);
	return str_c(names);
}
