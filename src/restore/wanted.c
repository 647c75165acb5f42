/* The set of wanted mails, by GUID. */

#include "lib.h"
#include "array.h"
#include "guid.h"
#include "hash.h"
#include "mail-search-build.h"
#include "mail-storage-private.h"
#include "restore/wanted.h"

struct lazy_expunge_wanted {
	guid_128_t guid;
	/* NULL = not known */
	const char *text;
	/* in the target */
	uint32_t uid;
	bool present;
	bool copying;
};

struct lazy_expunge_restore_guids {
	pool_t pool;
	HASH_TABLE(const uint8_t *, struct lazy_expunge_wanted *) wanted;
	ARRAY(struct lazy_expunge_wanted *) copying;
};

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

struct lazy_expunge_wanted *
lazy_expunge_restore_guids_find(const struct lazy_expunge_restore_guids *guids,
				const char *guid)
{
	guid_128_t guid_128;
	const uint8_t *key = guid_128;

	if (*guid == '\0')
		return NULL;
	mail_generate_guid_128_hash(guid, guid_128);
	return hash_table_lookup(guids->wanted, key);
}

static struct lazy_expunge_wanted *
guids_want(struct lazy_expunge_restore_guids *guids, const guid_128_t guid)
{
	struct lazy_expunge_wanted *wanted;
	const uint8_t *key = guid;

	wanted = hash_table_lookup(guids->wanted, key);
	if (wanted != NULL)
		return wanted;
	wanted = p_new(guids->pool, struct lazy_expunge_wanted, 1);
	guid_128_copy(wanted->guid, guid);
	key = wanted->guid;
	hash_table_insert(guids->wanted, key, wanted);
	return wanted;
}

void lazy_expunge_restore_guids_want_128(
				struct lazy_expunge_restore_guids *guids,
				const guid_128_t guid)
{
	(void)guids_want(guids, guid);
}

struct lazy_expunge_wanted *
lazy_expunge_restore_guids_want(struct lazy_expunge_restore_guids *guids,
				const char *guid)
{
	struct lazy_expunge_wanted *wanted;
	guid_128_t guid_128;

	if (*guid == '\0')
		return NULL;
	mail_generate_guid_128_hash(guid, guid_128);
	wanted = guids_want(guids, guid_128);
	if (wanted->text == NULL)
		wanted->text = p_strdup(guids->pool, guid);
	return wanted;
}

int lazy_expunge_restore_guids_read(struct lazy_expunge_restore_guids *guids,
				    struct mailbox *box,
				    struct lazy_expunge_error *error_r)
{
	struct mailbox_transaction_context *t;
	struct mail_search_args *args;
	struct mail_search_context *search;
	struct lazy_expunge_wanted *wanted;
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
			wanted = lazy_expunge_restore_guids_find(guids, guid);
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

const char *lazy_expunge_wanted_guid(const struct lazy_expunge_wanted *wanted)
{
	return wanted == NULL ? NULL : wanted->text;
}

bool lazy_expunge_wanted_is_there(const struct lazy_expunge_wanted *wanted)
{
	return wanted != NULL && (wanted->present || wanted->copying);
}

uint32_t lazy_expunge_wanted_uid(const struct lazy_expunge_wanted *wanted)
{
	return wanted == NULL ? 0 : wanted->uid;
}

void lazy_expunge_wanted_gone(struct lazy_expunge_wanted *wanted)
{
	if (wanted == NULL)
		return;
	wanted->present = FALSE;
	wanted->uid = 0;
}

void lazy_expunge_wanted_copy(struct lazy_expunge_restore_guids *guids,
			      struct lazy_expunge_wanted *wanted)
{
	if (wanted == NULL)
		return;
	wanted->copying = TRUE;
	array_push_back(&guids->copying, &wanted);
}

void lazy_expunge_restore_guids_finish(struct lazy_expunge_restore_guids *guids,
				       bool committed)
{
	struct lazy_expunge_wanted *wanted;

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
