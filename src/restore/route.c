/* Targets of restore: by name, and for a mailbox that was renamed by its GUID. */

#include "lib.h"
#include "array.h"
#include "account/where-now.h"
#include "restore/route.h"

struct where {
	struct lazy_expunge_select *select;
	ARRAY_TYPE(lazy_expunge_rename) renames;
	bool renames_read;
};

/* Part the mails of the origin by what it was renamed to after each went. */
static void where_part(struct where *where, const char *origin,
		       const struct lazy_expunge_select_mail *mails,
		       unsigned int count,
		       ARRAY_TYPE(lazy_expunge_rename_run) *runs)
{
	struct lazy_expunge_select *select = where->select;
	const struct lazy_expunge_rename *renames;
	time_t *times = t_new(time_t, count);
	unsigned int renames_count;

	if (!where->renames_read) {
		p_array_init(&where->renames, select->pool, 16);
		lazy_expunge_renamed_read(select->luser->user, select->pool,
					  &where->renames);
		where->renames_read = TRUE;
	}
	for (unsigned int i = 0; i < count; i++)
		times[i] = mails[i].saved;
	renames = array_get(&where->renames, &renames_count);
	lazy_expunge_renames_part(renames, renames_count, origin, times, count,
				  runs);
}

/* The mails of one origin, the oldest deletion first. */
static void where_origin(struct where *where, unsigned int first,
			 unsigned int count,
			 ARRAY_TYPE(lazy_expunge_restore_part) *parts)
{
	struct lazy_expunge_select *select = where->select;
	const struct lazy_expunge_select_mail *mails =
		array_idx(&select->mails, first);
	const char *origin = lazy_expunge_select_origin(select, mails);
	const char *recorded = array_idx_elem(&select->origins,
					      mails->recorded);
	const struct lazy_expunge_rename_run whole = { .count = count }, *run;
	ARRAY_TYPE(lazy_expunge_rename_run) runs;
	struct lazy_expunge_restore_part *part;
	const char *target;

	t_array_init(&runs, 4);
	if (*origin == '\0' ||
	    lazy_expunge_where_exists(select->luser, recorded))
		array_push_back(&runs, &whole);
	else
		where_part(where, recorded, mails, count, &runs);
	array_foreach(&runs, run) {
		target = run->rename == NULL ? NULL :
			lazy_expunge_where_now(select->luser, &where->renames,
					       run->rename);
		if (target != NULL && strcmp(target, origin) == 0)
			target = NULL;
		part = array_append_space(parts);
		part->first = first;
		part->count = run->count;
		part->origin = origin;
		part->renamed = target != NULL;
		if (target == NULL)
			target = *origin != '\0' ? origin : "INBOX";
		part->target = p_strdup(select->pool, target);
		first += run->count;
	}
}

static int mail_cmp(const struct lazy_expunge_select_mail *m1,
		    const struct lazy_expunge_select_mail *m2)
{
	if (m1->origin != m2->origin)
		return m1->origin < m2->origin ? -1 : 1;
	if (m1->recorded != m2->recorded)
		return m1->recorded < m2->recorded ? -1 : 1;
	return lazy_expunge_select_cmp_oldest(m1, m2);
}

static int mail_cmp_oldest(const void *p1, const void *p2)
{
	return lazy_expunge_select_cmp_oldest(p1, p2);
}

/* Of an origin that was recorded in two spellings, mail that goes to the same
   target is one part. */
static void where_join_spellings(struct lazy_expunge_select *select,
				 ARRAY_TYPE(lazy_expunge_restore_part) *parts)
{
	struct lazy_expunge_restore_part *part, *prev;

	for (unsigned int i = 1; i < array_count(parts); ) {
		prev = array_idx_modifiable(parts, i - 1);
		part = array_idx_modifiable(parts, i);
		if (part->origin != prev->origin ||
		    part->renamed != prev->renamed ||
		    strcmp(part->target, prev->target) != 0) {
			i++;
			continue;
		}
		prev->count += part->count;
		qsort(array_idx_modifiable(&select->mails, prev->first),
		      prev->count, sizeof(struct lazy_expunge_select_mail),
		      mail_cmp_oldest);
		array_delete(parts, i, 1);
	}
}

void lazy_expunge_restore_where(struct lazy_expunge_select *select,
				const char *target,
				ARRAY_TYPE(lazy_expunge_restore_part) *parts)
{
	struct where where = { .select = select };
	const struct lazy_expunge_select_mail *mails;
	struct lazy_expunge_restore_part *part;
	unsigned int count, size;

	array_sort(&select->mails, mail_cmp);
	mails = array_get(&select->mails, &count);
	for (unsigned int i = 0; i < count; i += size) T_BEGIN {
		for (size = 1; i + size < count; size++) {
			if (mails[i + size].origin != mails[i].origin ||
			    mails[i + size].recorded != mails[i].recorded)
				break;
		}
		if (target == NULL)
			where_origin(&where, i, size, parts);
		else {
			part = array_append_space(parts);
			part->first = i;
			part->count = size;
			part->origin = lazy_expunge_select_origin(select,
								  &mails[i]);
			part->target = target;
		}
	} T_END;
	where_join_spellings(select, parts);
}
