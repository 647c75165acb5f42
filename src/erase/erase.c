/* Erase: finds the GUIDs of what matches, then all copies, expunges them, and
   looks again. */

#include "lib.h"
#include "array.h"
#include "hash.h"
#include "mail-search.h"
#include "mail-search-build.h"
#include "mail-storage-private.h"
#include "core/transactions.h"
#include "account/lock.h"
#include "account/passed.h"
#include "account/user.h"
#include "hold/cover.h"
#include "hold/holds.h"
#include "inventory/live-boxes.h"
#include "inventory/select.h"
#include "formats/mdbox-mark.h"
#include "formats/sdbox-files.h"
#include "restore/intent.h"
#include "erase/records.h"
#include "erase/traces.h"
#include "erase/unfinished.h"
#include "erase/erase.h"

struct erase_guid {
	const char *guid;
	/* as it is written where a mail passed */
	guid_128_t guid_128;
	/* a copy is held, or could not be read */
	bool kept;
};

struct erase {
	struct lazy_expunge_user *luser;
	struct mail_search_args *args;
	pool_t pool;
	ARRAY_TYPE(lazy_expunge_erase_row) *rows;
	/* what an erase that was cut off had written down */
	ARRAY_TYPE(lazy_expunge_erase_row) cut_off;
	HASH_TABLE(const char *, struct erase_guid *) guids;
	HASH_TABLE(const uint8_t *, struct erase_guid *) guids_128;
	/* those whose counts were made anew */
	ARRAY(struct mail_storage *) recounted;
	/* which step is done for each mailbox */
	int (*step)(struct erase *erase, struct mailbox *box,
		    const char *vname, struct lazy_expunge_error *error_r);
	/* so many copies are still there */
	unsigned int left;
};

static const char *const state_names[] = {
	[LAZY_EXPUNGE_ERASE_PLANNED] = "planned",
	[LAZY_EXPUNGE_ERASE_ERASED] = "erased",
	[LAZY_EXPUNGE_ERASE_HELD] = "held",
	[LAZY_EXPUNGE_ERASE_FAILED] = "failed",
};

const char *
lazy_expunge_erase_state_name(enum lazy_expunge_erase_state state)
{
	return state_names[state];
}

static int erase_fail_box(struct lazy_expunge_error *error_r, const char *what,
			  struct mailbox *box)
{
	lazy_expunge_error_set_box(error_r, what, box);
	return -1;
}

static void guid_add(struct erase *erase, const char *guid)
{
	struct erase_guid *eguid;
	const uint8_t *key;

	if (hash_table_lookup(erase->guids, guid) != NULL)
		return;
	eguid = p_new(erase->pool, struct erase_guid, 1);
	eguid->guid = p_strdup(erase->pool, guid);
	hash_table_insert(erase->guids, eguid->guid, eguid);
	mail_generate_guid_128_hash(guid, eguid->guid_128);
	key = eguid->guid_128;
	hash_table_insert(erase->guids_128, key, eguid);
}

/* Have Dovecot make the counts of each mdbox storage anew: a process that is killed
   within an expunge leaves them so that a purge may fail again and again. */
static int step_recount(struct erase *erase, struct mailbox *box,
			const char *vname ATTR_UNUSED,
			struct lazy_expunge_error *error_r ATTR_UNUSED)
{
	struct mail_storage *storage;

	array_foreach_elem(&erase->recounted, storage) {
		if (storage == box->storage)
			return 0;
	}
	storage = box->storage;
	array_push_back(&erase->recounted, &storage);
	/* a failure shows when something is done with the storage */
	(void)lazy_expunge_unclean_resync(erase->luser, box);
	return 0;
}

/* The GUIDs of what matches. */
static int step_match(struct erase *erase, struct mailbox *box,
		      const char *vname ATTR_UNUSED,
		      struct lazy_expunge_error *error_r)
{
	struct mailbox_transaction_context *t;
	struct mail_search_context *search;
	struct mail *mail;
	const char *guid;
	int ret = 0;

