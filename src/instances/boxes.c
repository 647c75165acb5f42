/* The set of mailboxes in which instances are looked for. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "time-util.h"
#include "mail-namespace.h"
#include "mail-storage-private.h"
#include "mailbox-list-private.h"
#include "mailbox-list-iter.h"
#include "compat/dovecot.h"
#include "core/exclude.h"
#include "settings/read.h"
#include "account/user.h"
#include "account/storage-list.h"
#include "account/storages.h"
#include "formats/format.h"
#include "formats/list-index.h"
#include "formats/live.h"
#include "instances/guids.h"
#include "instances/pending.h"
#include "instances/boxes.h"

#include <sys/stat.h>

#define INSTANCES_CONTEXT(obj) \
	MODULE_CONTEXT(obj, lazy_expunge_instances_module)

static MODULE_CONTEXT_DEFINE_INIT(lazy_expunge_instances_module,
				  &mail_user_module_register);

struct instance_box *
lazy_expunge_instance_box_get(struct lazy_expunge_instances *inst,
		 struct mail_namespace *ns, const char *vname)
{
	struct instance_box *ibox;

	array_foreach_elem(&inst->boxes, ibox) {
		if (ibox->ns == ns && strcmp(ibox->vname, vname) == 0)
			return ibox;
	}
	ibox = i_new(struct instance_box, 1);
	ibox->ns = ns;
	ibox->vname = i_strdup(vname);
	ibox->guids = lazy_expunge_guids_init();
	ibox->in_storage =
		lazy_expunge_storage_match(inst->luser, ns, vname) != NULL;
	array_push_back(&inst->boxes, &ibox);
	return ibox;
}

static void instance_box_close(struct instance_box *ibox)
{
	lazy_expunge_live_deinit(&ibox->live);
	if (ibox->box != NULL)
		mailbox_free(&ibox->box);
	ibox->tried = FALSE;
}

static void instance_box_free(struct instance_box *ibox)
{
	instance_box_close(ibox);
	lazy_expunge_guids_deinit(&ibox->guids);
	i_free(ibox->vname);
	i_free(ibox);
}

static void list_namespace(struct lazy_expunge_instances *inst,
			   struct mail_namespace *ns, bool has_acls)
{
	enum mailbox_list_iter_flags flags = MAILBOX_LIST_ITER_NO_AUTO_BOXES |
		MAILBOX_LIST_ITER_SKIP_ALIASES |
		MAILBOX_LIST_ITER_RETURN_NO_FLAGS;
	struct mailbox_list_iterate_context *iter;
	const struct mailbox_info *info;
	struct instance_box *ibox;

	if (has_acls && lazy_expunge_is_storage_namespace(inst->luser, ns))
		flags |= MAILBOX_LIST_ITER_RAW_LIST;
	iter = mailbox_list_iter_init(ns->list, "*", flags);
	while ((info = mailbox_list_iter_next(iter)) != NULL) T_BEGIN {
		if ((info->flags & (MAILBOX_NONEXISTENT |
				    MAILBOX_NOSELECT)) == 0) {
			ibox = lazy_expunge_instance_box_get(inst, ns, info->vname);
			ibox->mtime = lazy_expunge_list_index_log_time(ns->list,
				mailbox_list_get_storage_name(ns->list,
							      info->vname));
		}
	} T_END;
	/* a mailbox that is missing here is one in which nothing is found */
	(void)mailbox_list_iter_deinit(&iter);
}

static int instance_box_cmp(struct instance_box *const *b1,
			    struct instance_box *const *b2)
{
	return (*b1)->mtime > (*b2)->mtime ? -1 :
		((*b1)->mtime < (*b2)->mtime ? 1 : 0);
}

static int list_hidden_mailbox(struct mail_namespace *ns, const char *vname,
			       void *context)
{
	(void)lazy_expunge_instance_box_get(context, ns, vname);
	return 0;
}

/* Instances in the storage make room for newer ones also where an ACL hides it.
   Elsewhere a mailbox that is hidden is none that counts. */
static void list_hidden_storages(struct lazy_expunge_instances *inst)
{
	struct lazy_expunge_storage *storage;
	enum mail_error code;
	const char *error;

	array_foreach_elem(lazy_expunge_user_storages(inst->luser), storage) {
		if (storage->ns == NULL || storage->ns_mode)
			continue;
		T_BEGIN {
			if (!storage->tree) {
				(void)lazy_expunge_instance_box_get(inst, storage->ns,
					lazy_expunge_storage_vname(storage));
			} else {
				/* what is missing is not found */
				(void)lazy_expunge_storage_list(inst->luser,
					storage, list_hidden_mailbox, inst,
					&error, &code);
			}
		} T_END;
	}
}

/* They are in no list. */
static void list_storage_roots(struct lazy_expunge_instances *inst)
{
	struct lazy_expunge_storage *storage;

	array_foreach_elem(lazy_expunge_user_storages(inst->luser), storage) {
		if (storage->ns == NULL || !storage->root)
			continue;
		T_BEGIN {
			(void)lazy_expunge_instance_box_get(inst, storage->ns,
				lazy_expunge_storage_vname(storage));
		} T_END;
	}
}

