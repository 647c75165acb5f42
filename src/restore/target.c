/* Restore target: opens or creates the mailbox, and knows which of the wanted
   mails it has. */

#include "lib.h"
#include "guid.h"
#include "hash.h"
#include "unichar.h"
#include "mail-namespace.h"
#include "mail-search-build.h"
#include "mail-storage-private.h"
#include "inventory/select.h"
#include "restore/plan-target.h"
#include "restore/target.h"

struct wanted_guid {
	guid_128_t guid;
	/* in the target */
	uint32_t uid;
	bool present;
	bool copying;
};

struct lazy_expunge_restore_guids {
	pool_t pool;
	HASH_TABLE(const uint8_t *, struct wanted_guid *) wanted;
	ARRAY(struct wanted_guid *) copying;
};

static int target_create(struct mailbox *box,
			 struct lazy_expunge_error *error_r)
{
	if (mailbox_create(box, NULL, FALSE) < 0 &&
	    mailbox_get_last_mail_error(box) != MAIL_ERROR_EXISTS) {
		lazy_expunge_error_set_box(error_r, "Cannot create", box);
		return -1;
	}
	if (mailbox_set_subscribed(box, TRUE) < 0) {
		/* the mail matters more */
		e_warning(box->event, "lazy_expunge: Cannot subscribe to %s: %s",
			  mailbox_get_vname(box),
			  mailbox_get_last_internal_error(box, NULL));
	}
	if (mailbox_open(box) < 0) {
		lazy_expunge_error_set_box(error_r, "Cannot open the new", box);
		return -1;
	}
	return 0;
}

/* A mail would be there already, and be cleared from the storage. */
static bool target_shows_storage(struct lazy_expunge_user *luser,
				 struct mailbox *box)
{
	ARRAY_TYPE(mailboxes) backends;
	struct mailbox *backend;

	if (lazy_expunge_storage_match(luser, mailbox_get_namespace(box),
				       mailbox_get_vname(box)) != NULL)
		return TRUE;
	if (box->virtual_vfuncs == NULL)
		return FALSE;
	t_array_init(&backends, 16);
	box->virtual_vfuncs->get_virtual_backend_boxes(box, &backends, FALSE);
	array_foreach_elem(&backends, backend) {
		if (target_shows_storage(luser, backend))
			return TRUE;
	}
	return FALSE;
}

/* Returns 1 if open, 0 if it is to be created, -1 and the error. */
static int target_open(struct mailbox *box, bool plan,
		       struct lazy_expunge_error *error_r)
{
	if (mailbox_open(box) == 0)
		return 1;
	if (mailbox_get_last_mail_error(box) != MAIL_ERROR_NOTFOUND) {
		lazy_expunge_error_set_box(error_r, "Cannot open", box);
		return -1;
	}
	if (!plan)
		return target_create(box, error_r) < 0 ? -1 : 1;
	return lazy_expunge_restore_plan_create(box, error_r);
}

int lazy_expunge_restore_target_open(struct lazy_expunge_user *luser,
				     const char *vname, bool plan,
				     struct mailbox **box_r,
				     struct lazy_expunge_error *error_r)
{
	struct mail_namespace *ns;
	struct mailbox *box;
	int ret;

	*box_r = NULL;
	error_r->code = MAIL_ERROR_PARAMS;
	if (!uni_utf8_str_is_valid(vname)) {
		error_r->text = "The name of the target is not valid UTF-8";
		return -1;
	}
	ns = mail_namespace_find(luser->user->namespaces, vname);
	if (lazy_expunge_storage_match(luser, ns, vname) != NULL) {
		error_r->text = t_strdup_printf("%s is the expunge storage: "
			"mail cannot be restored to it", vname);
		return -1;
	}
	box = mailbox_alloc(ns->list, vname, MAILBOX_FLAG_IGNORE_ACLS);
	ret = target_open(box, plan, error_r);
	if (ret > 0 && target_shows_storage(luser, box)) {
		error_r->code = MAIL_ERROR_PARAMS;
		error_r->text = t_strdup_printf("%s shows the expunge storage: "
			"mail cannot be restored to it", vname);
		ret = -1;
	}
	if (ret > 0 && mailbox_sync(box, MAILBOX_SYNC_FLAG_FULL_READ) < 0) {
		lazy_expunge_error_set_box(error_r, "Cannot read", box);
		ret = -1;
	}
	if (ret > 0 && plan && lazy_expunge_restore_plan_save(box, error_r) < 0)
		ret = -1;
	if (ret > 0)
		*box_r = box;
	else
		mailbox_free(&box);
	return ret < 0 ? -1 : 0;
}