	mail_search_args_init(erase->args, box, FALSE, NULL);
	t = mailbox_transaction_begin(box, 0, "lazy_expunge erase match");
	search = mailbox_search_init(t, erase->args, NULL, MAIL_FETCH_GUID,
				     NULL);
	while (mailbox_search_next(search, &mail)) {
		if (mail_get_special(mail, MAIL_FETCH_GUID, &guid) == 0)
			guid_add(erase, guid);
		else if (!mail->expunged)
			ret = -1;
	}
	if (mailbox_search_deinit(&search) < 0)
		ret = -1;
	if (ret < 0)
		(void)erase_fail_box(error_r, "Cannot search", box);
	mailbox_transaction_rollback(&t);
	mail_search_args_deinit(erase->args);
	return ret;
}

static void copy_add(struct erase *erase, struct erase_guid *eguid,
		     struct mail *mail, const char *vname,
		     struct lazy_expunge_cover *cover)
{
	struct lazy_expunge_erase_row *row = array_append_space(erase->rows);
	uoff_t size;

	row->guid = eguid->guid;
	row->mailbox = p_strdup(erase->pool, vname);
	row->uid = mail->uid;
	if (mail_get_virtual_size(mail, &size) == 0)
		row->size = size;
	row->held = cover == NULL ? "" :
		p_strdup(erase->pool, lazy_expunge_cover_names(cover, mail));
	if (*row->held != '\0')
		eguid->kept = TRUE;
}

static struct erase_guid *
copy_match(struct erase *erase, struct mail *mail, int *ret)
{
	const char *guid;

	if (mail_get_special(mail, MAIL_FETCH_GUID, &guid) == 0)
		return hash_table_lookup(erase->guids, guid);
	if (!mail->expunged)
		*ret = -1;
	return NULL;
}

/* All copies of these GUIDs. erase->rows = NULL: only count them, but for those
   that are to stay. */
static int step_find(struct erase *erase, struct mailbox *box,
		     const char *vname, struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_holds *holds = lazy_expunge_holds_get(erase->luser);
	struct lazy_expunge_cover *cover = NULL;
	struct mail_search_args *all = mail_search_build_init();
	struct mailbox_transaction_context *t;
	struct mail_search_context *search;
	struct erase_guid *eguid;
	struct mail *mail;
	int ret = 0;

	if (holds != NULL)
		cover = lazy_expunge_cover_init(holds, box);
	mail_search_build_add_all(all);
	t = mailbox_transaction_begin(box, 0, "lazy_expunge erase find");
	search = mailbox_search_init(t, all, NULL, MAIL_FETCH_GUID, NULL);
	mail_search_args_unref(&all);
	while (mailbox_search_next(search, &mail)) T_BEGIN {
		eguid = copy_match(erase, mail, &ret);
		if (eguid == NULL)
			; /* another mail */
		else if (erase->rows != NULL)
			copy_add(erase, eguid, mail, vname, cover);
		else if (!eguid->kept)
			erase->left++;
	} T_END;
	if (mailbox_search_deinit(&search) < 0)
		ret = -1;
	if (ret < 0)
		(void)erase_fail_box(error_r, "Cannot read", box);
	mailbox_transaction_rollback(&t);
	lazy_expunge_cover_deinit(&cover);
	return ret;
}

static int box_expunge(struct erase *erase, struct mailbox *box,
		       const char *vname)
{
	struct mailbox_transaction_context *t;
	const struct lazy_expunge_erase_row *row;
	const struct erase_guid *eguid;
	struct mail *mail;
	const char *guid;

	t = mailbox_transaction_begin(box, 0, LAZY_EXPUNGE_TRANSACTION_ERASE);
	mail = mail_alloc(t, MAIL_FETCH_GUID, NULL);
	array_foreach(erase->rows, row) T_BEGIN {
		eguid = hash_table_lookup(erase->guids, row->guid);
		if (!eguid->kept && strcmp(row->mailbox, vname) == 0 &&
		    mail_set_uid(mail, row->uid) &&
		    mail_get_special(mail, MAIL_FETCH_GUID, &guid) == 0 &&
		    strcmp(guid, row->guid) == 0)
			mail_expunge(mail);
	} T_END;
	mail_free(&mail);
	return mailbox_transaction_commit(&t);
}

static bool erase_has_guid(void *context, const char *guid)
{
	struct erase *erase = context;
	const struct erase_guid *eguid =
		hash_table_lookup(erase->guids, guid);

	return eguid != NULL && !eguid->kept;
}