void lazy_expunge_instances_list(struct lazy_expunge_instances *inst)
{
	struct mail_user *user = inst->luser->user;
	struct mail_namespace *ns;
	bool has_acls;

	if (inst->listed)
		return;
	inst->listed = TRUE;
	has_acls = lazy_expunge_compat_user_has_plugin(user, "acl");
	if (has_acls)
		list_hidden_storages(inst);
	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		if (ns->type == MAIL_NAMESPACE_TYPE_PRIVATE &&
		    ns->alias_for == NULL &&
		    lazy_expunge_storage_format(
				mail_namespace_get_default_storage(ns)) !=
		    LAZY_EXPUNGE_FORMAT_VIRTUAL)
			list_namespace(inst, ns, has_acls);
	}
	list_storage_roots(inst);
	array_sort(&inst->boxes, instance_box_cmp);
}

static bool instance_box_check_protected(struct lazy_expunge_user *luser,
					 struct mailbox *box)
{
	struct lazy_expunge_settings set;
	const struct lazy_expunge_match match = {
		.vname = box->vname,
		.prefix_len = box->list->ns->prefix_len,
		.storage_name = box->name,
		.special_use = lazy_expunge_compat_special_use(box),
	};

	if (!lazy_expunge_settings_are_per_mailbox())
		return !lazy_expunge_match(luser->set.exclude, &match);
	lazy_expunge_settings_read(luser->user, box->event,
				   pool_datastack_create(), &set);
	return set.error == NULL && *set.storage != '\0' &&
		!lazy_expunge_match(set.exclude, &match);
}

static void instance_box_fail(struct instance_box *ibox, const char *error)
{
	e_debug(ibox->box->event, "lazy_expunge: Cannot look for instances "
		"here: %s", error);
	lazy_expunge_live_deinit(&ibox->live);
	mailbox_free(&ibox->box);
}

static int instance_box_refresh(struct instance_box *ibox, const char **error_r)
{
	lazy_expunge_live_deinit(&ibox->live);
	ibox->live = lazy_expunge_live_init(ibox->box, error_r);
	if (ibox->live == NULL)
		return -1;
	lazy_expunge_guids_refresh(ibox->guids, ibox->box);
	return 0;
}

/* Returns 0, or -1 and the error. */
static int instance_box_sync(struct instance_box *ibox, const char **error_r)
{
	ibox->synced = TRUE;
	if (mailbox_sync(ibox->box, MAILBOX_SYNC_FLAG_FAST) < 0) {
		*error_r = mailbox_get_last_internal_error(ibox->box, NULL);
		return -1;
	}
	return instance_box_refresh(ibox, error_r);
}

/* Returns 0, or -1 and the error. */
static int
instance_box_open_new(struct lazy_expunge_instances *inst,
		      struct instance_box *ibox, const char **error_r)
{
	struct mailbox_metadata metadata;

	if (mailbox_open(ibox->box) < 0 ||
	    mailbox_get_metadata(ibox->box, MAILBOX_METADATA_GUID,
				 &metadata) < 0) {
		*error_r = mailbox_get_last_internal_error(ibox->box, NULL);
		return -1;
	}
	guid_128_copy(ibox->guid, metadata.guid);
	T_BEGIN {
		ibox->is_protected = !ibox->in_storage &&
			instance_box_check_protected(inst->luser, ibox->box);
	} T_END;
	if (instance_box_refresh(ibox, error_r) < 0)
		return -1;
	/* an index that was open already may be shown in an older state */
	if (lazy_expunge_live_next_uid(ibox->live) !=
	    mail_index_get_header(ibox->box->view)->next_uid)
		return instance_box_sync(ibox, error_r);
	return 0;
}

bool lazy_expunge_instance_box_open(struct lazy_expunge_instances *inst,
				    struct instance_box *ibox, bool sync)
{
	enum mailbox_existence existence;
	const char *error;

	if (!ibox->tried) {
		ibox->tried = TRUE;
		ibox->synced = FALSE;
		ibox->box = lazy_expunge_mailbox_alloc(inst->luser, ibox->ns,
						       ibox->vname, 0);
		/* opening one that is to be created automatically would
		   create it */
		if (mailbox_exists(ibox->box, FALSE, &existence) < 0 ||
		    existence != MAILBOX_EXISTENCE_SELECT)
			mailbox_free(&ibox->box);
		else if (instance_box_open_new(inst, ibox, &error) < 0)
			instance_box_fail(ibox, error);
	}
	if (ibox->box != NULL && sync && !ibox->synced &&
	    instance_box_sync(ibox, &error) < 0)
		instance_box_fail(ibox, error);
	return ibox->box != NULL;
}

bool lazy_expunge_instance_box_shows(struct instance_box *ibox,
				     struct mailbox *box)
{
	const char *path1, *path2;
	struct stat st1, st2;

