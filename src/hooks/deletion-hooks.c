/* Deletions: numbers for mails that are kept, and sums that count once the
   transaction is committed. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "str.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "account/deletions.h"
#include "account/properties.h"
#include "account/storage-names.h"
#include "core/deletion.h"
#include "core/origin-codec.h"
#include "keep/deletion-id.h"
#include "keep/origin.h"
#include "hooks/context.h"
#include "hooks/deletion-hooks.h"
#include "hooks/trail-hooks.h"

/* Mails in a row with one number. */
struct lazy_expunge_deletion_sum {
	uint32_t id;
	unsigned int count;
	/* NULL = they left the storage */
	char *origin;
	struct mail_user *owner;
};

/* An administrator's command deletes a mailbox with those below it. */
static const char *deleted_box(struct lazy_expunge_user *luser,
			       struct mailbox *box)
{
	return luser->by_admin ? "" : lazy_expunge_origin_vname(box);
}

/* The mailbox goes with those above and below it. NULL for what goes with all. */
static const char *deleted_tree(struct lazy_expunge_user *luser,
				struct mailbox *box)
{
	struct mail_namespace *ns = mailbox_get_namespace(box);
	const char *vname = lazy_expunge_origin_vname(box), *name, *end;

	if (luser->by_admin)
		return NULL;
	name = lazy_expunge_name_without_prefix(ns, vname);
	end = strchr(name, mail_namespace_get_sep(ns));
	return end == NULL ? vname : t_strdup_until(vname, end);
}

static bool box_is_remembered(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	struct lazy_expunge_user *luser = lbox->luser;

	return lbox->storage == NULL && !lbox->is_virtual && !lbox->internal &&
		luser->set.origin && !luser->user->dsyncing &&
		lazy_expunge_origin_owner(box) != NULL &&
		strstr(mailbox_get_vname(box),
		       LAZY_EXPUNGE_PROBE_MAILBOX) == NULL;
}

string_t *lazy_expunge_deletion_box_begin(struct mailbox *box)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	string_t *properties;

	/* what another user may not see is not written down for him */
	if (!box->opened || !box_is_remembered(box) ||
	    lazy_expunge_origin_owner(box) != lbox->luser->user)
		return NULL;
	properties = str_new(default_pool, 128);
	T_BEGIN {
		lazy_expunge_properties_read(box, properties);
	} T_END;
	return properties;
}

void lazy_expunge_deletion_box(struct mailbox *box, string_t **properties)
{
	struct lazy_expunge_mailbox *lbox = LAZY_EXPUNGE_CONTEXT_REQUIRE(box);
	struct lazy_expunge_user *luser = lbox->luser;
	const struct lazy_expunge_deletion_what what = {
		.owner = lazy_expunge_origin_owner(box),
		.mailbox = deleted_box(luser, box),
		.tree = deleted_tree(luser, box),
	};
	string_t *line;
	uint32_t id;

	if (!box_is_remembered(box)) {
		str_free(properties);
		return;
	}
	id = lazy_expunge_deletions_id(luser, &what);
	lazy_expunge_deletions_add_box(luser, id,
				       lazy_expunge_origin_vname(box),
				       ioloop_time);
	/* also without any: an earlier mailbox of the name may have had some */
	if (*properties != NULL) T_BEGIN {
		line = t_str_new(256);
		lazy_expunge_properties_append(line, id,
			lazy_expunge_origin_vname(box), str_c(*properties));
		lazy_expunge_deletions_add_lines(luser, line);
	} T_END;
	str_free(properties);
}

void lazy_expunge_deletion_number(struct lazy_expunge_transaction *lt,
				  struct lazy_expunge_deletion *deletion)
{
	struct mail_private *pmail = (struct mail_private *)deletion->mail;
	struct lazy_expunge_user *luser = lt->lbox->luser;
	struct mailbox *box = lt->t->box;
	struct lazy_expunge_deletion_what what = {
		.owner = lt->lbox->owner,
		.retention = pmail->autoexpunged,
	};

	if (!luser->set.origin || what.owner == NULL)
		return;
	T_BEGIN {
		if (box->deleting) {
			what.mailbox = deleted_box(luser, box);
			what.tree = deleted_tree(luser, box);
		}
		deletion->id = lazy_expunge_deletions_id(luser, &what);
	} T_END;
}

static void sum_add(struct lazy_expunge_transaction *lt, uint32_t id,
		    const char *origin, struct mail_user *owner)
{
	struct lazy_expunge_deletion_sum *sum = NULL;

	if (!array_is_created(&lt->deletion_sums))
		i_array_init(&lt->deletion_sums, 4);
	else
		sum = array_back_modifiable(&lt->deletion_sums);
	if (sum == NULL || sum->id != id ||
	    null_strcmp(sum->origin, origin) != 0) {
		sum = array_append_space(&lt->deletion_sums);
		sum->id = id;
		sum->origin = i_strdup(origin);
		sum->owner = owner;
	}
	sum->count++;
}