static bool erase_has_guid_128(void *context, const guid_128_t guid)
{
	struct erase *erase = context;
	const uint8_t *key = guid;
	const struct erase_guid *eguid =
		hash_table_lookup(erase->guids_128, key);

	return eguid != NULL && !eguid->kept;
}

/* Expunge the copies, and write the cache anew: also of mailboxes that had one
   before it was moved. */
static int step_expunge(struct erase *erase, struct mailbox *box,
			const char *vname, struct lazy_expunge_error *error_r)
{
	if (box_expunge(erase, box, vname) < 0 ||
	    mailbox_sync(box, MAILBOX_SYNC_FLAG_FULL_READ) < 0 ||
	    lazy_expunge_sdbox_unlink_orphans(box, erase_has_guid, erase) < 0)
		return erase_fail_box(error_r, "Cannot expunge from", box);
	return lazy_expunge_erase_cache(box, error_r);
}

static int live_step(struct mailbox *box, void *context,
		     struct lazy_expunge_error *error_r)
{
	struct erase *erase = context;

	return erase->step(erase, box, mailbox_get_vname(box), error_r);
}

/* Do the step for the storages' mailboxes and for all others. */
static int erase_boxes(struct erase *erase,
		       struct lazy_expunge_error *error_r)
{
	struct lazy_expunge_select *select;
	const struct lazy_expunge_select_box *sbox;
	int ret = 0;

	/* The live ones first: what somebody deletes meanwhile is in the
	   storage when that is looked at. */
	if (lazy_expunge_live_boxes(erase->luser, NULL, live_step, NULL,
				    erase, error_r) < 0)
		return -1;
	select = lazy_expunge_select_init(erase->luser, error_r);
	if (select == NULL)
		return -1;
	array_foreach(&select->boxes, sbox) {
		if (ret == 0) T_BEGIN {
			ret = erase->step(erase, sbox->box, sbox->vname,
					  error_r);
		} T_END_PASS_STR_IF(ret < 0, &error_r->text);
	}
	lazy_expunge_select_deinit(&select);
	return ret;
}

static void rows_set_state(struct erase *erase,
			   enum lazy_expunge_erase_state state)
{
	struct lazy_expunge_erase_row *row;
	const struct erase_guid *eguid;

	array_foreach_modifiable(erase->rows, row) {
		eguid = hash_table_lookup(erase->guids, row->guid);
		row->state = eguid->kept && !row->gone ?
			LAZY_EXPUNGE_ERASE_HELD : state;
	}
}

/* Look again: none may be there. */
static int erase_prove(struct erase *erase, struct lazy_expunge_error *error_r)
{
	ARRAY_TYPE(lazy_expunge_erase_row) *rows = erase->rows;
	int ret;

	erase->rows = NULL;
	erase->left = 0;
	erase->step = step_find;
	ret = erase_boxes(erase, error_r);
	erase->rows = rows;
	if (ret < 0 || erase->left == 0)
		return ret;
	error_r->code = MAIL_ERROR_TEMP;
	error_r->text = t_strdup_printf("%u copies are there again: run it "
					"once more", erase->left);
	return -1;
}

static int erase_locked(struct erase *erase, struct lazy_expunge_error *error_r)
{
	if (lazy_expunge_erase_unfinished_write(erase->luser->user, erase->rows,
						&error_r->text) < 0) {
		error_r->code = MAIL_ERROR_TEMP;
		return -1;
	}
	/* first, for who finds no such mail any more does not know of what */
	if (lazy_expunge_passed_forget(erase->luser->user, 0,
				       erase_has_guid_128, erase,
				       &error_r->text) < 0) {
		error_r->code = MAIL_ERROR_TEMP;
		return -1;
	}
	erase->step = step_expunge;
	if (erase_boxes(erase, error_r) < 0 ||
	    lazy_expunge_erase_traces(erase->luser, error_r) < 0)
		return -1;
	if (lazy_expunge_restore_intent_forget(erase->luser->user,
					       erase_has_guid, erase,
					       &error_r->text) < 0) {
		error_r->code = MAIL_ERROR_TEMP;
		return -1;
	}
	if (lazy_expunge_erase_records(erase->luser, error_r) < 0)
		return -1;
	return erase_prove(erase, error_r);
}