	return mailbox_get_path_to(ibox->box, MAILBOX_LIST_PATH_TYPE_MAILBOX,
				   &path1) > 0 &&
		mailbox_get_path_to(box, MAILBOX_LIST_PATH_TYPE_MAILBOX,
				    &path2) > 0 &&
		stat(path1, &st1) == 0 && stat(path2, &st2) == 0 &&
		st1.st_ino == st2.st_ino && CMP_DEV_T(st1.st_dev, st2.st_dev);
}

/* TRUE if the UID has this GUID and lives. */
bool lazy_expunge_instance_is_live(struct lazy_expunge_instances *inst,
			     struct instance_box *ibox, uint32_t uid,
			     const char *guid)
{
	struct mailbox_transaction_context *t;
	struct mail *mail;
	const char *value;
	bool live;

	if (!lazy_expunge_live_has(ibox->live, uid) ||
	    lazy_expunge_pending_has(inst->luser, ibox->guid, uid))
		return FALSE;
	t = mailbox_transaction_begin(ibox->box, 0, "lazy_expunge instance");
	mail = mail_alloc(t, MAIL_FETCH_GUID, NULL);
	live = mail_set_uid(mail, uid) &&
		mail_get_special(mail, MAIL_FETCH_GUID, &value) == 0 &&
		strcmp(value, guid) == 0 &&
		/* this looks at the file, which the index may believe in
		   wrongly */
		mail_get_special(mail, MAIL_FETCH_REFCOUNT, &value) == 0;
	mail_free(&mail);
	(void)mailbox_transaction_commit(&t);
	return live;
}

static unsigned int instances_count_records(struct lazy_expunge_instances *inst)
{
	struct instance_box *ibox;
	unsigned int count = 0;

	array_foreach_elem(&inst->boxes, ibox)
		count += lazy_expunge_guids_count(ibox->guids);
	return count;
}

void lazy_expunge_instances_budget(struct lazy_expunge_instances *inst,
			struct lazy_expunge_budget *budget_r)
{
	const struct lazy_expunge_look_bounds *look = &inst->luser->set.look;
	unsigned int count = instances_count_records(inst);

	i_zero(budget_r);
	/* What was read stays, so that looks for many mails get through a large
	   account in steps. */
	budget_r->mails = count >= look->remember ? 0 :
		I_MIN(look->mails, look->remember - count);
	budget_r->deadline = i_microseconds() + (uint64_t)look->msecs * 1000;
}

static struct lazy_expunge_instances *
instances_find(struct lazy_expunge_user *luser)
{
	struct lazy_expunge_instances *inst = INSTANCES_CONTEXT(luser->user);

	return inst == NULL || !array_is_created(&inst->boxes) ? NULL : inst;
}

static void instances_deinit(struct lazy_expunge_user *luser ATTR_UNUSED,
			     void *context)
{
	struct lazy_expunge_instances *inst = context;
	struct instance_box *ibox;

	array_foreach_elem(&inst->boxes, ibox)
		instance_box_free(ibox);
	array_free(&inst->boxes);
	inst->last_hit = NULL;
	inst->listed = FALSE;
	inst->in_use = FALSE;
	inst->since = 0;
}

/* All is closed: forget what was read, if that is long ago. */
static void instances_forget_old(struct lazy_expunge_instances *inst)
{
	const unsigned int age = inst->luser->set.look.age_secs;
	struct instance_box *ibox;

	if (inst->since == 0 || (age > 0 && ioloop_time - inst->since >= age)) {
		array_foreach_elem(&inst->boxes, ibox) {
			lazy_expunge_guids_deinit(&ibox->guids);
			ibox->guids = lazy_expunge_guids_init();
		}
		inst->since = ioloop_time;
	}
}

struct lazy_expunge_instances *
lazy_expunge_instances_get(struct lazy_expunge_user *luser)
{
	struct lazy_expunge_instances *inst = INSTANCES_CONTEXT(luser->user);

	if (inst == NULL) {
		inst = p_new(luser->user->pool,
			     struct lazy_expunge_instances, 1);
		inst->luser = luser;
		MODULE_CONTEXT_SET(luser->user, lazy_expunge_instances_module,
				   inst);
	}
	if (!array_is_created(&inst->boxes)) {
		i_array_init(&inst->boxes, 16);
		lazy_expunge_user_on_deinit(luser, instances_deinit, inst);
	}
	if (!inst->in_use) {
		inst->in_use = TRUE;
		instances_forget_old(inst);
	}
	return inst;
}

void lazy_expunge_instance_boxes_close(struct lazy_expunge_user *luser)
{
	struct lazy_expunge_instances *inst = instances_find(luser);
	struct instance_box *ibox;

	if (inst == NULL)
		return;
	array_foreach_elem(&inst->boxes, ibox)
		instance_box_close(ibox);
	inst->listed = FALSE;
	inst->in_use = FALSE;
}
