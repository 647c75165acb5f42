/* Keeps mails in a Maildir by link(), see the header. */

#include "lib.h"
#include "array.h"
#include "module-dir.h"
#include "mail-cache.h"
#include "mail-copy.h"
#include "mail-namespace.h"
#include "mail-storage-service.h"
#include "mailbox-list-private.h"
#include "maildir-storage.h"
#include "maildir-keywords.h"
#include "maildir-filename-flags.h"
#include "maildir-settings.h"
#include "core/deletion.h"
#include "core/deletion-lines.h"
#include "core/origin-codec.h"
#include "core/origin-id.h"
#include "formats/format.h"
#include "formats/letters.h"
#include "formats/refcount.h"
#include "formats/save-date.h"
#include "account/storage-names.h"
#include "account/user.h"
#include "formats/maildir-link.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* File names have 255 bytes at most. Leave some for flags and keywords. */
#define MAX_BASE_NAME 200

struct lazy_expunge_maildir {
	struct lazy_expunge_user *luser;
	/* cur/ of the destination */
	char *cur_path;
	struct lazy_expunge_letters *letters;
};

struct link_context {
	const char *base, *dest_path;
	bool linked;
};

/* Plugins for which it makes no difference how a mail got into the storage.
   Others may transform what is copied, or want to hear of it. */
static const char *const indifferent_plugins[] = {
	"acl", "fts", "fts_flatcurve", "fts_lucene", "fts_solr", "fts_squat",
	"imap_acl", "imap_filter_sieve", "imap_quota", "imap_sieve",
	"imap_zlib", "last_login", "lazy_expunge", "listescape",
	"mail_compress", "mailbox_alias", "quota", "sieve", "trash", "virtual",
	"zlib", NULL
};

static bool plugins_are_indifferent(struct lazy_expunge_storage *storage)
{
	struct module *module = mail_storage_service_modules;
	bool indifferent = TRUE;

	for (; module != NULL && indifferent; module = module->next) T_BEGIN {
		const char *name = module_get_plugin_name(module);

		indifferent = str_array_find(indifferent_plugins, name) &&
			/* whoever counts the storage counts at the copy */
			(storage->quota_ignore || strcmp(name, "quota") != 0);
	} T_END;
	return indifferent;
}

static bool mailbox_is_plain(struct mailbox *box)
{
	const struct mail_storage_settings *set = box->storage->set;

	return lazy_expunge_box_format(box) == LAZY_EXPUNGE_FORMAT_MAILDIR &&
		mailbox_get_namespace(box)->type == MAIL_NAMESPACE_TYPE_PRIVATE &&
		!set->mail_nfs_storage &&
		set->parsed_fsync_mode != FSYNC_MODE_ALWAYS;
}

struct lazy_expunge_maildir *
lazy_expunge_maildir_init(struct lazy_expunge_user *luser,
			  struct lazy_expunge_storage *storage,
			  struct mailbox *source, struct mailbox *dest,
			  struct lazy_expunge_letters *letters)
{
	struct lazy_expunge_maildir *maildir;
	const char *path;

	if (!mailbox_is_plain(source) || !mailbox_is_plain(dest) ||
	    !mail_storage_copy_can_use_hardlink(source, dest) ||
	    !plugins_are_indifferent(storage) || letters == NULL)
		return NULL;
	if (mailbox_get_path_to(dest, MAILBOX_LIST_PATH_TYPE_MAILBOX,
				&path) <= 0)
		return NULL;
	maildir = i_new(struct lazy_expunge_maildir, 1);
	maildir->luser = luser;
	maildir->cur_path = i_strconcat(path, "/cur", NULL);
	maildir->letters = letters;
	return maildir;
}

void lazy_expunge_maildir_deinit(struct lazy_expunge_maildir **_maildir)
{
	struct lazy_expunge_maildir *maildir = *_maildir;

	if (maildir == NULL)
		return;
	*_maildir = NULL;
	i_free(maildir->cur_path);
	i_free(maildir);
}

static int letter_cmp(const char *c1, const char *c2)
{
	return *c1 - *c2;
}