struct lazy_expunge_restore_guids *lazy_expunge_restore_guids_init(void)
{
	struct lazy_expunge_restore_guids *guids;
	pool_t pool;

	pool = pool_alloconly_create("lazy_expunge restore guids", 4096);
	guids = p_new(pool, struct lazy_expunge_restore_guids, 1);
	guids->pool = pool;
	hash_table_create(&guids->wanted, pool, 0, guid_128_hash, guid_128_cmp);
	i_array_init(&guids->copying, 64);
	return guids;
}

static struct wanted_guid *
guids_find(struct lazy_expunge_restore_guids *guids, const char *guid)
{
	guid_128_t guid_128;
	const uint8_t *key = guid_128;

	if (*guid == '\0')
		return NULL;
	mail_generate_guid_128_hash(guid, guid_128);
	return hash_table_lookup(guids->wanted, key);
}

void lazy_expunge_restore_guids_want(struct lazy_expunge_restore_guids *guids,
				     const char *guid)
{
	struct wanted_guid *wanted;
	const uint8_t *key;

	if (*guid == '\0' || guids_find(guids, guid) != NULL)
		return;
	wanted = p_new(guids->pool, struct wanted_guid, 1);
	mail_generate_guid_128_hash(guid, wanted->guid);
	key = wanted->guid;
	hash_table_insert(guids->wanted, key, wanted);
}

int lazy_expunge_restore_guids_read(struct lazy_expunge_restore_guids *guids,
				    struct mailbox *box,
				    struct lazy_expunge_error *error_r)
{
	struct mailbox_transaction_context *t;
	struct mail_search_args *args;
	struct mail_search_context *search;
	struct wanted_guid *wanted;
	struct mail *mail;
	const char *guid;
	int ret = 0;

	args = mail_search_build_init();
	mail_search_build_add_all(args);
	t = mailbox_transaction_begin(box, 0, "lazy_expunge restore");
	search = mailbox_search_init(t, args, NULL, MAIL_FETCH_GUID, NULL);
	mail_search_args_unref(&args);
	while (mailbox_search_next(search, &mail)) T_BEGIN {
		if (mail_get_special(mail, MAIL_FETCH_GUID, &guid) == 0) {
			wanted = guids_find(guids, guid);
			if (wanted != NULL) {
				wanted->present = TRUE;
				wanted->uid = mail->uid;
			}
		} else if (!mail->expunged) {
			ret = -1;
		}
	} T_END;
	if (mailbox_search_deinit(&search) < 0)
		ret = -1;
	if (ret < 0)
		lazy_expunge_error_set_box(error_r, "Cannot read", box);
	/* caches what was read */
	(void)mailbox_transaction_commit(&t);
	return ret;
}

bool lazy_expunge_restore_guids_has(struct lazy_expunge_restore_guids *guids,
				    const char *guid)
{
	struct wanted_guid *wanted = guids_find(guids, guid);

	return wanted != NULL && (wanted->present || wanted->copying);
}

uint32_t
lazy_expunge_restore_guids_uid(struct lazy_expunge_restore_guids *guids,
			       const char *guid)
{
	struct wanted_guid *wanted = guids_find(guids, guid);

	return wanted == NULL ? 0 : wanted->uid;
}

void lazy_expunge_restore_guids_copy(struct lazy_expunge_restore_guids *guids,
				     const char *guid)
{
	struct wanted_guid *wanted = guids_find(guids, guid);

	if (wanted == NULL)
		return;
	wanted->copying = TRUE;
	array_push_back(&guids->copying, &wanted);
}

void lazy_expunge_restore_guids_finish(struct lazy_expunge_restore_guids *guids,
				       bool committed)
{
	struct wanted_guid *wanted;

	array_foreach_elem(&guids->copying, wanted) {
		wanted->copying = FALSE;
		wanted->present = wanted->present || committed;
	}
	array_clear(&guids->copying);
}

void lazy_expunge_restore_guids_deinit(
				struct lazy_expunge_restore_guids **_guids)
{
	struct lazy_expunge_restore_guids *guids = *_guids;

	if (guids == NULL)
		return;
	*_guids = NULL;
	hash_table_destroy(&guids->wanted);
	array_free(&guids->copying);
	pool_unref(&guids->pool);
}