static const char *row_key(const struct lazy_expunge_erase_row *row)
{
	return t_strdup_printf("%s\t%u\t%s", row->guid, row->uid, row->mailbox);
}

/* The copies that an erase took away before it was cut off. */
static void rows_add_gone(struct erase *erase)
{
	HASH_TABLE(const char *, const char *) found;
	struct lazy_expunge_erase_row *row;
	const char *key;

	if (array_is_empty(&erase->cut_off))
		return;
	hash_table_create(&found, default_pool, 0, str_hash, strcmp);
	array_foreach_modifiable(erase->rows, row) T_BEGIN {
		key = p_strdup(erase->pool, row_key(row));
		hash_table_update(found, key, key);
	} T_END;
	array_foreach_modifiable(&erase->cut_off, row) T_BEGIN {
		if (hash_table_lookup(found, row_key(row)) == NULL) {
			row->gone = TRUE;
			array_push_back(erase->rows, row);
		}
	} T_END;
	hash_table_destroy(&found);
}

static int erase_read_cut_off(struct erase *erase,
			      struct lazy_expunge_error *error_r)
{
	const struct lazy_expunge_erase_row *row;

	p_array_init(&erase->cut_off, erase->pool, 4);
	if (lazy_expunge_erase_unfinished_read(erase->luser->user, erase->pool,
					       &erase->cut_off,
					       &error_r->text) < 0) {
		error_r->code = MAIL_ERROR_TEMP;
		return -1;
	}
	array_foreach(&erase->cut_off, row)
		guid_add(erase, row->guid);
	return 0;
}

static int erase_run(struct erase *erase, bool plan,
		     struct lazy_expunge_error *error_r)
{
	const char *error;
	int ret;

	if (erase_read_cut_off(erase, error_r) < 0)
		return -1;
	if (!plan && !array_is_empty(&erase->cut_off)) {
		p_array_init(&erase->recounted, erase->pool, 2);
		erase->step = step_recount;
		if (erase_boxes(erase, error_r) < 0)
			return -1;
	}
	erase->step = step_match;
	if (erase_boxes(erase, error_r) < 0)
		return -1;
	if (hash_table_count(erase->guids) == 0) {
		/* an earlier run may have failed at these */
		return plan ? 0 :
			lazy_expunge_erase_records(erase->luser, error_r);
	}
	erase->step = step_find;
	if (erase_boxes(erase, error_r) < 0)
		return -1;
	rows_add_gone(erase);
	rows_set_state(erase, LAZY_EXPUNGE_ERASE_PLANNED);
	if (plan)
		return 0;
	/* as it holds for a delete */
	ret = lazy_expunge_lock_get(erase->luser,
				    LAZY_EXPUNGE_LOCK_TIMEOUT_SECS, &error);
	if (ret <= 0) {
		error_r->code = ret == 0 ? MAIL_ERROR_INUSE : MAIL_ERROR_TEMP;
		error_r->text = t_strdup_printf("Cannot lock the account: %s",
						error);
		return -1;
	}
	rows_set_state(erase, LAZY_EXPUNGE_ERASE_FAILED);
	ret = erase_locked(erase, error_r);
	lazy_expunge_lock_put(erase->luser);
	if (ret == 0)
		rows_set_state(erase, LAZY_EXPUNGE_ERASE_ERASED);
	return ret;
}

int lazy_expunge_erase(struct lazy_expunge_user *luser,
		       struct mail_search_args *args, bool plan, pool_t pool,
		       ARRAY_TYPE(lazy_expunge_erase_row) *rows,
		       struct lazy_expunge_error *error_r)
{
	struct erase erase = {
		.luser = luser,
		.args = args,
		.pool = pool,
		.rows = rows,
	};
	int ret;

	hash_table_create(&erase.guids, default_pool, 0, str_hash, strcmp);
	hash_table_create(&erase.guids_128, default_pool, 0, guid_128_hash,
			  guid_128_cmp);
	ret = erase_run(&erase, plan, error_r);
	hash_table_destroy(&erase.guids_128);
	hash_table_destroy(&erase.guids);
	return ret;
}

void lazy_expunge_erase_reported(struct lazy_expunge_user *luser)
{
	lazy_expunge_erase_unfinished_remove(luser->user);
}