void lazy_expunge_deletion_kept(struct lazy_expunge_transaction *lt,
				const struct lazy_expunge_deletion *deletion)
{
	if (deletion->id != 0) {
		sum_add(lt, deletion->id, deletion->origin != NULL ?
			deletion->origin : lt->lbox->owner_vname,
			NULL);
	}
}

/* The keywords that it has, but for those of the plugin. */
static const char *const *passed_keywords(struct mail *mail)
{
	ARRAY_TYPE(const_string) names;

	t_array_init(&names, 8);
	lazy_expunge_origin_append_others(&names, mail_get_keywords(mail));
	array_append_zero(&names);
	return array_front(&names);
}

static void passed_add(struct lazy_expunge_transaction *lt,
		       const struct lazy_expunge_passed *passed)
{
	if (lt->passed.text == NULL)
		lt->passed.text = str_new(default_pool, 256);
	lazy_expunge_passed_append(&lt->passed, passed);
}

static void passed_add_deletion(struct lazy_expunge_transaction *lt,
				const struct lazy_expunge_deletion *deletion)
{
	const char *vname = lt->lbox->owner_vname;
	struct mail *mail = deletion->mail;
	struct lazy_expunge_passed passed = {
		.deletion = deletion->id,
		.time = ioloop_time,
		.mailbox = deletion->origin != NULL ? deletion->origin : vname,
		.via = deletion->origin != NULL ? vname : "",
		.flags = mail_get_flags(mail),
		.keywords = passed_keywords(mail),
	};

	mail_generate_guid_128_hash(deletion->guid, passed.guid);
	passed_add(lt, &passed);
	sum_add(lt, passed.deletion, passed.mailbox, NULL);
}

void lazy_expunge_deletion_passed(struct lazy_expunge_transaction *lt,
				  struct lazy_expunge_deletion *deletion)
{
	if (deletion->guid == NULL || *deletion->guid == '\0')
		return;
	lazy_expunge_deletion_number(lt, deletion);
	if (deletion->id == 0)
		return;
	if (lt->from_trash) {
		deletion->origin = lazy_expunge_trail_before(lt,
						deletion->mail->uid);
	}
	T_BEGIN {
		passed_add_deletion(lt, deletion);
	} T_END;
}

void lazy_expunge_deletion_superseded(void *context, struct mail *older,
				      time_t saved, struct mail *newer)
{
	struct lazy_expunge_transaction *lt = context;
	const char *origin = lazy_expunge_mailbox_origin(older);
	const char *via = lazy_expunge_origin_get_via(older), *guid;
	struct lazy_expunge_passed passed = {
		.deletion = lazy_expunge_deletion_id_get(older),
		.time = saved,
		.mailbox = origin,
		.via = via != NULL ? via : "",
		.flags = mail_get_flags(older),
		.keywords = passed_keywords(older),
		.superseded = TRUE,
	};

	if (!lt->lbox->luser->set.origin || origin == NULL ||
	    null_strcmp(origin, lazy_expunge_mailbox_origin(newer)) == 0 ||
	    mail_get_special(older, MAIL_FETCH_GUID, &guid) < 0)
		return;
	mail_generate_guid_128_hash(guid, passed.guid);
	passed_add(lt, &passed);
}

void lazy_expunge_deletion_left(struct lazy_expunge_transaction *lt,
				struct mail *mail)
{
	struct mail_user *owner = lazy_expunge_origin_owner(mail->box);
	uint32_t id = lazy_expunge_deletion_id_get(mail);

	if (id != 0 && owner != NULL)
		sum_add(lt, id, NULL, owner);
}

void lazy_expunge_deletion_finish(struct lazy_expunge_transaction *lt,
				  bool committed)
{
	struct lazy_expunge_user *luser = lt->lbox->luser;
	struct lazy_expunge_deletion_sum *sum;

	if (lt->passed.text != NULL && committed)
		lazy_expunge_deletions_add_lines(luser, lt->passed.text);
	str_free(&lt->passed.text);
	if (!array_is_created(&lt->deletion_sums))
		return;
	array_foreach_modifiable(&lt->deletion_sums, sum) {
		if (committed && sum->origin != NULL) {
			lazy_expunge_deletions_add(luser, sum->id, sum->origin,
						   sum->count, ioloop_time);
		} else if (committed) {
			lazy_expunge_deletions_taken(luser, sum->owner, sum->id,
						     sum->count, ioloop_time);
		}
		i_free(sum->origin);
	}
	array_free(&lt->deletion_sums);
}