/* The letters of the mail's keywords and of its origin, NULL if one has none. */
static const char *
letters_get(struct lazy_expunge_maildir *maildir, struct mail *mail,
	    const struct lazy_expunge_origin_carrier *carrier)
{
	const char *const own[] = { carrier->keyword, carrier->via };
	const char *const *keywords = mail_get_keywords(mail);
	ARRAY(char) letters;
	char letter;

	if (*keywords == NULL && own[0] == NULL && own[1] == NULL)
		return "";
	/* the choice of the carrier has read them */
	if (own[0] == NULL && own[1] == NULL)
		lazy_expunge_letters_refresh(maildir->letters);
	t_array_init(&letters, 8);
	for (; *keywords != NULL; keywords++) {
		if (lazy_expunge_origin_is_keyword(*keywords))
			continue;
		if (!lazy_expunge_letters_find(maildir->letters, *keywords,
					       FALSE, &letter))
			return NULL;
		array_push_back(&letters, &letter);
	}
	for (unsigned int i = 0; i < N_ELEMENTS(own); i++) {
		if (own[i] == NULL)
			continue;
		if (!lazy_expunge_letters_find(maildir->letters, own[i], TRUE,
					       &letter))
			return NULL;
		array_push_back(&letters, &letter);
	}
	array_sort(&letters, letter_cmp);
	array_append_zero(&letters);
	return array_front(&letters);
}

static bool base_name_is_valid(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= MAX_BASE_NAME && name[0] != '.' &&
		strpbrk(name, "/"MAILDIR_INFO_SEP_S) == NULL;
}

/* The field of the cache file that says that a mail was in a storage. */
static unsigned int left_field_register(struct mailbox *box)
{
	return lazy_expunge_cache_field_register(box, "lazy_expunge.left",
						 sizeof(uint8_t));
}

void lazy_expunge_maildir_mark_left(struct mail_save_context *ctx)
{
	struct mailbox_transaction_context *t = ctx->transaction;
	const uint8_t value = 1;

	if (lazy_expunge_box_format(t->box) != LAZY_EXPUNGE_FORMAT_MAILDIR ||
	    t->cache_trans == NULL || ctx->dest_mail == NULL)
		return;
	mail_cache_add(t->cache_trans, ctx->dest_mail->seq,
		       left_field_register(t->box), &value, sizeof(value));
}

static bool mail_has_left_storage(struct mail *mail)
{
	return mail_cache_field_exists(mail->transaction->cache_view,
				       mail->seq,
				       left_field_register(mail->box)) != 0;
}

/* Returns 0 if the mail may have another name by now, else 1. */
static int link_file(struct maildir_mailbox *mbox ATTR_UNUSED,
		     const char *path, struct link_context *ctx)
{
	const char *fname = strrchr(path, '/') + 1;
	struct stat st;

	/* a GUID that is not the base name is in the source's uidlist, and
	   would have to be in that of the destination */
	if (strcmp(t_strcut(fname, MAILDIR_INFO_SEP), ctx->base) != 0)
		return 1;
	if (link(path, ctx->dest_path) == 0) {
		ctx->linked = TRUE;
		return 1;
	}
	return errno == ENOENT && lstat(path, &st) < 0 && errno == ENOENT ?
		0 : 1;
}

const char *
lazy_expunge_maildir_link(struct lazy_expunge_maildir *maildir,
			  struct lazy_expunge_deletion *deletion,
			  const struct lazy_expunge_origin_carrier *carrier)
{
	struct mail *mail = deletion->mail;
	struct link_context ctx;
	const char *guid, *letters;
	enum mail_flags flags;

	/* two mails with one base name must not meet in a Maildir */
	if (!lazy_expunge_refcount_is_single(maildir->luser, deletion) ||
	    mail_has_left_storage(mail) ||
	    mail_get_special(mail, MAIL_FETCH_GUID, &guid) < 0 ||
	    !base_name_is_valid(guid))
		return NULL;
	letters = letters_get(maildir, mail, carrier);
	if (letters == NULL)
		return NULL;

	flags = mail_get_flags(mail) & ENUM_NEGATE(MAIL_DELETED | MAIL_RECENT);
	i_zero(&ctx);
	ctx.base = guid;
	ctx.dest_path = t_strconcat(maildir->cur_path, "/",
		maildir_filename_flags_set(guid, flags), letters,
		carrier->id == 0 ? "" :
		lazy_expunge_origin_id_to_info(carrier->id),
		deletion->id == 0 ? "" :
		lazy_expunge_deletion_id_to_info(deletion->id), NULL);
	if (maildir_file_do(MAILDIR_MAILBOX(mail->box), mail->uid,
			    link_file, &ctx) < 0)
		return NULL;
	return ctx.linked ? ctx.dest_path : NULL;
}
